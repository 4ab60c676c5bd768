import secrets as random
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: where other systems post what they know of messages
PATH = "/crm_productivity/v1/messages/"
#: kinds whose messages are Odoo's own
INSIDE = ("mail", "sms", "chat")
#: after so long without a message, reports say so
SILENT = timedelta(days=3)


class CrmProductivityChannel(models.Model):
    """A way in which customers write to us, and from when to when it was covered.

    Mail, SMS and live chat are read from Odoo itself. Others post who wrote when, see readme/MESSAGES.md; to add a format, add it to
    ``kind`` and to :data:`lib.messages.READERS`. Without coverage there is no reply rate: what came on other days is in the
    lists, and in no number.

    The secret is a column that the ORM does not know, as with the keys of bridges: no right, export or debug view can show it.
    """

    _name = "crm.productivity.channel"
    _description = "Channel of messages"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            ("mail", "Mail"),
            ("sms", "SMS"),
            ("chat", "Live chat"),
            ("own", "Another system, by webhook"),
            ("whatsapp", "WhatsApp (Meta Cloud API)"),
        ],
        required=True,
        default="own",
    )
    company_id = fields.Many2one("res.company", help="Empty: all companies.", index="btree_not_null")
    covered_from = fields.Date(default=fields.Date.context_today, help="The first day whose messages are all here.")
    covered_to = fields.Date(help="The last day whose messages are all here. Empty: until today.")
    outage_ids = fields.One2many("crm.productivity.outage.day", "channel_id", "Not covered")
    last_at = fields.Datetime("Last message", readonly=True, help="When the last one was told.")
    token = fields.Char(readonly=True, copy=False, groups="crm_voip_bridge.group_manager")
    address = fields.Char(compute="_compute_address", groups="crm_voip_bridge.group_manager")
    has_secret = fields.Boolean(compute="_compute_has_secret")
    new_secret = fields.Char(
        "Secret", compute="_compute_new_secret", inverse="_inverse_new_secret", groups="crm_voip_bridge.group_manager",
        help="Of WhatsApp: the secret of your app at Meta. It is kept, and never shown again.",
    )  # fmt: skip

    _token_unique = models.Constraint("UNIQUE (token)", "Two channels have the same address.")
    _period = models.Constraint("CHECK (covered_to >= covered_from)", "The coverage ends before it begins.")

    def init(self):
        self.env.cr.execute(SQL("ALTER TABLE %s ADD COLUMN IF NOT EXISTS secret varchar", SQL.identifier(self._table)))

    @api.constrains("kind", "company_id")
    def _check_whose(self):
        for channel in self:
            if channel.kind not in INSIDE and not channel.company_id:
                raise UserError(self.env._("Say whose messages %s brings: choose the company.", channel.name))

    @api.depends("token")
    def _compute_address(self):
        for channel in self:
            channel.address = channel.token and f"{channel.get_base_url()}{PATH}{channel.token}"

    def _compute_has_secret(self):
        having = dict(
            self.env.execute_query(
                SQL("SELECT id, secret IS NOT NULL FROM %s WHERE id = ANY(%s)", SQL.identifier(self._table), self.ids)
            )
        )
        for channel in self:
            channel.has_secret = having.get(channel.id, False)

    def _compute_new_secret(self):
        self.new_secret = False

    def _inverse_new_secret(self):
        self.flush_recordset()
        for channel in self.filtered("new_secret"):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET secret = %s WHERE id = %s",
                    SQL.identifier(self._table),
                    channel.new_secret,
                    channel.id,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["token"] = False if vals.get("kind", "own") in INSIDE else random.token_urlsafe(24)
        return super().create(vals_list)

    def write(self, vals):
        changes = not vals.keys().isdisjoint(("covered_from", "covered_to", "active"))
        before = self._covered_days() if changes else set()
        result = super().write(vals)
        if changes:
            # sudo: nobody has a right on the queue
            self.env["crm.productivity.stale"].sudo()._insert(before ^ self._covered_days())
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_inside(self):
        for channel in self:
            if channel.kind in INSIDE:
                raise UserError(
                    self.env._("%s is read from Odoo itself. Enter the last covered day instead.", channel.name)
                )

    def unlink(self):
        # what came through it goes with it: conversations are those of the other channels
        self.env["crm.productivity.message"].sudo()._mark_again(self.ids)  # sudo: upkeep
        return super().unlink()

    def _covered_days(self):
        """:return: ``{(company id, day), …}`` that a change of the coverage is about, two years back at most"""
        today = fields.Date.context_today(self)
        companies = self.company_id or self.env["res.company"].search([("id", "!=", False)])
        found = set()
        for channel in self:
            first = max(channel.covered_from or today, today - timedelta(days=731))
            last = min(channel.covered_to or today, today)
            days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
            found |= {(company.id, day) for company in channel.company_id or companies for day in days}
        return found

    @api.model
    def _of_kind(self, kind):
        """:return: id of the channel of Odoo's own messages of a kind, made when the first one comes"""
        channel = self.with_context(active_test=False).search(
            [("kind", "=", kind), ("company_id", "=", False)], limit=1
        )
        if not channel:
            label = dict(self._fields["kind"]._description_selection(self.env))[kind]
            channel = self.create({"kind": kind, "name": label, "covered_from": False if kind == "mail" else None})
        return channel.id

    @api.model
    def _covers_sql(self, channel_id, company_id, at):
        """:return: SQL of whether a channel was covered on the company's day of a moment; the parameters are SQL"""
        return SQL(
            """EXISTS (SELECT FROM crm_productivity_channel channel
                 JOIN res_company company ON company.id = %(company)s
                 JOIN res_partner place ON place.id = company.partner_id
                CROSS JOIN LATERAL (
                    SELECT (%(at)s AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(place.tz, 'UTC'))::date AS day) AS own
                WHERE channel.id = %(channel)s
                  AND (channel.covered_from IS NULL OR own.day >= channel.covered_from)
                  AND (channel.covered_to IS NULL OR own.day <= channel.covered_to)
                  AND NOT EXISTS (SELECT FROM crm_productivity_outage_day gap WHERE gap.channel_id = channel.id
                                     AND own.day BETWEEN gap.date_from AND gap.date_to))""",
            channel=channel_id,
            company=company_id,
            at=at,
        )

    @api.model
    def _coverage(self, company, first, last):
        """What reports say of the channels of a company in a period.

        :return: a line for each channel
        """
        channels = self.search([("company_id", "in", [company.id, False])])
        lines = [channel._coverage_line(first, last) for channel in channels]
        return lines + [line for channel in channels if (line := channel._silence_line(company, last))]

    def _coverage_line(self, first, last):
        # of mail, heads are looked at since the addon is there
        begins = self.covered_from or self.create_date.date()
        ends = self.covered_to or last
        gaps = self.outage_ids.filtered(lambda gap: gap.date_from <= last and gap.date_to >= first)
        if begins > last or ends < first:
            return self.env._("%s: not covered in this period", self.name)
        if not gaps and begins <= first and ends >= last:
            return self.env._("%s: covered throughout", self.name)
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        texts = {name: day.strftime(lang.date_format or "%Y-%m-%d") for name, day in
                 (("begins", max(begins, first)), ("ends", min(ends, last)))}  # fmt: skip
        if gaps:
            return self.env._(
                "%(name)s: covered from %(begins)s to %(ends)s, but for %(number)s days",
                name=self.name, number=sum(gap._days(first, last) for gap in gaps), **texts,
            )  # fmt: skip
        return self.env._("%(name)s: covered from %(begins)s to %(ends)s", name=self.name, **texts)

    def _silence_line(self, company, last):
        """What is noticed by itself: nobody typed it, and it may have an innocent reason, so no number follows from it."""
        Stale = self.env["crm.productivity.stale"]
        since = False
        if self.kind == "mail":
            # sudo: that a server does not answer is no secret, and nothing else is told of it
            servers = self.env["fetchmail.server"].sudo().search([("error_date", "!=", False)], order="error_date")
            since = servers[:1].error_date
        elif self.kind not in INSIDE and not self.covered_to and last >= Stale._today(company):
            since = self.last_at if self.last_at and self.last_at < fields.Datetime.now() - SILENT else False
        if not since or Stale._day_of(company.id, since) > last:
            return ""
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        day = Stale._day_of(company.id, since).strftime(lang.date_format or "%Y-%m-%d")
        if self.kind == "mail":
            return self.env._(
                "%(name)s: a server of incoming mail has not answered since %(day)s", name=self.name, day=day
            )
        return self.env._("%(name)s: nothing has come since %(day)s", name=self.name, day=day)

    # --- what others tell ---

    @api.model
    def _of_token(self, token):
        """:return: ``(channel, secrets)`` of an address, without secrets where there is none"""
        channel = self.search([("token", "=", token)], limit=1) if token else self
        if not channel:
            return channel, []
        rows = self.env.execute_query(
            SQL("SELECT secret FROM %s WHERE id = %s", SQL.identifier(self._table), channel.id)
        )
        return channel, [secret for (secret,) in rows if secret]

    def _take(self, told):
        """Keep what a source told; what is known already is passed over.

        :param told: :class:`lib.messages.Told`
        :return: how many were new
        """
        self.ensure_one()
        fresh = self.env["crm.productivity.message"]._keep(self, told)
        if fresh:
            # once a minute, and not while another request does: those that come at once must not wait for each other
            now = fields.Datetime.now()
            self.env.cr.execute(
                SQL(
                    """UPDATE %(table)s SET last_at = %(now)s
                        WHERE id IN (SELECT id FROM %(table)s WHERE id = %(id)s AND (last_at IS NULL OR last_at < %(before)s)
                                        FOR UPDATE SKIP LOCKED)""",
                    table=SQL.identifier(self._table),
                    now=now,
                    id=self.id,
                    before=now - timedelta(minutes=1),
                )
            )
            self.invalidate_recordset(["last_at"])
        return fresh


