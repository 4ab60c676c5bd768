from odoo import models

#: reports that bring their own head and foot, and their paper
OURS = ("crm_productivity.report_paper", "crm_productivity.report_board")


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def get_paperformat(self):
        """Ours are on the size of paper that the company uses, with margins of their own."""
        if self.report_name not in OURS:
            return super().get_paperformat()
        is_letter = self.env.company.paperformat_id.format == "Letter"
        # sudo: of what size the paper is, everybody who prints is to know
        return self.env.ref(f"crm_productivity.paperformat_{'letter' if is_letter else 'a4'}").sudo()
