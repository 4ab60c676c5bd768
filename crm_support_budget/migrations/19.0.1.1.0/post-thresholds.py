"""Policies that were there before thresholds get those that a new policy begins with."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    Policy = env["crm.support.policy"].with_context(active_test=False)
    for policy in Policy.search([("threshold_ids", "=", False)]):
        policy.threshold_ids = Policy._default_threshold_ids()
