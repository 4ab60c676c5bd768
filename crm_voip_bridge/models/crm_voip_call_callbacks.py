from odoo import api, fields, models
from odoo.fields import Command, Domain

from ..lib.callbacks import MISSED
from ..lib.numbers import parse


class CrmVoipCall(models.Model):
    """A call as what begins, tries or closes a callback (:class:`CrmVoipCallback`)."""

    _inherit = "crm.voip.call"

    callback_id = fields.Many2one("crm.voip.callback", compute="_compute_callback_id")
    is_withheld = fields.Boolean(
        "Cannot be called back",
        compute="_compute_callback_id",
        help="A missed call whose caller withheld the number.",
    )

    _raw_number_idx = models.Index(
        "(outside_number, started_at) WHERE outside_e164 IS NULL AND outside_number IS NOT NULL"
    )

    @api.depends("direction", "disposition", "outside_number", "started_at")
    @api.depends_context("uid")
    def _compute_callback_id(self):
        self.callback_id = False
        self.is_withheld = False
        for call in self:
            number = call._callback_number()
            # sudo: how the company set it up decides what is said, whoever reads it
            missed = call.direction == "inbound" and call.disposition in MISSED and call.sudo()._follows_callbacks()
            call.is_withheld = missed and not number
            if number and call.started_at:
                call.callback_id = self.env["crm.voip.callback"].search(
                    Domain("company_id", "=", call.company_id.id)
                    & Domain("number", "=", number)
                    & Domain("first_missed_at", "<=", call.started_at)
                    & (Domain("done_at", "=", False) | Domain("done_at", ">=", call.started_at)),
                    limit=1,
                )

    def action_open_callback(self):
        """Open the callback that the call belongs to."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.voip.callback",
            "res_id": self.callback_id.id,
            "views": [(False, "form")],
        }

    def _after_fold(self):
        result = super()._after_fold()
        ended = self.filtered(lambda call: call.disposition != "in_progress" and call._follows_callbacks())
        if ended:
            self.env["crm.voip.callback"]._follow(ended)
        return result

    def _follows_callbacks(self):
        return self.company_id.crm_voip_callbacks

    def _callback_number(self):
        """:return: what identifies the other side: E.164, else the number as the PBX said it; False if there is none"""
        if self.direction == "internal":
            return False
        if self.outside_e164:
            return self.outside_e164
        # sudo: the PBX's country decides how a number is read, whoever reads the call
        country = self.sudo().pbx_id.country_id.code
        if not self.outside_number or parse(self.outside_number, country)[0].kind == "anonymous":
            return False
        return self.outside_number

    @api.model
    def _decide_viewers(self, pbx, folded, known, prepared, legs):
        result = super()._decide_viewers(pbx, folded, known, prepared, legs)
        missed = [
            vals
            for vals in prepared
            if vals
            and vals["direction"] == "inbound"
            and vals["disposition"] in MISSED
            and vals["started_at"]
            and (vals["outside_e164"] or vals["outside_number"])
        ]
        if not missed:
            return result
        # whoever is to call back sees what was missed
        numbers = {vals["outside_e164"] or vals["outside_number"] for vals in missed}
        callbacks = self.env["crm.voip.callback"].search_fetch(
            [
                ("number", "in", sorted(numbers)),
                ("user_id", "!=", False),
                ("last_missed_at", ">=", min(vals["started_at"] for vals in missed)),
            ]
        )
        callbacks = callbacks.grouped(lambda callback: (callback.company_id.id, callback.number))
        for vals in missed:
            for callback in callbacks.get((vals["company_id"], vals["outside_e164"] or vals["outside_number"]), ()):
                if callback.first_missed_at <= vals["started_at"] <= callback.last_missed_at:
                    seen = {*vals["viewer_ids"][0][2], callback.user_id.id}
                    vals["viewer_ids"] = [Command.set(sorted(seen))]
        return result
