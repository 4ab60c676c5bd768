from odoo import api, models
from odoo.exceptions import UserError


class ReportPaper(models.AbstractModel):
    """What the printed report shows; whoever asks for it by its address is asked the same questions."""

    _name = "report.crm_productivity.report_paper"
    _description = "Weekly report, printed"

    @api.model
    def _get_report_values(self, docids, data=None):
        papers = self.env["crm.productivity.paper"].browse(docids or []).exists()
        if not papers:
            raise UserError(self.env._("There is nothing to print: open “Weekly report” first."))
        return {"docs": papers, "sections": [paper._values() for paper in papers]}


class ReportBoard(models.AbstractModel):
    """What the printed page shows; whoever asks for it by its address is asked the same questions."""

    _name = "report.crm_productivity.report_board"
    _description = "Board page, printed"

    @api.model
    def _get_report_values(self, docids, data=None):
        boards = self.env["crm.productivity.board"].browse(docids or []).exists()
        if not boards:
            raise UserError(self.env._("There is nothing to print: open “Board page” first."))
        return {"docs": boards, "sections": [board._values() for board in boards]}
