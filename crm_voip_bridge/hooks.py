from odoo.http import request
from odoo.tools import SQL

from .models.crm_voip_number_intake import PATIENCE


def uninstall_hook(env):
    # without calls nothing would tell any more who may read their lines
    env["mail.message"].search([("crm_voip_call_id", "!=", False)]).unlink()
    env["mail.message"].search([("crm_voip_typed_id", "!=", False)]).unlink()
    # the outcomes that came with the addon go before the calls that have them
    env.flush_all()
    for table in ("crm_voip_call", "crm_voip_wrapup", "crm_voip_typed_call"):
        env.cr.execute(SQL("UPDATE %s SET outcome_id = NULL WHERE outcome_id IS NOT NULL", SQL.identifier(table)))
    env.invalidate_all()
    # what administrators were told of bridges goes with the bridges
    alarm = env.ref("crm_voip_bridge.mail_activity_type_bridge", raise_if_not_found=False)
    alarms = env["mail.activity"].with_context(active_test=False)
    alarms.search([("activity_type_id", "in", alarm.ids if alarm else [])]).unlink()
    # what was promised stays to be done, when its own type is gone
    promise = env.ref("crm_voip_bridge.mail_activity_type_promise", raise_if_not_found=False)
    promises = env["mail.activity"].with_context(active_test=False)
    promises = promises.search([("activity_type_id", "in", promise.ids if promise else [])])
    promises.activity_type_id = env.ref("mail.mail_activity_data_todo")
    # the activities of callbacks are people's: they go on as planned calls
    kind = env.ref("crm_voip_bridge.mail_activity_type_callback", raise_if_not_found=False)
    call = env.ref("mail.mail_activity_data_call", raise_if_not_found=False)
    if kind:
        activities = env["mail.activity"].with_context(active_test=False).search([("activity_type_id", "=", kind.id)])
        # those about calls go with the calls
        ours = activities.filtered(lambda activity: activity.res_model == "crm.voip.call")
        ours.unlink()
        if call:
            (activities - ours).activity_type_id = call
        else:
            (activities - ours).unlink()


def post_init_hook(env):
    # in the browser a worker is killed after two minutes, and somebody waits for it
    env["crm.voip.number.intake"]._install(PATIENCE if request else None)
