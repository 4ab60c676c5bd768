import secrets

from odoo import api, fields, models

from ..lib.adapters import ADAPTERS

PATH = "/crm_voip_bridge/v1/webhook/"


class CrmVoipPbx(models.Model):
    """A hosted PBX, which posts what happens to an address of ours."""

    _inherit = "crm.voip.pbx"

    is_hosted = fields.Boolean(compute="_compute_is_hosted", help="It posts what happens; no bridge is needed.")
    webhook_token = fields.Char(
        compute="_compute_webhook_token", store=True, copy=False, groups="crm_voip_bridge.group_manager"
    )
    webhook_url = fields.Char(
        "Address to paste",
        compute="_compute_webhook_url",
        groups="crm_voip_bridge.group_manager",
        help="Where this PBX posts its events. It must be reachable from there, by HTTPS.",
    )

    _webhook_token_unique = models.UniqueIndex("(webhook_token) WHERE webhook_token IS NOT NULL")

    @api.depends("kind")
    def _compute_is_hosted(self):
        for pbx in self:
            pbx.is_hosted = pbx.kind in ADAPTERS

    @api.depends("kind")
    def _compute_webhook_token(self):
        for pbx in self:
            # it goes on when the kind changes, and comes back: it is the PBX's address, not its secret
            pbx.webhook_token = pbx.webhook_token or (pbx.kind in ADAPTERS and secrets.token_urlsafe(24)) or False

    @api.depends("webhook_token")
    def _compute_webhook_url(self):
        for pbx in self:
            hosted = pbx.kind in ADAPTERS and pbx.webhook_token
            pbx.webhook_url = f"{pbx.get_base_url()}{PATH}{pbx.webhook_token}" if hosted else False

    @api.model
    def _webhook(self, token):
        """The PBX of an address, archived ones included.

        :return: ``(pbx, adapter, secrets)``; ``(empty, None, [])`` of an address that is nobody's
        """
        pbx = (
            self.with_context(active_test=False).search([("webhook_token", "=", token)])
            if token.isprintable() and token
            else self.browse()
        )
        adapter = ADAPTERS.get(pbx.kind) if pbx else None
        if adapter is None:
            return self.browse(), None, []
        return pbx, adapter, self.env["crm.voip.pbx.secret"]._secrets(pbx)

    def _lookup(self, number):
        """Who has a number, as the display of a phone is told.

        :param number: as the PBX says it
        :return: ``{"id": str, "first_name": str, "last_name": str, "company": str, "phone": str, "url": str}``. Who is
            unknown is called by the number: 3CX reports no call of nobody
        """
        self.ensure_one()
        from .crm_voip_number import Query

        text = self._e164(number)
        [match] = self.env["crm.voip.number"]._match([Query(text or None, self.company_id.id)])
        partner = self.env["res.partner"].browse(match.partner_id or [])
        lead = self.env["crm.lead"].browse(match.lead_id or [])
        record = partner or lead
        name = partner.name or lead.contact_name or lead.partner_name or lead.name or text or number
        return {
            "id": f"{record._name}-{record.id}" if record else text or number,
            "first_name": "",
            "last_name": name,
            "company": (partner.parent_id.name or lead.partner_name or "") if record else "",
            "phone": text or number,
            "url": f"{self.get_base_url()}/mail/view?model={record._name}&res_id={record.id}" if record else "",
        }

    def action_download_template(self):
        """3CX's CRM template, filled in but for the token."""
        return self._download("3cx.xml")
