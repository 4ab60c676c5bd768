from odoo import api, fields, models


class MailMessage(models.Model):
    """A line about a call is read by those alone who may see the call."""

    _inherit = "mail.message"

    crm_voip_call_id = fields.Many2one("crm.voip.call", "Call", readonly=True, copy=False, ondelete="cascade")

    _crm_voip_call_idx = models.Index("(crm_voip_call_id) WHERE crm_voip_call_id IS NOT NULL")

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
        self.flush_recordset(["crm_voip_call_id"])
        about = dict(
            self.sudo()
            .browse(self.ids)
            .filtered("crm_voip_call_id")
            .mapped(lambda line: (line.id, line.crm_voip_call_id.id))
        )
        calls = self.env["crm.voip.call"].browse(set(about.values()))
        if not calls:
            return self.browse()
        seen = (
            calls._filtered_access("read")
            if calls.has_access("read") or self.env.user._is_internal()
            else calls.browse()
        )
        return self.browse(line for line, call in about.items() if call not in seen._ids)
