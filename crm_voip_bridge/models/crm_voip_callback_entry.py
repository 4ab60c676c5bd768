from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmVoipCallbackEntry(models.Model):
    """What a person decided about the callback of a number, with its author; it stays.

    Callbacks are worked out from calls and from these entries, so a decision survives calls that
    come late and every recalculation.
    """

    _name = "crm.voip.callback.entry"
    _description = "Decision about a callback"
    _order = "at, id"
    _rec_name = "kind"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    number = fields.Char(required=True)
    kind = fields.Selection(
        [("dropped", "Dropped"), ("done", "Done by hand"), ("reopened", "Opened again")], required=True
    )
    at = fields.Datetime(required=True)
    user_id = fields.Many2one("res.users", required=True, ondelete="restrict")
    reason = fields.Char()
    call_id = fields.Many2one("crm.voip.call", index="btree_not_null", ondelete="cascade")
    entry_id = fields.Many2one("crm.voip.callback.entry", index="btree_not_null", ondelete="cascade")

    _number_idx = models.Index("(company_id, number)")

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A decision stays on record: decide anew."))
