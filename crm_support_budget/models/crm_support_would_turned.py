from odoo import api, fields, models

from ..lib.meter import RED, WORST_FIRST, YELLOW

#: of colours, the worst first; None is no limit
_WORST_FIRST = (*WORST_FIRST, None)


class CrmSupportWould(models.Model):
    """In the dry run, whose meter would have turned yellow or red, and when."""

    _inherit = "crm.support.would"

    kind = fields.Selection(
        selection_add=[("yellow", "Yellow"), ("red", "Red")], ondelete={"yellow": "cascade", "red": "cascade"}
    )

    @api.model
    def _turned(self, company, customers, history):
        """Write down anew when meters of some customers turned.

        :param history: of ``crm.support.fit._history``
        """
        turned = ("yellow", "red")
        self.search([("company_id", "=", company.id), ("partner_id", "in", customers), ("kind", "in", turned)]).unlink()
        texts = {
            YELLOW: self.env._("The meter turned yellow: what was carried over is being used."),
            RED: self.env._("The meter turned red: everything is used up."),
        }
        fresh = [
            (company.id, customer, one["colour"], texts[one["colour"]], one["at"])
            for customer, days in history.items()
            for one in days
            if one["colour"] in texts and _WORST_FIRST.index(one["colour"]) < _WORST_FIRST.index(one["before"])
        ]
        if fresh:
            # in SQL: the moment is that of the help, not of the writing down
            self.env.cr.execute_values(
                "INSERT INTO crm_support_would (company_id, partner_id, kind, text, create_date) VALUES %s",
                fresh,
                page_size=len(fresh),
            )
            self.invalidate_model()

    @api.model
    def _line(self, company):
        """:return: what would have been, in one line"""
        counts = dict(self._read_group([("company_id", "=", company.id)], ["kind"], ["__count"]))
        said = [
            (counts.get("yellow"), self.env._("%s yellow")),
            (counts.get("red"), self.env._("%s red")),
            (counts.get("mail"), self.env._("%s mails")),
            (counts.get("reorder"), self.env._("%s in another order")),
            (counts.get("after"), self.env._("%s served after the others")),
        ]
        words = ", ".join(text % count for count, text in said if count)
        return self.env._("Would have been: %s", words) if words else self.env._("Nothing would have been done")

    @api.model
    def action_show(self):
        """The dry run's list, with what would have been as its title."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_support_budget.crm_support_would_action")
        line = self._line(self.env.company)
        return {**action, "name": line, "display_name": line}
