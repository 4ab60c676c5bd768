from odoo import api, fields, models


class ResCompany(models.Model):
    """Whether, on which day and at what hour the weekly report is sent."""

    _inherit = "res.company"

    crm_productivity_letters = fields.Boolean(
        "Weekly report by mail",
        help="Each person gets their own numbers of the week by mail, and whoever leads a team its totals, never single "
        "persons. Each can turn theirs off in the preferences. Turned off, none are sent; those sent stay with whoever "
        "got them.",
    )
    crm_productivity_letter_weekday = fields.Selection(
        [
            ("0", "Monday"),
            ("1", "Tuesday"),
            ("2", "Wednesday"),
            ("3", "Thursday"),
            ("4", "Friday"),
            ("5", "Saturday"),
            ("6", "Sunday"),
        ],
        "Weekday of the weekly report",
        required=True,
        default="0",
    )
    crm_productivity_letter_hour = fields.Integer(
        "Hour of the weekly report", required=True, default=7, help="By the company's clock."
    )
    crm_productivity_letter_since = fields.Datetime("Weekly report on since", readonly=True)
    crm_productivity_pdf_told = fields.Boolean("It was told that PDFs cannot be made", readonly=True)

    _crm_productivity_letter_hour = models.Constraint(
        "CHECK (crm_productivity_letter_hour BETWEEN 0 AND 23)", "The hour of the weekly report is from 0 to 23."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies.filtered("crm_productivity_letters").crm_productivity_letter_since = fields.Datetime.now()
        return companies

    def write(self, vals):
        if vals.get("crm_productivity_letters"):
            # the first mail is the next one, not that of days ago
            turned_on = self.filtered(lambda company: not company.crm_productivity_letters)
            turned_on.crm_productivity_letter_since = fields.Datetime.now()
        return super().write(vals)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_productivity_letters = fields.Boolean(related="company_id.crm_productivity_letters", readonly=False)
    crm_productivity_letter_weekday = fields.Selection(
        related="company_id.crm_productivity_letter_weekday", readonly=False
    )
    crm_productivity_letter_hour = fields.Integer(related="company_id.crm_productivity_letter_hour", readonly=False)
    crm_productivity_has_pdf = fields.Boolean(compute="_compute_crm_productivity_has_pdf")

    def _compute_crm_productivity_has_pdf(self):
        self.crm_productivity_has_pdf = self.env["crm.productivity.letter"]._has_pdf_engine()
