"""Rules are not updated with the addon, as a company may have its own; those that are as delivered become quicker."""

from odoo.tools import SQL

RULES = {
    '[("team_ids.user_id", "=", user.id)]': '[("is_led", "=", True)]',
    '[("call_id.team_ids.user_id", "=", user.id)]': '[("call_id.is_led", "=", True)]',
}
MODELS = ("crm.voip.call", "crm.voip.leg", "crm.voip.callback", "crm.voip.recording")


def migrate(cr, version):
    for before, after in RULES.items():
        cr.execute(
            SQL(
                """UPDATE ir_rule SET domain_force = %s FROM ir_model AS model
                    WHERE model.id = ir_rule.model_id AND model.model IN %s AND domain_force = %s""",
                after,
                MODELS,
                before,
            )
        )
    # one with the time of the call took its place
    cr.execute("DROP INDEX IF EXISTS crm_voip_leg__user_id_index")
