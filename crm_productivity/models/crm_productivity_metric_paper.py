from odoo import api, fields, models
from odoo.tools import formatLang

from .crm_productivity_week_total import CODES

#: most numbers of a weekly report: two pages are two pages
MOST = 10
#: numbers of a person's weekly report, and those of the board page by side, as delivered
LETTER = (
    "calls_made", "reached", "taken", "conversations", "talk_median", "reply_rate", "response_median", "won_amount",
)  # fmt: skip
BUSINESS = ("won_amount", "won", "reached", "conversations", "reply_rate", "team_answered")
RUNNING = ("calls_complete", "outage", "abandoned", "service_level", "queue", "called_back_in")


class CrmProductivityMetric(models.Model):
    """Which numbers are printed, and how they are put beside earlier ones."""

    _inherit = "crm.productivity.metric"

    in_letter = fields.Boolean("In a person's weekly report", help="The first ten by sequence are printed.")
    in_team_letter = fields.Boolean("In a team's weekly report", help="The first ten by sequence are printed.")
    board = fields.Selection(
        [("business", "Left: what the business got"), ("running", "Right: what keeps it running")],
        "On the board page",
        help="Empty: not on it. Six are printed on each side.",
    )
    board_sequence = fields.Integer("Place on the board page", default=100)

    @api.model
    def _print_as_delivered(self):
        """Choose what is printed, when the addon is installed; afterwards an administrator does."""
        self.search([("code", "in", LETTER)]).in_letter = True
        self.search([("code", "in", CODES)]).in_team_letter = True
        for side, codes in (("business", BUSINESS), ("running", RUNNING)):
            for metric in self.search([("code", "in", codes)]):
                metric.write({"board": side, "board_sequence": codes.index(metric.code)})

    @api.model
    def _on_board(self, side, most):
        return self.search([("board", "=", side)], order="board_sequence, sequence, id", limit=most)

    def _prepare_old_vals(self):
        return {**super()._prepare_old_vals(), "in_letter": False, "in_team_letter": False, "board": False}

    def _change(self, value, before, currency=None):
        """:return: the difference to an earlier number as text with its sign, False where that cannot be said"""
        self.ensure_one()
        if value is None or before is None:
            return False
        difference = value - before
        size = abs(difference)
        shown = self._points(size) if self.unit == "percent" else self._shown(size, currency)
        if shown == (self._points(0) if self.unit == "percent" else self._shown(0, currency)):
            return self.env._("as before")
        return f"+ {shown}" if difference > 0 else f"− {shown}"

    def _shown_small(self, value, currency):
        """:return: a number as text for a narrow column: amounts without their cents"""
        if value is None:
            return "–"
        if self.unit == "amount":
            number = formatLang(self.env, value, digits=0)
            return f"{currency.symbol} {number}" if currency.position == "before" else f"{number} {currency.symbol}"
        return self._shown(value, currency)

    def _points(self, size):
        points = round(size)
        return self.env._("1 point") if points == 1 else self.env._("%s points", points)
