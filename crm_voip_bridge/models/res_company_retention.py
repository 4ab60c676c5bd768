from odoo import fields, models
from odoo.tools import SQL


class ResCompany(models.Model):
    """For how long what is known of calls is kept. The company of the PBX decides about its calls."""

    _inherit = "res.company"

    crm_voip_keep_call_months = fields.Integer(
        "Keep calls (months)",
        default=24,
        required=True,
        help="Older calls are deleted with all that hangs on them, and do not come back. 0: kept for ever.",
    )
    crm_voip_keep_record_months = fields.Integer(
        "Keep the PBX record (months)",
        default=6,
        required=True,
        help="Of older calls the single messages of the PBX are deleted. The calls stay as they are. 0: kept for ever.",
    )
    crm_voip_keep_days = fields.Integer(
        "Keep refused events and commands (days)",
        default=30,
        required=True,
        help="What a PBX sent and could not be read, and what was dialled by click. 0: kept for ever.",
    )

    _crm_voip_keep = models.Constraint(
        "CHECK (crm_voip_keep_call_months >= 0 AND crm_voip_keep_record_months >= 0 AND crm_voip_keep_days >= 0)",
        "Nothing is kept for a negative time. 0 keeps it for ever.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_voip_keep_call_months = fields.Integer(related="company_id.crm_voip_keep_call_months", readonly=False)
    crm_voip_keep_record_months = fields.Integer(related="company_id.crm_voip_keep_record_months", readonly=False)
    crm_voip_keep_days = fields.Integer(related="company_id.crm_voip_keep_days", readonly=False)


def older_than_days(table, moment):
    """The statement that deletes what is older than the company of its PBX keeps it.

    :param table: with a column ``pbx_id``
    :param moment: name of the column that says when it came
    """
    return SQL(
        """DELETE FROM %(table)s AS old USING crm_voip_pbx AS pbx, res_company AS company
            WHERE pbx.id = old.pbx_id AND company.id = pbx.company_id AND company.crm_voip_keep_days > 0
              AND old.%(moment)s < now() AT TIME ZONE 'UTC' - company.crm_voip_keep_days * interval '1 day'""",
        table=SQL.identifier(table),
        moment=SQL.identifier(moment),
    )
