from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured


class CrmProductivityDay(models.Model):
    """Measures of how calls went, in their parts, and of customers who came back."""

    _inherit = "crm.productivity.day"

    ring_s = Measured("Own phone rang (s)", aggregator="sum", help="Incoming calls, until answered or not.")
    ring_calls = fields.Integer("Calls of which ringing is known")
    dial_s = Measured("Dialling (s)", aggregator="sum", help="Calls made, until answered or given up.")
    dial_calls = fields.Integer("Calls with dialling time")
    machine_calls = fields.Integer("A machine answered", help="Calls made that only a machine or voicemail answered.")
    hold_s = Measured("On hold (s)", aggregator="sum", help="Customers of calls that this person took or made.")
    hold_calls = fields.Integer("Calls of which hold is known")
    handle_s = Measured("Handling (s)", aggregator="sum", help="Dialling, talk, hold and after-call work, all known.")
    handled = fields.Integer("Calls of which all handling is known")
    look_ups = fields.Integer("Calls with a record opened", groups=fields.NO_ACCESS)
    documented = fields.Integer("Calls with a note begun", groups=fields.NO_ACCESS)
    outcomes = fields.Integer("Outcomes given", help="Of calls made. Typed, not measured.")
    outcomes_reached = fields.Integer("Outcome: reached", help="Of calls made. Typed, not measured.")
    menu_s = Measured("In the menu (s)", aggregator="sum")
    menu_calls = fields.Integer("Calls through the menu")
    queue_s = Measured("In the queue (s)", aggregator="sum")
    queued_calls = fields.Integer("Calls through a queue")
    voicemails = fields.Integer("Left to the voicemail")
    rang_people = fields.Integer("Incoming calls for people", help="All but those that only a machine was to answer.")
    level_calls = fields.Integer("Answered, or given up late", help="Incoming calls whose waiting is known.")
    answered_in_time = fields.Integer("Answered in time")
    attempts = fields.Integer("Attempts to call back", help="Calls to the number that did not get through.")
    called_back_typed = fields.Integer("Called back, somebody said", help="Typed, not measured.")
    contacts = fields.Integer("Answered customer calls", help="With an opportunity, a contact or a number.")
    repeats = fields.Integer("Repeat calls", help="Of those: one on the same topic was answered some days before.")
    contacts_settled = fields.Integer("Calls whose customers could have come back")
    contacts_returned = fields.Integer("Customers who came back")

    @api.model
    def _spread(self):
        return (*super()._spread(), "dial_s", "handle_s")
