from datetime import datetime, time, timedelta

import pytz

from odoo import models


class ResCompany(models.Model):
    """The days of a company are those of its time zone, whoever asks and wherever they are."""

    _inherit = "res.company"

    def _crm_voip_zone(self):
        """:return: the time zone in which the company's days are, of ``pytz``"""
        self.ensure_one()
        # sudo: everybody's days are those of their company
        return pytz.timezone(self.sudo().partner_id.tz or "UTC")

    def _crm_voip_bounds(self, first, last):
        """:return: naive UTC moments between which the days from ``first`` to ``last`` lie, the second not included"""
        zone = self._crm_voip_zone()
        return tuple(
            zone.localize(datetime.combine(day, time())).astimezone(pytz.utc).replace(tzinfo=None)
            for day in (first, last + timedelta(days=1))
        )
