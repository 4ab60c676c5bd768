from odoo import fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured

from .crm_productivity_derived import derived


def count(label, **values):
    return fields.Integer(label, readonly=True, **values)


def seconds(label):
    return Measured(label, aggregator="sum", readonly=True)


class CrmProductivityTeam(models.Model):
    """The further totals of a team: what is kept of a day beyond the first numbers; see ``crm.productivity.day``."""

    _inherit = "crm.productivity.team"

    machine_calls = count("A machine answered")
    voicemails = count("Left to the voicemail")
    rang_people = count("Incoming calls for people")
    level_calls = count("Answered, or given up late")
    answered_in_time = count("Answered in time")
    queue_s = seconds("In the queue (s)")
    queued_calls = count("Calls through a queue")
    hold_s = seconds("On hold (s)")
    hold_calls = count("Calls of which hold is known")
    handle_s = seconds("Handling (s)")
    handled = count("Calls of which all handling is known")
    attempts = count("Attempts to call back")
    called_back_typed = count("Called back, somebody said", help="Typed, not measured.")
    contacts = count("Answered customer calls")
    repeats = count("Repeat calls")
    contacts_settled = count("Calls whose customers could have come back")
    contacts_returned = count("Customers who came back")
    activities_done = count("Activities done", help="Typed, not measured.")
    activities_due = count("Activities due")
    activities_kept = count("Activities done in time")
    activities_late = count("Activities overdue")
    promises = count("Promised dates")
    promises_kept = count("Promised dates kept")
    promises_late = count("Promised dates missed")
    opportunities_moved = count("Opportunities moved")

    service_percent = derived("Answered in time (%)", "service_level")
    abandoned_percent = derived("Gave up waiting (%)", "abandoned")
    called_back_percent = derived("Called back (%)", "called_back")
    reply_percent = derived("Messages answered (%)", "reply_rate")
    win_percent = derived("Won of decided (%)", "win_rate")
    handle_mean = derived("Handling per call (s)", "handle")
    queue_mean = derived("In the queue per call (s)", "queue")
