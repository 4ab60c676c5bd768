"""Pure arithmetic of fair support: no Odoo, no clock, no database."""