class CrmProductivityOutageDay(models.Model):
    """Days on which a channel told nothing, or not all: without them there would be numbers of half the messages."""

    _name = "crm.productivity.outage.day"
    _description = "Days without a channel"
    _order = "date_from desc"
    _rec_name = "reason"

    channel_id = fields.Many2one("crm.productivity.channel", required=True, index=True, ondelete="cascade")
    date_from = fields.Date("From", required=True)
    date_to = fields.Date("To", required=True)
    reason = fields.Char()

    _period = models.Constraint("CHECK (date_to >= date_from)", "The period ends before it begins.")

    @api.model_create_multi
    def create(self, vals_list):
        gaps = super().create(vals_list)
        gaps._mark()
        return gaps

    def write(self, vals):
        self._mark()
        result = super().write(vals)
        self._mark()
        return result

    def unlink(self):
        self._mark()
        return super().unlink()

    def _mark(self):
        if not self:
            return
        every = self.env["res.company"].search([("id", "!=", False)])
        days = {
            (company.id, gap.date_from + timedelta(days=count))
            for gap in self
            for company in gap.channel_id.company_id or every
            for count in range((gap.date_to - gap.date_from).days + 1)
        }
        self.env["crm.productivity.stale"].sudo()._insert(days)  # sudo: nobody has a right on the queue

    def _days(self, first, last):
        return (min(self.date_to, last) - max(self.date_from, first)).days + 1
