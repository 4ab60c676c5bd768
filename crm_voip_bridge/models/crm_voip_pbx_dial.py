import secrets
import time
from datetime import timedelta

from odoo import api, fields, models

from ..lib.signature import BadSignature, verify
from ..lib.wake import SUBJECT, subscriber
from .crm_voip_pbx import SILENCE

#: an unknown key is checked against this, so that the time it takes tells nothing
_NOBODY = secrets.token_urlsafe(32)


class CrmVoipPbx(models.Model):
    """A PBX that dials for people."""

    _inherit = "crm.voip.pbx"

    dial_format = fields.Selection(
        [
            ("local", "As one dials there (030 100 0142, 0044 20 …)"),
            ("plus", "International with + (+31 30 100 0142)"),
            ("prefix", "International with 00 or 011 (0031 30 100 0142)"),
        ],
        "Numbers are dialled",
        default="local",
        required=True,
        help="How the dialplan wants numbers of the outside when somebody clicks on one. The outside prefix comes first, "
        "but for numbers with +.",
    )

    def _is_reachable(self):
        """Whether a command has a chance: a bridge was heard lately, and says that it is connected."""
        self.ensure_one()
        # sudo: whether the PBX is there is no secret, what its bridges say in detail is
        states = self.sudo().state_ids
        since = fields.Datetime.now() - timedelta(seconds=SILENCE)
        return any(state.seen_at > since and state.pbx_says == "connected" for state in states)

    def _expects_commands(self):
        """Whether anybody may give commands, so that bridges without a websocket ask often; extend it for more of them."""
        self.ensure_one()
        # the card transfers and hangs up
        return self.company_id.crm_voip_dial or self.company_id.crm_voip_card

    def _wake(self):
        """Have the bridges fetch what waits, once this transaction is committed."""
        for pbx in self:
            self.env["bus.bus"]._sendone(pbx._wake_channel(), "crm_voip_bridge/wake", {})

    def _wake_channel(self):
        self.ensure_one()
        return self, "wake"

    @api.model
    def _wake_channels(self, names):
        """The channels of bridges that prove with their key whose they are.

        :param names: as subscribed to, see :func:`lib.wake.subscription`
        :return: channels; names that prove nothing have none
        """
        channels = []
        for name in names:
            key, moment, signature = subscriber(name) or ("", "", "")
            # sudo: a bridge is nobody's login
            pbx, known = self.env["crm.voip.pbx.key"].sudo()._secrets(key)
            try:
                verify(known or [_NOBODY], key, moment, signature, SUBJECT, time.time())
            except BadSignature:
                continue
            if known and not pbx._is_closed():
                channels.append(pbx._wake_channel())
        return channels
