from odoo.tools import SQL

#: of 19.0.1.0.0; ``_number_idx`` has taken its place, and Odoo drops no index of a field
OLD = "crm_voip_call__outside_e164_index"


def migrate(cr, version):
    cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(OLD)))
