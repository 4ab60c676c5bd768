from odoo import api, models


class CrmVoipFolded(models.AbstractModel):
    """Records that are folded from the journal: written by the fold alone, and only where they differ."""

    _name = "crm.voip.folded"
    _description = "Folded from the PBX record"

    @api.model
    def _has_field_access(self, field, operation):
        # measured by a machine or folded from entries: nobody improves it by editing
        if operation == "write" and not self.env.su and field._module == "crm_voip_bridge":
            return False
        return super()._has_field_access(field, operation)

    def _differing(self, vals):
        """:return: those of ``vals`` that the record does not hold yet"""
        differing = {}
        for name, value in vals.items():
            field = self._fields[name]
            if field.type == "many2many":
                if set(self[name].ids) == set(value[0][2]):
                    continue
            elif field.type == "many2one":
                if self[name].id == (value or False):
                    continue
            elif field.convert_to_cache(value, self) == field.convert_to_cache(self[name], self):
                continue
            differing[name] = value
        return differing
