from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

#: letters; what is longer is read by nobody beside a number
LONGEST = 500


class CrmProductivityComment(models.Model):
    """What a person says beside a number of theirs: that they were at a fair that week, say.

    It stands wherever that number of that person is shown, and is seen by whoever may see the number. Only its author
    changes or deletes it.
    """

    _name = "crm.productivity.comment"
    _inherit = ["crm.voip.own", "crm.productivity.shown"]
    _description = "Comment beside a number"
    _order = "date_from desc, id desc"
    _rec_name = "text"

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "ends_at"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", default=lambda self: self.env.company
    )
    user_id = fields.Many2one(
        "res.users", "Person", required=True, readonly=True, ondelete="cascade", default=lambda self: self.env.user
    )
    metric_id = fields.Many2one("crm.productivity.metric", "Number", required=True, ondelete="cascade")
    period = fields.Selection([("day", "That day"), ("week", "That week")], "About", required=True, default="week")
    day = fields.Date(required=True, default=lambda self: self.env["crm.productivity.stale"]._today(self.env.company))
    date_from = fields.Date("From", compute="_compute_dates", store=True, readonly=True)
    date_to = fields.Date("To", compute="_compute_dates", store=True, readonly=True)
    ends_at = fields.Datetime("Period ends", compute="_compute_dates", store=True, readonly=True)
    text = fields.Text("Comment", required=True)

    _user_idx = models.Index("(user_id, date_from)")

    @api.depends("period", "day", "company_id")
    def _compute_dates(self):
        stale = self.env["crm.productivity.stale"]
        for comment in self:
            if not comment.day:
                comment.date_from = comment.date_to = comment.ends_at = False
                continue
            bounds = (comment.day, comment.day)
            if comment.period == "week":
                bounds = self.env["crm.productivity.target"]._period_around("week", comment.day)
            comment.date_from, comment.date_to = bounds
            # others see it when they see the number: that of its last day
            comment.ends_at = stale._bounds(comment.company_id, *bounds)[1]

    # --- who writes ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # a comment is its author's, about a number of their own
            vals["user_id"] = self.env.uid
            company = self.env["res.company"].browse(vals.get("company_id") or self.env.company.id)
            # sudo: what a company switched on
            if not company.sudo().crm_productivity_comments:
                raise UserError(
                    self.env._(
                        "Comments beside numbers are not switched on. An administrator of calls can do that in the settings."
                    )
                )
        return super().create(vals_list)

    def write(self, vals):
        if not vals.keys().isdisjoint(("user_id", "company_id", "metric_id")):
            raise UserError(self.env._("A comment stays with its number: delete it and write another."))
        return super().write(vals)

    @api.constrains("text", "day")
    def _check_text(self):
        for comment in self:
            if not comment.text.strip() or len(comment.text) > LONGEST:
                raise ValidationError(self.env._("A comment has between one and %s letters.", LONGEST))
            if comment.date_from > self.env["crm.productivity.stale"]._today(comment.company_id):
                raise ValidationError(self.env._("There is no number of the future to comment on."))

    def action_delete(self):
        """Delete it; whoever is not its author may not."""
        self.unlink()

    # --- who reads ---

    @api.model
    def _domain_shown(self):
        """As with the figures of a day: one's own, and others' where and when the company shows their figures."""
        return self._domain_of_persons(Domain("user_id", "=", self.env.uid))

    # --- beside numbers ---

    @api.model
    def _beside(self, user, first, last):
        """What a person wrote beside their numbers of some days, as far as the present user may see it.

        :return: comments, the latest period first
        """
        return self._between(user, first, last)

    @api.model
    def _between(self, users, first, last):
        return self.search(
            [("user_id", "in", users.ids), ("date_from", "<=", last), ("date_to", ">=", first)]
        ).filtered(lambda one: one.company_id.sudo().crm_productivity_comments)  # sudo: what is switched on

    def _is_about(self, company, day):
        return self.company_id == company and self.date_from <= day <= self.date_to

    def _shown(self):
        """:return: the comment with its number, as text"""
        text = " ".join(self.text.split())
        return self.env._("%(number)s: “%(text)s”", number=self.metric_id.name, text=text)
