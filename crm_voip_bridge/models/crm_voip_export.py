import re

from odoo import api, models

#: what a spreadsheet takes for the beginning of a formula. A sign alone is none in XLSX, and Odoo takes care of it in
#: CSV unless something stands before it
_FORMULA = re.compile(r"[\s\x00-\x1f]*(?:[=@\uff1d\uff20]|\{=)|[\s\x00-\x1f]+[+\-\uff0b\uff0d]")


def harmless(text):
    """A cell that no spreadsheet takes for a formula.

    What a caller, a PBX or a colleague named ``=cmd|…`` runs on the machine of whoever opens the export: Odoo puts
    an apostrophe before such texts in CSV, and nothing in XLSX.

    :param text: what stands in the cell; whatever is no text is returned as it is
    """
    return f"'{text}" if isinstance(text, str) and _FORMULA.match(text) else text


class CrmVoipExport(models.AbstractModel):
    """Records with texts from outside, exported without formulas."""

    _name = "crm.voip.export"
    _description = "Exported without formulas"

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        rows = super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)
        return [[harmless(cell) for cell in row] for row in rows]

    @api.model
    def formatted_read_group(self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None):
        groups = super().formatted_read_group(domain, groupby, aggregates, having, offset, limit, order)
        # only an export asks for ids, and writes the labels as cells
        if "id:array_agg" in aggregates:
            for group in groups:
                for name in groupby:
                    label = group[name]
                    group[name] = (label[0], harmless(label[1])) if isinstance(label, tuple) else harmless(label)
        return groups
