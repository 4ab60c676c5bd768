from odoo import models

from ..lib.wake import PREFIX

#: most subscriptions of bridges that are looked at in one request
_MOST = 3


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        ours = [channel for channel in channels if isinstance(channel, str) and channel.startswith(f"{PREFIX}:")]
        if ours:
            channels = [channel for channel in channels if channel not in ours]
            channels += self.env["crm.voip.pbx"]._wake_channels(ours[:_MOST])
        return super()._build_bus_channel_list(channels)
