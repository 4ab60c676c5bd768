from odoo import api, fields, models
from odoo.exceptions import UserError

from ..lib.desk import MARK


class CrmVoipCall(models.Model):
    """Calls that a click began, and what a person does to a call from Odoo."""

    _inherit = "crm.voip.call"

    def _after_fold(self):
        result = super()._after_fold()
        dialled = self.filtered(lambda call: call.call_ref.startswith(MARK))
        if dialled:
            dialled._take_clicks()
        return result

    def _take_clicks(self):
        """Say which click began these calls, and that they are with whom was clicked on."""
        by_ident = {call.call_ref.removeprefix(MARK): call for call in self}
        domain = [("ident", "in", list(by_ident)), ("call_id", "=", False), ("pbx_id", "in", self.pbx_id.ids)]
        for command in self.env["crm.voip.command"].search(domain):
            call = by_ident[command.ident]
            if command.pbx_id != call.pbx_id:
                continue
            command.call_id = call
            record = command._clicked(command.res_model, command.res_id)
            if record is None or "crm_voip_number_ids" not in record._fields:
                continue
            partner, lead = record._crm_voip_customer()
            # a number alone may be several people's; who was clicked on is known
            if (lead and call.lead_id != lead) or (not lead and call.partner_id != partner):
                call.with_user(command.user_id).sudo()._pick(partner, lead)

    # --- what a person does from the card ---

    @api.model
    def card_hangup(self, call_id):
        """Hang up one's own phone in a call.

        :return: ``{"state": "sent", "command": id, "text": str}``
        :raise UserError: one is not in it
        """
        call, leg = self._own_leg(call_id)
        return call._command("hangup", {"leg": leg.ref}, self.env._("Hanging up."))

    @api.model
    def card_transfer(self, call_id, target):
        """Pass the other side of a call on to a colleague, without asking first.

        :param target: number of one of :meth:`card_targets`
        :return: as :meth:`card_hangup`
        :raise UserError: one does not talk in it, or nobody has this extension
        """
        call, leg = self._own_leg(call_id)
        if not leg.answered_at:
            raise UserError(self.env._("Only a call that was answered can be transferred."))
        whom = next((one for one in self.card_targets(call.id) if one["number"] == target), None)
        if whom is None:
            raise UserError(self.env._("Nobody has the extension %s.", target))
        text = self.env._("The call is passed on to %s.", whom["name"])
        return call._command("transfer", {"leg": leg.ref, "number": whom["number"]}, text, whom["number"])

    @api.model
    @api.readonly
    def card_targets(self, call_id):
        """The colleagues to whom a call can be passed on.

        :return: ``[{"number": str, "name": str, "user_id": id or False}, …]`` by name
        """
        call = self.browse(call_id)
        call.check_access("read")
        # sudo: the numbers of one's colleagues are in the telephone list of every company
        extensions = self.env["crm.voip.extension"].sudo().search([("pbx_id", "=", call.sudo().pbx_id.id)])
        today = fields.Date.context_today(self)
        found = [
            {
                "number": extension.number,
                "name": extension.name or extension.user_id.name or extension.number,
                "user_id": extension.user_id.id,
            }
            for extension in extensions
            if extension.recorded and extension._is_valid_on(today) and extension.user_id != self.env.user
        ]
        return sorted(found, key=lambda one: (one["name"].lower(), one["number"]))

    def _card_commands(self):
        """What the present user can do to this call now.

        :return: ``{"hangup": bool, "transfer": bool}``
        """
        self.ensure_one()
        leg = self._own_live_leg()
        # sudo: what a PBX can do is no secret
        pbx = self.sudo().pbx_id
        able = bool(leg) and pbx._is_reachable()
        return {"hangup": able and pbx.can_hangup, "transfer": able and pbx.can_transfer and bool(leg.answered_at)}

    def _own_live_leg(self):
        """:return: the phone of the present user that is in the call now, talking before ringing; may be empty"""
        # sudo: one's own phone, whatever one may see of the others
        legs = self.sudo().leg_ids.filtered(lambda leg: leg.user_id == self.env.user and not leg.left_at)
        return legs.sorted(lambda leg: (not leg.answered_at, -leg.id))[:1]

    @api.model
    def _own_leg(self, call_id):
        call = self.browse(call_id).exists()
        call.check_access("read")
        leg = call._own_live_leg()
        if not leg or call.disposition != "in_progress":
            raise UserError(self.env._("You are not in this call any more."))
        return call, leg

    def _command(self, kind, args, text, number=False):
        # sudo: a command is made here and in crm.voip.command alone
        call = self.sudo()
        if not call.pbx_id._is_reachable():
            raise UserError(self.env._("The telephone system cannot be reached from Odoo at the moment."))
        vals = {
            "kind": kind,
            "args": args,
            "number": number,
            "call_id": call.id,
            "pbx_id": call.pbx_id.id,
            "company_id": call.company_id.id,
        }
        return {"state": "sent", "command": self.env["crm.voip.command"]._send(vals).id, "text": text}
