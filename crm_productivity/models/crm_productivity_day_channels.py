from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured

from .crm_productivity_behind import TURNS

#: first part of the measures' names -> kinds of channels, None: all others, WhatsApp among them
WAYS = {"mail": ["mail"], "sms": ["sms"], "chat": ["chat"], "other": None}


class CrmProductivityDay(models.Model):
    """What customers wrote, by channel. A turn belongs to the channel of its first message, however it was answered."""

    _inherit = "crm.productivity.day"

    mail_questions = fields.Integer("Mail: received")
    mail_answered = fields.Integer("Mail: answered")
    mail_response_s = Measured("Mail: answered after (s)", aggregator="sum", help="In the company's working time.")
    sms_questions = fields.Integer("SMS: received")
    sms_answered = fields.Integer("SMS: answered")
    sms_response_s = Measured("SMS: answered after (s)", aggregator="sum", help="In the company's working time.")
    chat_questions = fields.Integer("Live chat: received")
    chat_answered = fields.Integer("Live chat: answered")
    chat_response_s = Measured("Live chat: answered after (s)", aggregator="sum", help="In the company's working time.")
    other_questions = fields.Integer("Other channels: received")
    other_answered = fields.Integer("Other channels: answered")
    other_response_s = Measured(
        "Other channels: answered after (s)", aggregator="sum", help="In the company's working time."
    )

    @api.model
    def _spread(self):
        return (*super()._spread(), *(f"{way}_response_s" for way in WAYS))


class CrmProductivityTeam(models.Model):
    _inherit = "crm.productivity.team"

    mail_questions = fields.Integer("Mail: received", readonly=True)
    mail_answered = fields.Integer("Mail: answered", readonly=True)
    sms_questions = fields.Integer("SMS: received", readonly=True)
    sms_answered = fields.Integer("SMS: answered", readonly=True)
    chat_questions = fields.Integer("Live chat: received", readonly=True)
    chat_answered = fields.Integer("Live chat: answered", readonly=True)
    other_questions = fields.Integer("Other channels: received", readonly=True)
    other_answered = fields.Integer("Other channels: answered", readonly=True)


class CrmProductivityBehind(models.AbstractModel):
    _inherit = "crm.productivity.behind"

    @api.model
    def _of_measure(self, measure, company, start, end):
        way, _underscore, rest = measure.partition("_")
        whole = {"response_s": "response_worked_s"}.get(rest, rest)
        if way not in WAYS or whole not in TURNS:
            return super()._of_measure(measure, company, start, end)
        model, domain = super()._of_measure(whole, company, start, end)
        named = [one for kinds in WAYS.values() for one in kinds or ()]
        return model, [
            *domain,
            ("channel_id.kind", "in", WAYS[way]) if WAYS[way] else ("channel_id.kind", "not in", named),
        ]
