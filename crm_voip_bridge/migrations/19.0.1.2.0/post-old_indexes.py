from odoo.tools import SQL

#: of 19.0.1.0.0; ``_number_idx`` and ``_pbx_idx`` have taken their place, and Odoo drops no index of a field
OLD = ("crm_voip_call__outside_e164_index", "crm_voip_call__pbx_id_index")


def migrate(cr, version):
    for name in OLD:
        cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(name)))
