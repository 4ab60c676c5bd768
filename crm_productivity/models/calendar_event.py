from odoo import api, models
from odoo.tools import SQL


class CalendarEvent(models.Model):
    _name = "calendar.event"
    _inherit = ["calendar.event", "crm.productivity.followed"]

    _productivity_fields = ("start", "stop", "user_id", "active")

    _productivity_idx = models.Index("(start) WHERE active")
    _productivity_stop_idx = models.Index("(stop) WHERE active")

    @api.model
    def _productivity_places(self, ids):
        return SQL(
            """SELECT event.id, person.company_id, event.start FROM calendar_event event
                 JOIN res_users person ON person.id = event.user_id WHERE event.id = ANY(%s)""",
            ids,
        )
