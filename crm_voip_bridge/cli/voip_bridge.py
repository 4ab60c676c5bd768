from odoo.cli import Command


class VoipBridge(Command):
    """Connects an Asterisk PBX with Odoo; the same commands as crm_voip_bridge/bridge"""

    name = "voip_bridge"

    def run(self, args):
        # Here, because an ImportError of this file would show as "Unknown command" only.
        from odoo.addons.crm_voip_bridge.lib.commands import main

        raise SystemExit(main(args, prog=self.prog))
