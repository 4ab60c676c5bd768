def post_init_hook(env):
    # what happened before is reckoned by the scheduled action, a month at a time, so that installing does not wait
    env["crm.productivity.member"]._begin()
    env["crm.productivity.stale"]._mark_everything()
    env["crm.productivity.function.since"]._begin()
    env["crm.productivity.metric"]._print_as_delivered()


def uninstall_hook(env):
    # a metric that somebody aims at cannot be deleted, and uninstalling deletes all
    env["crm.productivity.target"].search([("id", "!=", False)]).unlink()
