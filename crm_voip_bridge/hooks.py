from odoo.http import request

from .models.crm_voip_number_intake import PATIENCE


def post_init_hook(env):
    # in the browser a worker is killed after two minutes, and somebody waits for it
    env["crm.voip.number.intake"]._install(PATIENCE if request else None)
