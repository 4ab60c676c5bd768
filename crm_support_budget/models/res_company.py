from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from .crm_support_terms import EVER

#: days for which nothing leaves the house
DRY_DAYS = 28
#: days before the installation that are taken into account
LOOK_BACK = 35


class ResCompany(models.Model):
    """From when support budgets act, and what holds for customers without agreement."""

    _inherit = "res.company"

    crm_support_live_from = fields.Date(
        "Support budgets act from", help="Until then, nothing leaves the house and nothing is put in another order."
    )
    crm_support_policy_id = fields.Many2one(
        "crm.support.policy", "Policy for customers without agreement", ondelete="set null"
    )
    crm_support_since = fields.Datetime(
        "Support budgets begin", readonly=True, help="All meters begin then, with a full reserve."
    )
    crm_support_repeat_days = fields.Integer(
        "Repeat contacts within (days)",
        default=14,
        help="Contacts about the same topic within so many days are shown as repeated.",
    )
    crm_support_cap = fields.Integer(
        "At the same time, of one customer",
        default=1,
        help="So many requests of one customer are served at once. 0: any.",
    )
    crm_support_share_minutes = fields.Float(
        "Of a technician's day (min)",
        default=120,
        help="One customer with so many minutes of one technician makes a notice. 0: none.",
    )
    crm_support_share_contacts = fields.Integer(
        "Of a technician's day (contacts)",
        default=6,
        help="One customer with so many contacts of one technician makes a notice. 0: none.",
    )
    crm_support_statements = fields.Boolean(
        "Monthly statements by mail", help="On the first day of a month, each customer who had help gets a statement."
    )
    crm_support_portal = fields.Boolean(
        "Customers see their budget in the portal",
        help="What is left, each entry, and statements; without it they see their requests alone.",
    )
    crm_support_tell_takeover = fields.Boolean(
        "Tell customers who is their contact", help="When a supervisor takes a customer over."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._crm_support_begin()
        return companies

    def write(self, vals):
        done = super().write(vals)
        if "crm_support_policy_id" in vals:
            self._crm_support_remember()
        return done

    def _crm_support_begin(self):
        """Companies begin with a dry run, and with what happened in the last weeks, so that it shows something at once."""
        policy = self.env.ref("crm_support_budget.policy_standard", raise_if_not_found=False)
        today = fields.Date.today()
        for company in self:
            first = today - timedelta(days=LOOK_BACK)
            company.write(
                {
                    "crm_support_live_from": today + timedelta(days=DRY_DAYS),
                    "crm_support_since": company._crm_voip_bounds(first, first)[0],
                    "crm_support_policy_id": company.crm_support_policy_id.id or (policy and policy.id),
                }
            )

    def _crm_support_remember(self):
        said = {company.id: {"policy": company.crm_support_policy_id.id} for company in self}
        self.env["crm.support.terms"]._remember("company_id", said)

    def _crm_support_since(self):
        """:return: naive UTC, when the meters of customers without agreement begin"""
        # sudo: everybody's meters are those of their company
        return self.sudo().crm_support_since or EVER

    def _crm_support_is_dry(self):
        """:return: whether nothing leaves the house yet"""
        self.ensure_one()
        day = fields.Datetime.now().astimezone(self._crm_voip_zone()).date()
        # sudo: whether we only try is for everybody to know
        return not self.sudo().crm_support_live_from or day < self.sudo().crm_support_live_from

    def _crm_support_dry_line(self):
        """:return: what every screen says during the dry run, False after it"""
        self.ensure_one()
        if not self._crm_support_is_dry():
            return False
        # sudo: see _crm_support_is_dry
        begins = self.sudo().crm_support_live_from
        if not begins:
            return self.env._("Dry run: nothing is sent to customers, and nothing is put in another order.")
        return self.env._(
            "Dry run until %s: nothing is sent to customers, and nothing is put in another order.",
            format_date(self.env, begins),
        )

    def _crm_support_dry_line_of_customer(self):
        """:return: what customers read during the dry run, False after it"""
        self.ensure_one()
        if not self._crm_support_is_dry():
            return False
        # sudo: see _crm_support_is_dry
        begins = self.sudo().crm_support_live_from
        if not begins:
            return self.env._("We are trying this out: nothing follows from it yet.")
        return self.env._(
            "We are trying this out until %s: nothing follows from it yet.", format_date(self.env, begins)
        )

    def _crm_support_ask_supervisors(self, record, note=None):
        """Give each supervisor something to look at, in their own language.

        :param record: one with activities
        :param note: name of its field that says more
        """
        for supervisor in self._crm_support_supervisors():
            told = record.with_context(lang=supervisor.lang)
            told.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=told.display_name,
                note=told[note] if note else None,
                user_id=supervisor.id,
            )

    def _crm_support_supervisors(self):
        """:return: supervisors of the company"""
        self.ensure_one()
        # sudo: who decides is told, whoever asks
        people = self.env.ref("crm_support_budget.group_supervisor").sudo().all_user_ids
        return people.filtered(lambda user: user.active and not user.share and self in user.company_ids)

    def _crm_support_may(self, kind, customers, text):
        """Whether something that leaves the house, or puts others in another order, may be done; in the dry run it is noted.

        :param kind: ``mail``, ``reorder``, ``after``
        :param customers: whom it concerns
        :param text: what would have been, in words
        """
        self.ensure_one()
        if not self._crm_support_is_dry():
            return True
        # sudo: notes of a dry run are made here alone
        self.env["crm.support.would"].sudo().create(
            [{"company_id": self.id, "partner_id": one.id, "kind": kind, "text": text} for one in customers]
        )
        return False
