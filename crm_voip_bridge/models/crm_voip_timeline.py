from collections import defaultdict
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount
from odoo.tools.mail import html_to_inner_content

from .crm_voip_call import duration

#: an id of the time line is the source's id times this, plus the source's code
CODES = 16
#: most contacts or opportunities that one time line is about
MOST = 100
#: characters of a text that are shown, and of its markup that are looked at for them
SHOWN, LOOKED_AT = 160, 6000
#: fields that say whose time line it is, and what they hold
CUSTOMERS = {
    "customer_id": "res.partner",
    "partner_id": "res.partner",
    "commercial_partner_id": "res.partner",
    "lead_id": "crm.lead",
}
#: icon of each kind
ICONS = {
    "call": "fa-phone",
    "typed": "fa-pencil-square-o",
    "email": "fa-envelope-o",
    "message": "fa-comment-o",
    "note": "fa-sticky-note-o",
    "meeting": "fa-calendar",
    "lead_new": "fa-star-o",
    "lead_won": "fa-trophy",
    "lead_lost": "fa-ban",
    "activity": "fa-clock-o",
}


@dataclass(frozen=True)
class Source:
    """Where some of the rows come from.

    :param code: the source's number, below :data:`CODES`; the same for ever
    :param model: name of the model of the records
    :param rows: SELECT of all its rows, with the columns ``res_id, date, whole_day, kind, direction, subject,
        partner_id, lead_id, user_id, company_id`` in this order
    :param found: SELECT of the ids of the customer's records, see :meth:`CrmVoipTimeline._timeline_sources`
    """

    code: int
    model: str
    rows: SQL
    found: SQL


