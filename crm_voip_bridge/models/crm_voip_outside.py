from odoo import api, fields, models


class CrmVoipOutside(models.Model):
    """How many calls a bridge left out on a day; the one thing that is known of them."""

    _name = "crm.voip.outside"
    _description = "Calls outside scope"
    _order = "day desc, id"
    _rec_name = "day"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    bridge = fields.Char(required=True, readonly=True)
    day = fields.Date(required=True, readonly=True)
    count = fields.Integer(readonly=True)

    _day_unique = models.UniqueIndex("(pbx_id, bridge, day)")

    @api.model
    def _add(self, pbx, source, days):
        """Count calls that were left out here, rather than by a bridge that keeps count itself.

        :param days: ``{date: count}``, to be added to what is known
        """
        self.env.cr.execute_values(
            "INSERT INTO crm_voip_outside AS known (pbx_id, bridge, day, count) VALUES %s"
            " ON CONFLICT (pbx_id, bridge, day) DO UPDATE SET count = known.count + EXCLUDED.count",
            [(pbx.id, source, day, count) for day, count in sorted(days.items())],
            page_size=len(days),
        )

    @api.model
    def _note(self, pbx, bridge, days):
        """:param days: ``{date: count}``, absolute; an older batch that comes late changes nothing"""
        self.env.cr.execute_values(
            "INSERT INTO crm_voip_outside AS known (pbx_id, bridge, day, count) VALUES %s"
            " ON CONFLICT (pbx_id, bridge, day) DO UPDATE SET count = GREATEST(known.count, EXCLUDED.count)",
            [(pbx.id, bridge, day, count) for day, count in sorted(days.items())],
            page_size=len(days),
        )
