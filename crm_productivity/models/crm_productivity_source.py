from odoo import api, models


class CrmProductivitySource(models.AbstractModel):
    """Records that figures are made of: whatever changes one makes its day stale, before and after.

    A model of another addon inherits this, names its moments and the fields that matter, and adds a method
    to :class:`CrmProductivityFacts`.
    """

    _name = "crm.productivity.source"
    _description = "Source of figures"

    #: datetime fields: facts of the record belong to the days of these moments
    _productivity_moments = ()
    #: fields whose change changes a figure; the moments need not be named again
    _productivity_fields = ()

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._productivity_changed()
        return records

    def write(self, vals):
        if vals.keys().isdisjoint(self._productivity_moments) and vals.keys().isdisjoint(self._productivity_fields):
            return super().write(vals)
        self._productivity_changed()
        result = super().write(vals)
        self._productivity_changed()
        return result

    def unlink(self):
        self._productivity_changed()
        return super().unlink()

    def _productivity_changed(self):
        moments = set()
        # sudo: figures are kept whoever changes what they are made of
        for record in self.sudo():
            company_id = record._productivity_company()
            if company_id:
                moments |= {(company_id, moment) for name in self._productivity_moments if (moment := record[name])}
        if moments:
            self.env["crm.productivity.stale"].sudo()._mark(moments)

    def _productivity_company(self):
        """:return: id of the company whose figures it belongs to"""
        return self.company_id.id
