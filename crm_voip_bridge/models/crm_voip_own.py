from odoo import api, fields, models
from odoo.fields import Domain


class CrmVoipOwn(models.AbstractModel):
    """What one person did or noted by hand, under the rule about single persons (:mod:`crm_voip_people`).

    Calls and legs tell of several people at once; a record of this kind is one person's, named by
    ``_people_user``: whoever looks at one of another looks at that person.
    """

    _name = "crm.voip.own"
    _inherit = ["crm.voip.people"]
    _description = "A record of one person"

    is_mine = fields.Boolean("Mine", compute="_compute_is_mine", search="_search_is_mine")

    @api.depends_context("uid")
    @api.depends(lambda self: (self._people_user,) if self._people_user else ())
    def _compute_is_mine(self):
        # sudo: whether it is one's own is for everybody to know
        for record, real in zip(self, self.sudo(), strict=True):
            record.is_mine = real[self._people_user] == self.env.user

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        own = Domain(self._people_user, "=", self.env.uid)
        return own if True in value else ~own

    def _people_calls(self):
        # each is a look of its own, also where two are about the same call
        return self

    def _people_look_at(self, records, how):
        # sudo: the rule must know whose record it is
        for record in records.sudo():
            call = record.call_id if "call_id" in record._fields else None
            self._people_log(record[self._people_user], how, call)
