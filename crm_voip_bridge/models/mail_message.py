from odoo import api, fields, models


class MailMessage(models.Model):
    """A line about a call is read by those alone who may see the call."""

    _inherit = "mail.message"

    crm_voip_call_id = fields.Many2one("crm.voip.call", "Call", readonly=True, copy=False, ondelete="cascade")

    crm_voip_typed_id = fields.Many2one(
        "crm.voip.typed.call", "Typed call", readonly=True, copy=False, ondelete="cascade"
    )

    _crm_voip_call_idx = models.Index("(crm_voip_call_id) WHERE crm_voip_call_id IS NOT NULL")
    _crm_voip_typed_idx = models.Index("(crm_voip_typed_id) WHERE crm_voip_typed_id IS NOT NULL")

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        query = super()._search(domain, *args, bypass_access=bypass_access, **kwargs)
        if self.env.su or bypass_access:
            return query
        # as mail.message itself: what one may not see is taken out of the result
        messages = self.browse(query)
        hidden = messages._crm_voip_hidden()
        return (messages - hidden)._as_query(kwargs.get("order")) if hidden else query

    def _check_access(self, operation):
        result = super()._check_access(operation)
        hidden = (self - result[0] if result else self)._crm_voip_hidden()
        if not hidden:
            return result
        forbidden = hidden | result[0] if result else hidden
        return forbidden, lambda: forbidden._make_access_error(operation)

    def _crm_voip_hidden(self):
        """:return: the lines about calls that the user may not see"""
        if self.env.su or not self.ids:
            return self.browse()
        hidden = set()
        for name in ("crm_voip_call_id", "crm_voip_typed_id"):
            self.flush_recordset([name])
            # sudo: what a line is about decides who reads it
            lines = self.sudo().browse(self.ids).filtered(name)
            calls = self.env[self._fields[name].comodel_name].browse(set(lines[name].ids))
            if not calls:
                continue
            seen = (
                calls._filtered_access("read")
                if calls.has_access("read") or self.env.user._is_internal()
                else calls.browse()
            )
            hidden.update(line.id for line in lines if line[name].id not in seen._ids)
        return self.browse(line for line in self.ids if line in hidden)
