from odoo.http import request

from .models.crm_voip_number_intake import PATIENCE


def uninstall_hook(env):
    # without calls nothing would tell any more who may read their lines
    env["mail.message"].search([("crm_voip_call_id", "!=", False)]).unlink()


def post_init_hook(env):
    # in the browser a worker is killed after two minutes, and somebody waits for it
    env["crm.voip.number.intake"]._install(PATIENCE if request else None)
