from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmSupportTakeover(models.Model):
    """A supervisor who is a customer's contact for a while, so that technicians can help the others."""

    _name = "crm.support.takeover"
    _description = "Customer taken over"
    _order = "since desc, id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one("res.users", "Supervisor", required=True, readonly=True, index=True, ondelete="restrict")
    since = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now)
    until = fields.Datetime("Ended", readonly=True)
    told = fields.Boolean("The customer was told", readonly=True)
    rings_first = fields.Char("Calls of this customer", compute="_compute_rings_first")

    _open_idx = models.Index("(company_id, partner_id) WHERE until IS NULL")

    @api.depends("partner_id")
    def _compute_display_name(self):
        for one in self:
            # sudo: whoever reads it reads whose it is
            one.display_name = one.sudo().partner_id.name

    @api.depends("user_id", "company_id")
    def _compute_rings_first(self):
        for one in self:
            phone = one.user_id._crm_voip_phone()
            able = phone and phone.pbx_id.kind == "asterisk"
            one.rings_first = (
                self.env._("ring %s first, where the dialplan asks for it", phone.number)
                if able
                else self.env._("ring as before: this PBX cannot ask who is to ring first")
            )

    @api.model
    def _begin(self, customer, company):
        """The present user becomes the contact of a customer.

        :return: the takeover, the one that there is if it is already theirs
        """
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("Only a supervisor takes a customer over."))
        known = self._open(company).filtered(lambda one: one.partner_id == customer)
        if known and known.user_id != self.env.user:
            raise UserError(self.env._("%s has taken this customer over already.", known.user_id.name))
        if known:
            return known
        # sudo: takeovers are begun and ended here alone
        made = self.sudo().create({"company_id": company.id, "partner_id": customer.id, "user_id": self.env.uid})
        self.env["crm.support.request"]._open_of(customer, company).write({"user_id": self.env.uid})
        made._tell_customer()
        return made.with_env(self.env)

    @api.model
    def _open(self, company):
        """:return: takeovers that hold now"""
        return self.sudo().search([("company_id", "=", company.id), ("until", "=", False)])  # sudo: see _begin

    def action_end(self):
        """Technicians help the customer again."""
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("Only a supervisor gives a customer back."))
        self.sudo().filtered(lambda one: not one.until).write({"until": fields.Datetime.now()})  # sudo: see _begin

    def _tell_customer(self):
        """Tell the customer who is their contact now, where that is switched on."""
        template = self.env.ref("crm_support_budget.mail_template_takeover", raise_if_not_found=False)
        for one in self:
            company = one.company_id
            if not (template and company.crm_support_tell_takeover and one.partner_id.email):
                continue
            if company._crm_support_may(
                "mail", one.partner_id, self.env._("%s is told who is their contact", one.partner_id.name)
            ):
                template.send_mail(one.id)
                one.told = True


class CrmSupportRequest(models.Model):
    _inherit = "crm.support.request"

    @api.model
    def _not_for(self, user, company):
        taken = self.env["crm.support.takeover"]._open(company).filtered(lambda one: one.user_id != user)
        return super()._not_for(user, company) | set(taken.partner_id.ids)
