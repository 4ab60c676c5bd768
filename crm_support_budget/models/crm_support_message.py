from odoo import api, fields, models
from odoo.tools import SQL

#: models whose threads are conversations with customers, and the field with the customer
THREADS = {"res.partner": "id", "crm.lead": "partner_id", "crm.support.request": "contact_id"}
#: what a person of ours, or a customer, writes
WRITTEN = ("comment", "email", "email_outgoing")
#: messages that are followed up in one transaction
CHUNK = 1000


class CrmSupportWritten(models.Model):
    """A message of a conversation that is to be followed up.

    Whoever writes one pays for one INSERT, and nothing is read for it; what follows is worked out by the scheduled action.
    """

    _name = "crm.support.written"
    _description = "Message to be followed up"
    _log_access = False
    _rec_name = "message"

    message = fields.Integer(required=True, help="Its id.")

    _message_unique = models.UniqueIndex("(message)")


class MailMessage(models.Model):
    _inherit = "mail.message"

    @api.model_create_multi
    def create(self, vals_list):
        messages = super().create(vals_list)
        # from the values: the records would have to be read for it
        ids = [
            message_id
            for message_id, vals in zip(messages.ids, vals_list, strict=True)
            if vals.get("model") in THREADS and vals.get("message_type") in WRITTEN and not vals.get("is_internal")
        ]
        if ids:
            self.env.cr.execute(
                SQL("INSERT INTO crm_support_written (message) SELECT unnest(%s) ON CONFLICT DO NOTHING", ids)
            )
        return messages


class CrmSupportContact(models.Model):
    """Messages: an answer of ours is a contact, however many messages it was told in.

    An answer is what a technician writes to a customer after the customer wrote; on a request, also the first message.
    """

    _inherit = "crm.support.contact"

    @api.model
    def _prepare_message_vals(self, ids):
        """:return: the model, and ``{message id: values of its contact}`` of what technicians wrote to customers"""
        self.env["mail.message"].flush_model()
        found = self.env.execute_query(
            SQL(
                """SELECT message.id, message.model, message.res_id, message.date, staff.id, staff.company_id,
                          before.ours IS FALSE OR before.ours IS NULL AND message.model = 'crm.support.request'
                     FROM mail_message AS message
                     JOIN res_users AS staff ON staff.partner_id = message.author_id AND NOT staff.share
                     LEFT JOIN LATERAL (
                          SELECT %(by_us)s AS ours
                            FROM mail_message AS earlier
                           WHERE earlier.model = message.model AND earlier.res_id = message.res_id
                             AND (earlier.date, earlier.id) < (message.date, message.id) AND %(said_before)s
                           ORDER BY earlier.date DESC, earlier.id DESC LIMIT 1) AS before ON TRUE
                    WHERE message.id = ANY(%(ids)s) AND message.model = ANY(%(models)s) AND message.res_id > 0
                      AND message.date IS NOT NULL AND staff.id = ANY(%(staff)s) AND %(said)s
                    ORDER BY message.id""",
                ids=list(ids),
                models=list(THREADS),
                said=self._is_said("message"),
                said_before=self._is_said("earlier"),
                by_us=self._is_by_us("earlier"),
                staff=self._technicians().ids,
            )
        )
        # who was moved to another request by a person stays there
        known = set(
            self.search_fetch([("res_model", "=", "mail.message"), ("res_id", "in", [row[0] for row in found])]).mapped(
                "res_id"
            )
        )
        threads = self._threads({(model, res_id) for _id, model, res_id, *_more in found})
        vals = {}
        for message_id, model, res_id, date, user_id, company_id, is_answer in found:
            person, company = threads.get((model, res_id), (self.env["res.partner"], None))
            company = company or company_id
            # one's own company is no customer
            own = person.commercial_partner_id == self.env["res.company"].browse(company).partner_id
            vals[message_id] = {
                "company_id": company,
                "contact_id": person.id,
                "partner_id": person.commercial_partner_id.id,
                "user_id": user_id,
                "at": date,
                "is_support": bool(is_answer and person and not own),
            }
            if model == "crm.support.request" and message_id not in known and person:
                vals[message_id]["request_id"] = res_id
        return "mail.message", vals

    @api.model
    def _is_said(self, message):
        """:return: condition on a table of messages: somebody said it, and not only to colleagues"""
        # an out-of-office reply is neither a question nor an answer; who knows that is the addon with the reports
        by_person = (
            SQL("AND %s.crm_productivity_kind IS DISTINCT FROM 'automatic'", SQL.identifier(message))
            if "crm_productivity_kind" in self.env["mail.message"]._fields
            else SQL()
        )
        return SQL(
            "%(m)s.message_type = ANY(%(written)s) AND %(m)s.subtype_id = %(comment)s AND %(m)s.is_internal IS NOT TRUE %(by_person)s",
            m=SQL.identifier(message),
            by_person=by_person,
            written=list(WRITTEN),
            comment=self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_comment"),
        )

    @api.model
    def _is_by_us(self, message):
        """:return: condition on a table of messages: somebody of the house wrote it"""
        return SQL(
            "EXISTS (SELECT FROM res_users AS own WHERE own.partner_id = %s.author_id AND NOT own.share)",
            SQL.identifier(message),
        )

    @api.model
    def _technicians(self):
        # sudo: who helps customers is the same for everybody
        return self.env.ref("crm_support_budget.group_technician").sudo().all_user_ids

    @api.model
    def _threads(self, places):
        """:param places: ``{(model, id)}``
        :return: ``{(model, id): (contact, company id)}`` of those that are there
        """
        found = {}
        for model, name in THREADS.items():
            # sudo: contacts follow from what was written, whoever sees the record
            records = self.env[model].sudo().browse({res_id for one, res_id in places if one == model}).exists()
            for one in records:
                found[model, one.id] = one if name == "id" else one[name], one.company_id.id
        return found

    # --- following up ---

    @api.model
    def _pull_messages(self):
        """Follow up what was written.

        :return: how many messages
        """
        rows = self.env.execute_query(SQL("SELECT message FROM crm_support_written ORDER BY message LIMIT %s", CHUNK))
        if not rows:
            return 0
        ids = [message_id for (message_id,) in rows]
        self.env["mail.message"].flush_model()
        # a message that comes late makes an answer of the one after it, or none
        after = self.env.execute_query(
            SQL(
                """SELECT later.id FROM mail_message AS message CROSS JOIN LATERAL (
                          SELECT other.id FROM mail_message AS other
                           WHERE other.model = message.model AND other.res_id = message.res_id AND %s
                             AND (other.date, other.id) > (message.date, message.id)
                           ORDER BY other.date, other.id LIMIT 1) AS later
                    WHERE message.id = ANY(%s)""",
                self._is_said("other"),
                ids,
            )
        )
        self._take("message", sorted({*ids, *(message_id for (message_id,) in after)}))
        # sudo: see _threads
        self.env["crm.support.request"].sudo()._follow_messages(ids)
        self.env.cr.execute(SQL("DELETE FROM crm_support_written WHERE message = ANY(%s)", ids))
        return len(ids)