class CrmVoipTimeline(models.Model):
    """All that happened with a customer: calls, mail, meetings, opportunities, next steps.

    It has no table: each row is a record of another model (``res_model``, ``res_id``), and whoever may not
    read that record neither finds, counts, groups, reads nor exports the row.

    How a time line is read, whatever it holds:

    1. The customer in the domain (``customer_id``: a contact, its people and their opportunities; or
       ``lead_id``) is turned into the ids of records by the indexes of their tables: three queries. A
       domain without a customer is refused, so that nobody pages through everything.
    2. The rows of these that the rest of the domain wants, one query.
    3. What the user may not read of them is taken out, as :class:`mail.message` does it: each model is asked
       with its own rights, a few queries.
    4. The page that is shown, by primary keys: in each part of the view ``code`` is a constant, so that
       PostgreSQL drops the parts that are not asked.

    Another addon adds a source by extending :meth:`_timeline_sources`, ``kind`` and :meth:`_timeline_texts`.
    """

    _name = "crm.voip.timeline"
    _inherit = "crm.voip.people"
    _description = "Time line"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "title"
    _depends = {
        "crm.voip.call": [
            "started_at",
            "direction",
            "outside_number",
            "partner_id",
            "lead_id",
            "user_id",
            "company_id",
        ],
        "crm.voip.typed.call": [
            "started_at",
            "direction",
            "number",
            "partner_id",
            "lead_id",
            "user_id",
            "company_id",
        ],
        "mail.message": [
            "date",
            "model",
            "res_id",
            "message_type",
            "subtype_id",
            "subject",
            "body",
            "author_id",
            "attachment_ids",
            "crm_voip_call_id",
        ],
        "calendar.event": ["start", "allday", "name", "user_id", "opportunity_id", "partner_ids", "active"],
        "crm.lead": ["name", "partner_id", "user_id", "company_id", "won_status", "date_closed"],
        "mail.activity": ["date_deadline", "summary", "res_model", "res_id", "user_id", "active"],
        "res.partner": ["commercial_partner_id"],
        "res.users": ["partner_id", "share"],
    }

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "date"

    code = fields.Integer("Source", readonly=True, aggregator=None)
    res_model = fields.Char("Model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True, aggregator=None)
    date = fields.Datetime("When", readonly=True)
    whole_day = fields.Boolean(readonly=True)
    kind = fields.Selection(
        [
            ("call", "Call"),
            ("typed", "Typed call"),
            ("email", "E-mail"),
            ("message", "Message"),
            ("note", "Note"),
            ("meeting", "Meeting"),
            ("lead_new", "New opportunity"),
            ("lead_won", "Won"),
            ("lead_lost", "Lost"),
            ("activity", "Next step"),
        ],
        "What",
        readonly=True,
    )
    direction = fields.Selection([("inbound", "From the customer"), ("outbound", "To the customer")], readonly=True)
    subject = fields.Char(readonly=True)
    partner_id = fields.Many2one("res.partner", "Contact", readonly=True)
    commercial_partner_id = fields.Many2one("res.partner", "Company", readonly=True)
    lead_id = fields.Many2one("crm.lead", "Opportunity", readonly=True)
    user_id = fields.Many2one(
        "res.users",
        "Person",
        readonly=True,
        help="Who of us it was. Of calls, colleagues are shown together only if the company decided so.",
    )
    company_id = fields.Many2one("res.company", "Our company", readonly=True)
    customer_id = fields.Many2one(
        "res.partner",
        compute="_compute_customer_id",
        search="_search_customer_id",
        help="A contact, its people and their opportunities.",
    )
    is_mine = fields.Boolean("Mine", compute="_compute_is_mine", search="_search_is_mine")
    is_ahead = fields.Boolean("Still to come", compute="_compute_is_ahead")
    icon = fields.Char(compute="_compute_icon")
    title = fields.Char(compute="_compute_title")
    detail = fields.Char(compute="_compute_title")

    @property
    def _table_query(self):
        rows = SQL(" UNION ALL ").join(
            SQL(
                "SELECT %s::integer AS code, %s::varchar AS res_model, rows.* FROM (%s) AS rows",
                source.code,
                source.model,
                source.rows,
            )
            for source in self._timeline_sources()
        )
        return SQL(
            """SELECT line.res_id::bigint * %s + line.code AS id, line.*, contact.commercial_partner_id
                 FROM (%s) AS line LEFT JOIN res_partner AS contact ON contact.id = line.partner_id""",
            CODES,
            rows,
        )

    @api.depends("partner_id")
    def _compute_customer_id(self):
        for row in self:
            row.customer_id = row.partner_id

    @api.depends("user_id")
    @api.depends_context("uid")
    def _compute_is_mine(self):
        for row in self:
            row.is_mine = row.user_id == self.env.user

    @api.depends("date")
    def _compute_is_ahead(self):
        now = fields.Datetime.now()
        for row in self:
            row.is_ahead = bool(row.date) and row.date > now

    @api.depends("kind")
    def _compute_icon(self):
        for row in self:
            row.icon = ICONS.get(row.kind, "fa-circle-o")

    @api.depends("code", "res_id", "kind")
    @api.depends_context("lang", "tz")
    def _compute_title(self):
        # sudo: whoever reads the row may read its record, and does so when it is opened
        for code, rows in self.grouped("code").items():
            texts = rows.sudo()._timeline_texts(code)
            for row in rows:
                title, detail = texts.get(row.res_id) or ("", "")
                row.title = title or dict(self._fields["kind"]._description_selection(self.env)).get(row.kind)
                row.detail = detail

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        mine = Domain("user_id", "=", self.env.uid)
        return mine if True in value else ~mine

    def _search_customer_id(self, operator, value):
        if operator not in ("=", "in", "child_of"):
            return NotImplemented
        return self._timeline_of("customer_id", _ids(value))

    # --- what a time line is made of ---

    @api.model
    def _timeline_sources(self, partners=(), leads=(), calls=(), typed=()):
        """The sources of rows.

        :param partners: ids of contacts for ``found``
        :param leads: ids of opportunities for ``found``
        :param calls: ids of calls for ``found``
        :param typed: ids of typed calls for ``found``
        :return: list of :class:`Source`
        """
        documents = {
            "res.partner": list(partners),
            "crm.lead": list(leads),
            "crm.voip.call": list(calls),
            "crm.voip.typed.call": list(typed),
        }
        partners, leads, calls, typed = documents.values()
        of_lead = SQL("SELECT unnest(%s::integer[]) AS id", leads)
        sources = [
            Source(
                1,
                "crm.voip.call",
                SQL(
                    """SELECT call.id AS res_id, COALESCE(call.started_at, call.create_date) AS date,
                              FALSE AS whole_day, 'call'::varchar AS kind, call.direction,
                              COALESCE(call.outside_number, call.name)::varchar AS subject,
                              COALESCE(call.partner_id, lead.partner_id) AS partner_id, call.lead_id,
                              call.user_id, call.company_id
                         FROM crm_voip_call AS call
                         LEFT JOIN crm_lead AS lead ON lead.id = call.lead_id
                        WHERE call.partner_id IS NOT NULL OR call.lead_id IS NOT NULL"""
                ),
                SQL("SELECT unnest(%s::integer[]) AS id", calls),
            ),
            Source(
                3,
                "mail.message",
                SQL(
                    """SELECT message.id AS res_id, message.date, FALSE AS whole_day,
                              CASE WHEN message.message_type LIKE 'email%%' THEN 'email'
                                   WHEN message.subtype_id = %(note)s THEN 'note'
                                   ELSE 'message' END::varchar AS kind,
                              CASE WHEN message.message_type = 'email' THEN 'inbound'
                                   WHEN message.message_type = 'email_outgoing' THEN 'outbound'
                                   WHEN message.subtype_id = %(note)s THEN NULL
                                   WHEN %(author)s IS NULL THEN 'inbound'
                                   ELSE 'outbound' END::varchar AS direction,
                              message.subject::varchar,
                              CASE message.model WHEN 'res.partner' THEN message.res_id
                                   ELSE COALESCE(call.partner_id, lead.partner_id) END AS partner_id,
                              lead.id AS lead_id, %(author)s AS user_id,
                              COALESCE(call.company_id, lead.company_id) AS company_id
                         FROM mail_message AS message
                         LEFT JOIN crm_voip_call AS call
                                ON message.model = 'crm.voip.call' AND call.id = message.res_id
                         LEFT JOIN crm_lead AS lead
                                ON lead.id = CASE message.model WHEN 'crm.lead' THEN message.res_id
                                                  WHEN 'crm.voip.call' THEN call.lead_id END
                        WHERE message.model IN ('res.partner', 'crm.lead', 'crm.voip.call')
                          AND message.message_type IN ('comment', 'email', 'email_outgoing')
                          AND message.crm_voip_call_id IS NULL
                          AND (%(has_text)s OR COALESCE(message.subject, '') <> ''
                               OR EXISTS (SELECT FROM message_attachment_rel AS attached
                                           WHERE attached.message_id = message.id))""",
                    # of a message that was removed, a mark that it was edited may be left
                    has_text=SQL(
                        """(length(message.body) > 250 OR message.body LIKE '%%<img%%'
                            OR regexp_replace(message.body, '<[^>]*>|[[:space:]]', '', 'g') <> '')"""
                    ),
                    note=self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"),
                    author=SQL(
                        """(SELECT min(author.id) FROM res_users AS author
                             WHERE author.partner_id = message.author_id AND author.share IS NOT TRUE)"""
                    ),
                ),
                self._timeline_on_documents("mail.message", "model", documents),
            ),
            Source(
                4,
                "calendar.event",
                SQL(
                    """SELECT event.id AS res_id, event.start AS date, COALESCE(event.allday, FALSE) AS whole_day,
                              'meeting'::varchar AS kind, NULL::varchar AS direction, event.name::varchar AS subject,
                              COALESCE(
                                  lead.partner_id,
                                  (SELECT min(guest.res_partner_id)
                                     FROM calendar_event_res_partner_rel AS guest
                                    WHERE guest.calendar_event_id = event.id
                                      AND NOT EXISTS (SELECT FROM res_users AS us
                                                       WHERE us.partner_id = guest.res_partner_id
                                                         AND us.share IS NOT TRUE))
                              ) AS partner_id,
                              lead.id AS lead_id, event.user_id, lead.company_id
                         FROM calendar_event AS event
                         LEFT JOIN crm_lead AS lead ON lead.id = event.opportunity_id
                        WHERE event.active"""
                ),
                SQL(
                    """SELECT calendar_event_id AS id FROM calendar_event_res_partner_rel
                        WHERE res_partner_id = ANY(%s)
                        UNION SELECT id FROM calendar_event WHERE opportunity_id = ANY(%s)""",
                    partners,
                    leads,
                ),
            ),
            Source(5, "crm.lead", self._timeline_lead_rows("lead_new", SQL("lead.create_date"), SQL("TRUE")), of_lead),
            *(
                Source(
                    code,
                    "crm.lead",
                    self._timeline_lead_rows(
                        f"lead_{status}",
                        SQL("COALESCE(lead.date_closed, lead.write_date)"),
                        SQL("lead.won_status = %s", status),
                    ),
                    of_lead,
                )
                for code, status in ((6, "won"), (7, "lost"))
            ),
            Source(
                8,
                "mail.activity",
                SQL(
                    # noon: the day stays the day in every time zone
                    """SELECT activity.id AS res_id, activity.date_deadline + interval '12 hours' AS date,
                              TRUE AS whole_day, 'activity'::varchar AS kind, NULL::varchar AS direction,
                              activity.summary::varchar AS subject,
                              CASE activity.res_model WHEN 'res.partner' THEN activity.res_id
                                   ELSE COALESCE(call.partner_id, lead.partner_id) END AS partner_id,
                              lead.id AS lead_id, activity.user_id,
                              COALESCE(call.company_id, lead.company_id) AS company_id
                         FROM mail_activity AS activity
                         LEFT JOIN %s AS call ON call.document = activity.res_model AND call.id = activity.res_id
                         LEFT JOIN crm_lead AS lead
                                ON lead.id = CASE activity.res_model WHEN 'crm.lead' THEN activity.res_id
                                                  ELSE call.lead_id END
                        WHERE activity.active AND activity.res_model IN %s""",
                    self._timeline_calls_of_documents(),
                    tuple(documents),
                ),
                self._timeline_on_documents("mail.activity", "res_model", documents),
            ),
        ]
        sources.append(
            Source(
                2,
                "crm.voip.typed.call",
                SQL(
                    """SELECT typed.id AS res_id, typed.started_at AS date, FALSE AS whole_day,
                              'typed'::varchar AS kind, typed.direction, typed.number::varchar AS subject,
                              COALESCE(typed.partner_id, lead.partner_id) AS partner_id, typed.lead_id,
                              typed.user_id, typed.company_id
                         FROM crm_voip_typed_call AS typed
                         LEFT JOIN crm_lead AS lead ON lead.id = typed.lead_id
                        WHERE typed.partner_id IS NOT NULL OR typed.lead_id IS NOT NULL"""
                ),
                SQL("SELECT unnest(%s::integer[]) AS id", typed),
            )
        )
        return sources

    @api.model
    def _timeline_lead_rows(self, kind, date, condition):
        """:return: SELECT of what happened to opportunities"""
        return SQL(
            """SELECT lead.id AS res_id, %s AS date, FALSE AS whole_day, %s::varchar AS kind,
                      NULL::varchar AS direction, lead.name::varchar AS subject, lead.partner_id, lead.id AS lead_id,
                      lead.user_id, lead.company_id
                 FROM crm_lead AS lead WHERE %s""",
            date,
            kind,
            condition,
        )

    @api.model
    def _timeline_on_documents(self, model, column, documents):
        """:return: SELECT of the ids of records that hang on documents of the customer"""
        return SQL(" UNION ALL ").join(
            SQL(
                "SELECT id FROM %s WHERE %s = %s AND res_id = ANY(%s)",
                SQL.identifier(self.env[model]._table),
                SQL.identifier(column),
                document,
                ids,
            )
            for document, ids in documents.items()
        )

    @api.model
    def _timeline_calls_of_documents(self):
        """:return: FROM item ``document, id, partner_id, lead_id, company_id`` of both kinds of calls"""
        calls = [
            SQL("SELECT 'crm.voip.call'::varchar AS document, id, partner_id, lead_id, company_id FROM crm_voip_call"),
            SQL("SELECT 'crm.voip.typed.call', id, partner_id, lead_id, company_id FROM crm_voip_typed_call"),
        ]
        return SQL("(%s)", SQL(" UNION ALL ").join(calls))

    def _timeline_texts(self, code):
        """The words of rows of one source, in superuser mode.

        :return: ``{res_id: (title, detail)}``
        """
        ids = self.mapped("res_id")
        if code == 1:
            return self._timeline_call_texts(self.env["crm.voip.call"].browse(ids))
        if code == 2:
            return self._timeline_typed_texts(self.env["crm.voip.typed.call"].browse(ids))
        if code == 3:
            return self._timeline_message_texts(ids)
        if code == 4:
            return self._timeline_meeting_texts(self.env["calendar.event"].browse(ids))
        if code in (5, 6, 7):
            return self._timeline_lead_texts(code, self.env["crm.lead"].browse(ids))
        if code == 8:
            return self._timeline_activity_texts(self.env["mail.activity"].browse(ids))
        return {}

    @api.model
    def _timeline_call_texts(self, calls):
        labels = dict(calls._fields["disposition"]._description_selection(self.env))
        texts = {}
        for call in calls:
            title = [labels.get(call.disposition), duration(call.talk_s) if call.talk_s else ""]
            detail = _said(call) or [call.outside_number, call.queue]
            texts[call.id] = (" · ".join(filter(None, title)), " · ".join(filter(None, detail)))
        return texts

    @api.model
    def _timeline_typed_texts(self, calls):
        texts = {}
        for call in calls:
            minutes = self.env._("%s min", round(call.minutes)) if call.minutes else self.env._("Typed in")
            texts[call.id] = (minutes, " · ".join(_said(call)))
        return texts

    @api.model
    def _timeline_message_texts(self, ids):
        # the beginning only: a newsletter may have a megabyte
        rows = self.env.execute_query(
            SQL("SELECT id, subject, left(body, %s) FROM mail_message WHERE id = ANY(%s)", LOOKED_AT, ids)
        )
        texts = {}
        for message_id, subject, body in rows:
            words = _shorten(html_to_inner_content(body or ""))
            texts[message_id] = (subject, words) if subject else (words or self.env._("Attachment"), "")
        return texts

    @api.model
    def _timeline_meeting_texts(self, events):
        texts = {}
        for event in events:
            length = self.env._("All day") if event.allday else duration(event.duration * 3600).rpartition(":")[0]
            if length and not event.allday:
                length = self.env._("%s h", length) if ":" in length else self.env._("%s min", length)
            texts[event.id] = (event.name, " · ".join(filter(None, (length, event.location))))
        return texts

    @api.model
    def _timeline_lead_texts(self, code, leads):
        texts = {}
        for lead in leads:
            amount = lead.expected_revenue and format_amount(
                self.env, lead.expected_revenue, lead.company_currency, trailing_zeroes=False
            )
            said = lead.lost_reason_id.name if code == 7 else lead.stage_id.name if code == 5 else ""
            texts[lead.id] = (lead.name, " · ".join(filter(None, (said, amount))))
        return texts

    @api.model
    def _timeline_activity_texts(self, activities):
        texts = {}
        for activity in activities:
            kind = activity.activity_type_id.name
            words = _shorten(html_to_inner_content((activity.note or "")[:LOOKED_AT]))
            detail = (kind if activity.summary else "", words)
            texts[activity.id] = (activity.summary or kind, " · ".join(filter(None, detail)))
        return texts

    # --- searching ---

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, *, bypass_access=False, **kwargs):
        domain = self._timeline_limit(Domain(domain), refuse=not (self.env.su or bypass_access))
        if self.env.su or bypass_access:
            return super()._search(domain, offset, limit, order, bypass_access=bypass_access, **kwargs)
        query = super()._search(domain, order=order, **kwargs)
        if not query.is_empty():
            # as mail.message itself: what one may not see is taken out of the result; but before the page is cut
            rows = self.env.execute_query(
                query.select(SQL.identifier(self._table, "code"), SQL.identifier(self._table, "res_id"))
            )
            if hidden := self._timeline_hidden(rows):
                query.add_where(SQL("NOT (%s)", self._timeline_condition(hidden)))
        if limit is not None and limit is not False:
            query.limit = limit
        if offset:
            query.offset = offset
        return query

    @api.private
    def exists(self):
        # a search by the rows' own keys; that of the ORM would read all of everything
        real = self.filtered("id")
        found = set(self.sudo()._search([("id", "in", real.ids)]).get_result_ids()) if real else set()
        return self.filtered(lambda row: not row.id or row.id in found)

    def _check_access(self, operation):
        result = super()._check_access(operation)
        rows = self - result[0] if result else self
        hidden = {
            source * CODES + code
            for code, ids in rows._timeline_hidden([divmod(row, CODES)[::-1] for row in rows.ids]).items()
            for source in ids
        }
        if not hidden:
            return result
        forbidden = self.browse(hidden) | result[0] if result else self.browse(hidden)
        return forbidden, lambda: forbidden._make_access_error(operation)

    def _make_access_error(self, operation):
        return self.env["ir.rule"]._make_access_error(operation, self)

    @api.model
    def _timeline_limit(self, domain, refuse):
        """Bring a domain to one that is answered by indexes.

        :param refuse: whether a domain without a customer is refused
        :raise UserError: it is
        """
        domain = domain.optimize(self)
        bounded = domain.is_false()
        for condition in domain.children if getattr(domain, "OPERATOR", "") == "&" else (domain,):
            name, operator = getattr(condition, "field_expr", ""), getattr(condition, "operator", "")
            if name == "id":
                bounded |= operator in ("=", "in")
            elif name in CUSTOMERS and operator in ("=", "in", "child_of"):
                ids = _ids(condition.value)
                if None in ids or len(ids) > MOST:
                    continue
                bounded = True
                if name != "customer_id":
                    domain &= self._timeline_of(name, ids)
        if refuse and not bounded:
            raise UserError(
                self.env._(
                    "A time line is that of a customer: open it with the button “Time line” of a contact, a company "
                    "or an opportunity."
                )
            )
        return domain.map_conditions(self._timeline_by_key)

    def _timeline_by_key(self, condition):
        """:return: a condition on ids as one on the records, which have indexes; any other as it is"""
        if condition.field_expr != "id" or condition.operator not in ("=", "in"):
            return condition
        ids = defaultdict(set)
        for row in _ids(condition.value) - {None}:
            source, code = divmod(row, CODES)
            ids[code].add(source)
        return self._timeline_domain(ids)

    @api.model
    def _timeline_of(self, name, ids):
        """:return: domain of the rows of some customers

        :param name: name of the field that says so, see :data:`CUSTOMERS`
        :param ids: their ids
        """
        ids = sorted(ids - {None})
        partners, leads = set(), set()
        # sudo: only to know which records there are; what of them the user may read is asked afterwards
        Partner = self.env["res.partner"].sudo().with_context(active_test=False)
        if name == "lead_id":
            leads = set(ids)
        elif name == "commercial_partner_id":
            partners = set(Partner.search([("commercial_partner_id", "in", ids)]).ids)
        else:
            partners = set(Partner.search([("id", "child_of", ids)]).ids)
        return self._timeline_domain(self._timeline_found(partners, leads))

    @api.model
    def _timeline_found(self, partners, leads):
        """:return: ``{code: {id}}`` of the records of contacts, their opportunities, and other opportunities"""
        self.env["crm.lead"].flush_model(["partner_id"])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM crm_lead WHERE id = ANY(%s) OR partner_id = ANY(%s)",
                list(leads),
                list(partners),
            )
        )
        leads = [lead for (lead,) in rows]
        calls = self._timeline_calls("crm.voip.call", partners, leads)
        typed = self._timeline_calls("crm.voip.typed.call", partners, leads)
        sources = self._timeline_sources(partners, leads, calls, typed)
        found = defaultdict(set)
        query = SQL(" UNION ALL ").join(
            SQL("SELECT %s::integer, found.id FROM (%s) AS found", source.code, source.found) for source in sources
        )
        for code, record in self.env.execute_query(SQL("%s%s", query, self._table_flush())):
            found[code].add(record)
        return found

    @api.model
    def _timeline_calls(self, model, partners, leads):
        """:return: ids of the calls of contacts and opportunities that the user may see: of a great customer's
        thousands they are few
        """
        records = self.env[model]
        if not records.has_access("read"):
            return []
        theirs = Domain("partner_id", "in", sorted(partners)) | Domain("lead_id", "in", sorted(leads))
        return list(records._search(theirs).get_result_ids())

    @api.model
    def _table_flush(self):
        """:return: nothing, that has the columns flushed which the rows are made of"""
        return SQL().join(
            SQL(to_flush=self.env[model]._fields[name]) for model, names in self._depends.items() for name in names
        )

    @api.model
    def _timeline_domain(self, found):
        """:return: domain of rows by ``{code: {id of the record}}``"""
        return Domain.OR(
            Domain("code", "=", code) & Domain("res_id", "in", sorted(ids)) for code, ids in found.items() if ids
        )

    @api.model
    def _timeline_condition(self, found):
        """:return: SQL of the same"""
        return SQL(" OR ").join(
            SQL(
                "(%s = %s AND %s IN %s)",
                SQL.identifier(self._table, "code"),
                code,
                SQL.identifier(self._table, "res_id"),
                tuple(ids),
            )
            for code, ids in found.items()
        )

    # --- rights ---

    @api.model
    def _timeline_hidden(self, rows):
        """What the user may not read, asked of each model with its own rights.

        :param rows: ``[(code, id of the record), …]``
        :return: ``{code: {id of the record}}``
        """
        if self.env.su:
            return {}
        asked = defaultdict(set)
        for code, record in rows:
            asked[code].add(record)
        model_of = {source.code: source.model for source in self._timeline_sources()}
        wanted = defaultdict(set)
        for code, ids in asked.items():
            if code in model_of:
                wanted[model_of[code]] |= ids
        seen = {model: self._timeline_readable(model, ids) for model, ids in wanted.items()}
        hidden = {code: ids - seen.get(model_of.get(code), set()) for code, ids in asked.items()}
        return {code: ids for code, ids in hidden.items() if ids}

    @api.model
    def _timeline_readable(self, model, ids):
        """:return: those of the ids that the user may read"""
        records = self.env[model].with_context(active_test=False)
        if not records.has_access("read"):
            return set()
        domain = Domain("id", "in", sorted(ids))
        if model == "calendar.event":
            # of a private meeting of others one sees that they are busy, and not with whom
            domain &= self._timeline_open_meetings()
        return set(records._search(domain).get_result_ids())

    @api.model
    def _timeline_open_meetings(self):
        """:return: domain of the meetings that are no private ones of others"""
        # sudo: whose calendar is private by itself decides here, and is told to nobody
        private = self.env["res.users.settings"].sudo().search([("calendar_default_privacy", "=", "private")])
        return (
            Domain("privacy", "in", ("public", "confidential"))
            | (Domain("privacy", "=", False) & Domain("user_id", "not in", private.user_id.ids))
            | Domain("user_id", "=", self.env.uid)
            | Domain("partner_ids", "in", self.env.user.partner_id.ids)
        )

    # --- the rule about single persons ---

    def _people_calls(self):
        return self.env["crm.voip.call"].browse(row.res_id for row in self if row.code == 1)

    def _people_hidden_in_lists(self):
        # who wrote a message, leads an opportunity or holds a meeting is on the record for whoever reads it
        return self.filtered(lambda row: row.kind in ("call", "typed"))

    # --- actions ---

    def action_open(self):
        """Open the record of the row, for what hangs on another record that one."""
        self.ensure_one()
        self.check_access("read")
        record = self.env[self.res_model].browse(self.res_id)
        if self.res_model in ("mail.message", "mail.activity"):
            # sudo: where it hangs; that record is opened with the user's own rights
            real = record.sudo()
            record = self.env[real.model if self.res_model == "mail.message" else real.res_model].browse(real.res_id)
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }


def _ids(value):
    """:return: the ids of a condition's value, with ``None`` for whatever else it asks for"""
    values = [value] if isinstance(value, int) else value
    return {one if isinstance(one, int) and one else None for one in values}


def _said(call):
    """:return: outcome and note of a call, where there are such"""
    return [text for text in (call.outcome_id.name, call.note and _shorten(call.note)) if text]


def _shorten(text):
    """:return: the beginning of a text, cut at a word"""
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[:SHOWN].rsplit(" ", 1)[0] + " …"
