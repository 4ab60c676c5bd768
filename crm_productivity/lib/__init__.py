"""Pure arithmetic of the figures: no Odoo, no clock, no database."""
