from odoo import api, fields, models
from odoo.tools import SQL

#: switches that decide which menus and columns there are
SWITCHES = ("crm_voip_live", "crm_voip_outcomes", "crm_voip_typed", "crm_voip_supervisor_notes")


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_voip_chatter = fields.Boolean(
        "Calls in the chatter",
        help="Each call leaves a quiet line on its opportunity or contact, without notification, seen by those "
        "who may see the call. Turned off, no new lines are written; those there stay.",
    )
    crm_voip_card = fields.Boolean(
        "Call card",
        help="While a phone rings, its person sees who it is, over whatever screen is open, and notes down there what "
        "came of it. Turned off, no card appears; notes and outcomes stay on their calls.",
    )
    crm_voip_live = fields.Boolean(
        "Calls going on",
        help="Team leaders see the calls going on of their teams, and those with the right to all calls all of them, "
        "as they happen. Turned off, the screen and its menu are gone; nothing was stored for it.",
    )
    crm_voip_callbacks = fields.Boolean(
        "Callbacks",
        default=True,
        help="A missed call becomes an activity, and closes by itself when one of us is connected with the number.",
    )
    crm_voip_callbacks_since = fields.Datetime(
        "Callbacks on since", help="Calls missed earlier make no callback. Empty: since ever."
    )
    crm_voip_callback_hours = fields.Float(
        "Call back within (working hours)",
        default=4.0,
        help="In the working time of the person, or else of the company. Holds for callbacks made from now on.",
    )
    crm_voip_planned = fields.Boolean(
        "Planned calls close themselves",
        help="A planned call that is due is marked done when the person talked with that customer, with Undo.",
    )
    crm_voip_planned_days = fields.Integer(
        "Planned calls due within (days)", default=1, help="Also a call planned for so many days later is meant."
    )
    crm_voip_planned_s = fields.Integer(
        "Shortest talk (s)", default=30, help="A shorter talk does not count as the call that was planned."
    )
    crm_voip_dial = fields.Boolean(
        "Click to call",
        help="A click on a telephone number rings the phone of whoever clicked, then calls the number. For people with a "
        "recorded extension; for others the links stay as they are. Turned off, they are as before for everybody.",
    )
    crm_voip_dial_country_ids = fields.Many2many(
        "res.country",
        "crm_voip_dial_country_rel",
        "company_id",
        "country_id",
        "Countries that may be called",
        help="Numbers of other countries are not dialled by click. Empty: the company's own country. When click to call "
        "is turned on, the countries of the contacts are filled in.",
    )
    crm_voip_dial_minute = fields.Integer(
        "Calls in a minute", default=10, help="More are not dialled by click, for each person."
    )
    crm_voip_dial_hour = fields.Integer(
        "Calls in an hour", default=60, help="More are not dialled by click, for each person."
    )
    crm_voip_outcomes = fields.Boolean(
        "Outcomes of calls",
        help="After a call, whoever took it says with one click or key what came of it, and the next step is planned. "
        "Seen by those who may see the call. Turned off, nothing is asked any more; what was given stays.",
    )
    crm_voip_wrapup_cap = fields.Integer(
        "Longest after-call work (s)",
        default=120,
        required=True,
        help="So long the call card stays after hanging up, and no more counts as after-call work.",
    )
    crm_voip_finish_days = fields.Integer(
        "Days in “To finish”", default=7, required=True, help="Calls that are older are not in the list any more."
    )
    crm_voip_typed = fields.Boolean(
        "Calls that no PBX saw",
        help="Calls from a private mobile can be typed in with two taps. They are marked as typed for ever, and never "
        "counted with measured ones. Seen by their author, the owner of the opportunity, and those with a right to "
        "the team's or all calls. Turned off, none are added any more; those there stay.",
    )
    crm_voip_supervisor_notes = fields.Boolean(
        "Unacceptable contact, and a pleasure",
        help="One key on the call card makes a factual, dated note that expires, or a thank-you. Seen by its author, "
        "the leader of the author's team and the administrators of calls, and given to the customer on request. "
        "Turned off, none are added any more; those there expire.",
    )
    crm_voip_note_months = fields.Integer(
        "Months until a note expires", default=12, required=True, help="Then it is deleted."
    )

    _crm_voip_wrapup_cap = models.Constraint(
        "CHECK (crm_voip_wrapup_cap >= 0)", "The longest after-call work is a number of seconds."
    )
    _crm_voip_note_months = models.Constraint(
        "CHECK (crm_voip_note_months > 0)", "A supervisor note expires after a month at least."
    )

    _crm_voip_callback_hours = models.Constraint(
        "CHECK (crm_voip_callback_hours >= 0)", "Nobody can be called back before they called."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies.filtered("crm_voip_dial")._crm_voip_fill_dial_countries()
        return companies

    def write(self, vals):
        if vals.get("crm_voip_callbacks"):
            # what was missed while it was off stays history
            turned_on = self.filtered(lambda company: not company.crm_voip_callbacks)
            turned_on.crm_voip_callbacks_since = fields.Datetime.now()
        result = super().write(vals)
        if vals.get("crm_voip_dial") and "crm_voip_dial_country_ids" not in vals:
            self._crm_voip_fill_dial_countries()
        if not vals.keys().isdisjoint(SWITCHES):
            # the menus and views of what is off are left out, and kept in memory
            self.env.registry.clear_cache("default", "templates")
        return result

    def _crm_voip_has_wrapups(self):
        """Whether there are wrap-ups to keep up with: outcomes are on, or there is a call card."""
        return self.crm_voip_outcomes or self.crm_voip_card

    def _crm_voip_fill_dial_countries(self):
        """Begin with the countries of the contacts: a list to see and change.

        It does not grow by itself, or whoever fills in a form of the website would decide which countries are called.
        """
        for company in self:
            if not company.crm_voip_dial_country_ids:
                company.crm_voip_dial_country_ids = company._crm_voip_contact_countries()

    def _crm_voip_contact_countries(self):
        """:return: countries of the company, its PBXs, and its contacts and opportunities with a telephone number"""
        self.ensure_one()
        names = ("country_id", "phone", "active", "company_id")
        self.env["res.partner"].flush_model(names)
        self.env["crm.lead"].flush_model(names)
        rows = self.env.execute_query(
            SQL(
                """SELECT country_id FROM res_partner
                    WHERE active AND phone IS NOT NULL AND (company_id IS NULL OR company_id = %(company)s)
                    UNION
                   SELECT country_id FROM crm_lead
                    WHERE active AND phone IS NOT NULL AND (company_id IS NULL OR company_id = %(company)s)""",
                company=self.id,
            )
        )
        contacts = self.env["res.country"].browse(country for (country,) in rows if country)
        return self._crm_voip_own_countries() | contacts.sorted("name")

    def _crm_voip_own_countries(self):
        # sudo: who may turn this on may not read PBXs perhaps
        return self.country_id | self.env["crm.voip.pbx"].sudo().search([("company_id", "=", self.id)]).country_id

    def _crm_voip_dial_countries(self):
        """:return: codes of the countries that may be called"""
        self.ensure_one()
        countries = self.crm_voip_dial_country_ids or self._crm_voip_own_countries()
        return frozenset(countries.mapped("code"))
