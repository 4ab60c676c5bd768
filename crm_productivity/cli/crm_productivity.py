from odoo.cli import Command


class CrmProductivity(Command):
    """Makes the figures of a database anew, from what was recorded"""

    name = "crm_productivity"

    def run(self, args):
        # Here, because an ImportError of this file would show as "Unknown command" only.
        from odoo.addons.crm_productivity.command import main

        raise SystemExit(main(args, self.parser))
