from odoo import api, fields, models
from odoo.tools import SQL

from .crm_productivity_touched import MESSAGES

#: models whose threads are conversations with customers
THREADS = ("crm.lead", "res.partner")


class MailMessage(models.Model):
    _inherit = "mail.message"

    crm_productivity_kind = fields.Selection(
        [("person", "A person"), ("automatic", "A machine")],
        "Written by",
        readonly=True,
        copy=False,
        help="By the head of the mail when it arrived. Empty: it arrived earlier, or was no mail.",
    )

    # what was written on a day, and the stages that were changed; mail.message has no index that begins with its date
    _productivity_date_idx = models.Index("(date) WHERE model IN ('crm.lead', 'res.partner')")
    # and what was written last in a conversation that goes back for years
    _productivity_thread_idx = models.Index("(model, res_id, date) WHERE model IN ('crm.lead', 'res.partner')")

    @api.model
    def _productivity_places(self, ids):
        return SQL(
            """SELECT message.id, staff.company_id, message.date FROM mail_message message
                 JOIN res_users staff ON staff.partner_id = message.author_id AND NOT staff.share AND staff.active
                WHERE message.id = ANY(%s) AND message.model = ANY(%s)""",
            ids,
            list(THREADS),
        )

    @api.model
    def _productivity_where(self):
        return SQL("model = ANY(%s) AND author_id IS NOT NULL", list(THREADS))

    @api.model_create_multi
    def create(self, vals_list):
        messages = super().create(vals_list)
        # from the values: the records would have to be read for it
        now = fields.Datetime.now()
        self._productivity_mark(
            {
                (one, vals.get("model"), vals.get("res_id"), fields.Datetime.to_datetime(vals.get("date") or now))
                for one, vals in zip(messages.ids, vals_list, strict=True)
            }
        )
        return messages

    def write(self, vals):
        moves = not vals.keys().isdisjoint(("model", "res_id", "author_id", "date", "subtype_id", "is_internal"))
        if moves:
            self._productivity_changed()
        result = super().write(vals)
        if moves or "crm_productivity_kind" in vals:
            self._productivity_changed()
        return result

    def unlink(self):
        self._productivity_changed()
        return super().unlink()

    def _productivity_changed(self):
        # sudo: figures are kept whoever writes or deletes a message
        self._productivity_mark({(one.id, one.model, one.res_id, one.date) for one in self.sudo()})

    @api.model
    def _productivity_mark(self, messages):
        """:param messages: ``{(id, model, id of the thread, when it was written), …}``"""
        names = self.env["crm.productivity.turn"]._threads()
        messages = {one for one in messages if one[1] in names and one[2]}
        if messages:
            marks = {(f"{model}{MESSAGES}", res_id, at or None) for _id, model, res_id, at in messages}
            marks |= {(self._name, one) for one, *_more in messages}
            self.env["crm.productivity.touched"].sudo()._mark(marks)  # sudo: as above
