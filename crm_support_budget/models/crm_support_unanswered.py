from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, html2plaintext

from .crm_support_message import THREADS
from .crm_support_request import WAITING

#: characters of a message that name a request
TITLE = 80
#: messages that become requests in one go
CHUNK = 500
#: what was not answered for so long is not dug out any more
FORGOTTEN = timedelta(days=14)


class CrmSupportUnanswered(models.Model):
    """The first message of a customer that none of us has answered, of each conversation."""

    _name = "crm.support.unanswered"
    _description = "Message without answer"
    _log_access = False
    _rec_name = "message"

    model = fields.Char(required=True)
    res_id = fields.Integer("Record", required=True)
    message = fields.Integer(required=True, help="Its id.")
    at = fields.Datetime("When", required=True)

    _conversation_unique = models.UniqueIndex("(model, res_id)")
    _at_idx = models.Index("(at)")


class CrmSupportRequest(models.Model):
    """What customers write: nobody answers, and it becomes a request; somebody does, and it waits for the customer."""

    _inherit = "crm.support.request"

    message_id = fields.Many2one(
        "mail.message", "Made from message", readonly=True, index="btree_not_null", ondelete="set null"
    )

    @api.model
    def _follow_messages(self, ids):
        """What follows from messages that were written.

        :param ids: of messages; in superuser mode
        """
        Contact = self.env["crm.support.contact"]
        rows = self.env.execute_query(
            SQL(
                """SELECT message.id, message.model, message.res_id, message.date, %s
                     FROM mail_message AS message
                    WHERE message.id = ANY(%s) AND message.model = ANY(%s) AND message.res_id > 0
                      AND message.author_id IS NOT NULL AND message.date IS NOT NULL AND %s
                    ORDER BY message.date, message.id""",
                Contact._is_by_us("message"),
                ids,
                list(THREADS),
                Contact._is_said("message"),
            )
        )
        first, answered, asked = {}, {}, {}
        for message_id, model, res_id, date, ours in rows:
            place = model, res_id
            if ours:
                first.pop(place, None)
                answered[place] = date
            else:
                first.setdefault(place, (message_id, date))
                asked[place] = date
        if answered:
            self.env.cr.execute(
                SQL(
                    """DELETE FROM crm_support_unanswered AS old USING (VALUES %s) AS new (model, res_id, at)
                        WHERE old.model = new.model AND old.res_id = new.res_id AND old.at <= new.at""",
                    SQL(", ").join(SQL("(%s, %s, %s::timestamp)", *place, at) for place, at in answered.items()),
                )
            )
            self._answered(answered)
        own = {place: found for place, found in first.items() if place[0] != self._name}
        if own:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_support_unanswered (model, res_id, message, at) VALUES %s
                       ON CONFLICT (model, res_id) DO UPDATE SET message = excluded.message, at = excluded.at
                        WHERE crm_support_unanswered.at > excluded.at""",
                    SQL(", ").join(SQL("(%s, %s, %s, %s)", *place, *found) for place, found in own.items()),
                )
            )
        # on a request, the customer's word makes it wait for us again
        again = self.browse([res_id for model, res_id in asked if model == self._name]).exists()
        for request in again.filtered(lambda one: one.state not in WAITING):
            if (request.done_at or request.waiting_since) <= asked[self._name, request.id]:
                request.write({"state": "waiting", "waiting_since": asked[self._name, request.id]})

    @api.model
    def _answered(self, places):
        """Requests made from a message wait for the customer as soon as somebody of us answered it.

        :param places: ``{(model, id): naive UTC}``
        """
        waiting = self.search([("origin", "=", "message"), ("state", "=", "waiting"), ("message_id", "!=", False)])
        for request in waiting:
            at = places.get((request.message_id.model, request.message_id.res_id))
            if at and at >= request.waiting_since:
                request.write({"state": "customer", "helped_at": request.helped_at or at})

    @api.model
    def _ask_for_unanswered(self):
        """What was not answered within the company's working hours becomes a request."""
        now = fields.Datetime.now()
        self.env.cr.execute(SQL("DELETE FROM crm_support_unanswered WHERE at < %s", now - FORGOTTEN))
        # sudo: see _follow_messages
        companies = self.env["res.company"].sudo().search([("id", "!=", False)])
        since = {company.id: company._crm_support_answer_by(now) for company in companies}
        due = [moment for moment in since.values() if moment]
        if not due:
            return
        rows = self.env.execute_query(
            SQL(
                "SELECT id, model, res_id, message, at FROM crm_support_unanswered WHERE at <= %s ORDER BY at LIMIT %s",
                max(due),
                CHUNK,
            )
        )
        Contact = self.env["crm.support.contact"]
        threads = Contact._threads({(model, res_id) for _id, model, res_id, _message, _at in rows})
        messages = self.env["mail.message"].browse([row[3] for row in rows]).exists()
        technicians = Contact._technicians()
        over = []
        for ident, model, res_id, message_id, at in rows:
            person, company_id = threads.get((model, res_id), (self.env["res.partner"], None))
            message = self.env["mail.message"].browse(message_id)
            company = companies.browse(company_id) if company_id else technicians[:1].company_id or companies[:1]
            lead = self.env["crm.lead"].browse(res_id if model == "crm.lead" else [])
            # neither one's own company, nor what a salesperson talks about; where it is off, nothing is kept either
            wanted = (
                person
                and message in messages
                and person.commercial_partner_id != company.partner_id
                and (not lead or lead.user_id in technicians)
                and since[company.id]
            )
            if wanted and at > since[company.id]:
                continue
            over.append(ident)
            if wanted:
                self._ask_for(message, person, company, lead)
        if over:
            self.env.cr.execute(SQL("DELETE FROM crm_support_unanswered WHERE id = ANY(%s)", over))

    @api.model
    def _ask_for(self, message, person, company, lead):
        """:return: the request that a message makes; one that is open already is about it, too"""
        open_ = self._open_of(person.commercial_partner_id, company)[:1]
        if open_:
            if not open_.message_id:
                open_.message_id = message
            return open_
        return self.create(self._prepare_unanswered_vals(message, person, company, lead))

    @api.model
    def _prepare_unanswered_vals(self, message, person, company, lead):
        text = (message.subject or html2plaintext(message.body or "")).strip()
        line = next(iter(text.splitlines()), "")
        return {
            "name": line[:TITLE] or self.env._("Message without answer"),
            "company_id": company.id,
            # whoever wrote, if they are of that customer
            "contact_id": message.author_id.id
            if message.author_id.commercial_partner_id == person.commercial_partner_id
            else person.id,
            "lead_id": lead.id,
            "message_id": message.id,
            "origin": "message",
            "waiting_since": message.date,
        }


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_support_answer_hours = fields.Float(
        "Answer messages within (h)",
        default=4.0,
        help="Working hours after which a customer's message that nobody answered becomes a request. 0: never.",
    )

    def _crm_support_answer_by(self, now):
        """:return: naive UTC; what was written before it should have been answered. None where that is off"""
        self.ensure_one()
        if self.crm_support_answer_hours <= 0 or not self.resource_calendar_id:
            return None
        moment = self.resource_calendar_id.plan_hours(-self.crm_support_answer_hours, now, compute_leaves=True)
        return moment or None
