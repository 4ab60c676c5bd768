from odoo import api, fields, models
from odoo.fields import Domain


class CrmProductivityShown(models.AbstractModel):
    """Records of which the present user sees some, as record rules ask: what is a single person's is shown where that
    person's company decided so (:class:`~odoo.addons.crm_voip_bridge.models.crm_voip_people_switch.CrmVoipPeopleSwitch`).
    """

    _name = "crm.productivity.shown"
    _description = "What the present user may see"

    is_shown = fields.Boolean(compute="_compute_is_shown", search="_search_is_shown")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_shown(self):
        shown = self.search([("id", "in", self.ids), ("is_shown", "=", True)])
        for record in self:
            record.is_shown = record in shown

    def _search_is_shown(self, operator, value):
        if operator != "in":
            return NotImplemented
        shown = self._domain_shown()
        return shown if True in value else ~shown

    @api.model
    def _domain_shown(self):
        """:return: domain of what the present user may see"""
        raise NotImplementedError

    @api.model
    def _switches(self):
        """:return: the decisions that hold now"""
        # sudo: a decision binds those who may not read it, too
        return self.env["crm.voip.people.switch"].sudo()._of(self.env.companies)

    @api.model
    def _domain_of_persons(self, own):
        """:param own: domain of what is the present user's anyway
        :return: domain of it, and of others' where their company decided so, not before its delay after ``ends_at`` is over
        """
        shown = own
        for switch in self._switches():
            shown |= Domain("company_id", "=", switch.company_id.id) & Domain("ends_at", "<=", switch._until())
        # sudo: the search itself is part of the rule
        return Domain("id", "in", self.sudo()._search(shown))
