"""Pure code of the bridge: no Odoo import anywhere below this folder."""
