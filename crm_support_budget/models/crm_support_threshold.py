from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from ..lib.meter import GREEN, RED, WORST_FIRST, YELLOW


class CrmSupportThreshold(models.Model):
    """Who is told when a meter turns to a colour."""

    _name = "crm.support.threshold"
    _description = "Threshold of a policy"
    _order = "policy_id, sequence, id"
    _rec_name = "colour"

    policy_id = fields.Many2one("crm.support.policy", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    colour = fields.Selection(
        [
            (YELLOW, "Yellow: what was carried over is being used"),
            (RED, "Red: everything is used up"),
            (GREEN, "Green again"),
        ],
        "When the meter turns",
        required=True,
    )
    template_id = fields.Many2one(
        "mail.template",
        "Mail to the customer",
        domain="[('model', '=', 'crm.support.crossing')]",
        index="btree_not_null",
        ondelete="set null",
        help="Empty: the customer is not told. Sent in the customer's language, and not in the dry run.",
    )
    supervisor = fields.Boolean("Tell the supervisors", help="An activity for each supervisor, in the dry run, too.")

    _once = models.UniqueIndex("(policy_id, colour)", "A policy has one threshold for each colour.")


class CrmSupportPolicy(models.Model):
    _inherit = "crm.support.policy"

    threshold_ids = fields.One2many(
        "crm.support.threshold",
        "policy_id",
        "Thresholds",
        default=lambda self: self._default_threshold_ids(),
        copy=True,
    )

    @api.model
    def _default_threshold_ids(self):
        return [
            Command.create(
                {
                    "colour": colour,
                    "supervisor": colour == RED,
                    "template_id": self.env["ir.model.data"]._xmlid_to_res_id(
                        f"crm_support_budget.mail_template_{colour}", raise_if_not_found=False
                    ),
                }
            )
            for colour in (YELLOW, RED)
        ]


class CrmSupportCrossing(models.Model):
    """A meter turned to another colour: noted once, whoever looks and however often."""

    _name = "crm.support.crossing"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Meter that turned"
    _order = "at desc, id desc"
    _rec_name = "partner_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", required=True, readonly=True, ondelete="cascade")
    place = fields.Integer(required=True, readonly=True, help="Which one of its customer it is.")
    colour = fields.Selection(
        [(GREEN, "Green"), (YELLOW, "Yellow"), (RED, "Red")], "Turned", required=True, readonly=True
    )
    at = fields.Datetime("Seen", required=True, readonly=True)
    left = fields.Char("What was left", readonly=True)
    green_at = fields.Datetime("Green again", readonly=True)
    told = fields.Boolean("The customer was told", readonly=True)

    _once = models.UniqueIndex("(partner_id, company_id, place)")

    @api.depends("partner_id", "colour")
    @api.depends_context("lang")
    def _compute_display_name(self):
        colours = dict(self._fields["colour"]._description_selection(self.env))
        for one in self:
            # sudo: whoever reads it reads whose it is
            one.display_name = f"{one.sudo().partner_id.name}: {colours.get(one.colour)}"

    @api.model
    def _cron_look(self):
        """See which meters turned, in all companies."""
        # sudo: what is noticed does not depend on who looks
        for company in self.env["res.company"].sudo().search([("id", "!=", False)]):
            self.sudo()._look(company)
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _look(self, company, now=None):
        """Note which meters turned since the last look, and tell whoever is to be told.

        The colour of a day is the worst of that after the last help and that of now: working time alone makes a meter
        green again within a minute, and nobody is to be told that they are over each time they call.

        :return: what is new
        """
        now = now or fields.Datetime.now()
        today = now.astimezone(company._crm_voip_zone()).date()
        start, _end = company._crm_voip_bounds(today, today)
        last = self._last(company)
        self.env["crm.support.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT partner_id FROM crm_support_entry WHERE company_id = %s AND at >= %s AND at <= %s",
                company.id,
                start,
                now,
            )
        )
        helped = sorted(customer for (customer,) in rows)
        turned = {customer for customer, (_place, colour) in last.items() if colour != GREEN}
        customers = self.env["res.partner"].browse(sorted({*helped, *turned}))
        if not customers:
            return self.browse()
        readings = self.env["crm.support.meter"]._of(customers, company, now)
        timelines = self.env["crm.support.terms"]._timelines(helped, company)
        # sudo: see _cron_look
        history = self.env["crm.support.fit"].sudo()._history(company, helped, timelines, start, now) if helped else {}
        fresh = []
        for customer, reading in readings.items():
            place, before = last.get(customer, (0, GREEN))
            colours = {reading.colour, *(day["colour"] for day in history.get(customer, ()))}
            # without limits, there is nothing that turns
            colour = next((one for one in WORST_FIRST if one in colours), GREEN)
            if colour != before:
                left = self.env["crm.support.meter"]._left_in_words(reading)
                fresh.append((company.id, customer, place + 1, colour, now, left, reading.green_at or None))
        if not fresh:
            return self.browse()
        # another one that looks at the same moment notes the same: one of both is kept, and tells
        made = self.env.execute_query(
            SQL(
                """INSERT INTO crm_support_crossing (company_id, partner_id, place, colour, at, "left", green_at, create_date)
                   VALUES %s ON CONFLICT (partner_id, company_id, place) DO NOTHING RETURNING id""",
                SQL(", ").join(SQL("(%s, %s, %s, %s, %s, %s, %s, %s)", *one, now) for one in fresh),
            )
        )
        crossings = self.browse([ident for (ident,) in made])
        crossings._tell({customer: reading.policy for customer, reading in readings.items()})
        return crossings

    @api.model
    def _last(self, company):
        """:return: ``{customer id: (place, colour)}`` of the last turn of each"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (partner_id) partner_id, place, colour FROM crm_support_crossing
                    WHERE company_id = %s ORDER BY partner_id, place DESC""",
                company.id,
            )
        )
        return {customer: (place, colour) for customer, place, colour in rows}

    def _tell(self, policies):
        """Tell customers and supervisors, as the policies say.

        :param policies: ``{customer id: policy id}``
        """
        wanted = self.env["crm.support.threshold"].search(
            [("policy_id", "in", [one for one in policies.values() if one])]
        )
        thresholds = {(one.policy_id.id, one.colour): one for one in wanted}
        for one in self:
            threshold = thresholds.get((policies.get(one.partner_id.id), one.colour))
            if not threshold:
                continue
            company = one.company_id
            if threshold.supervisor:
                company._crm_support_ask_supervisors(one, "left")
            if (
                threshold.template_id
                and company.crm_support_threshold_mails
                and one.partner_id.email
                and one._is_first_of_period(threshold.policy_id.period)
            ):
                text = self.env._("%s is told that their meter turned", one.partner_id.name)
                if company._crm_support_may("mail", one.partner_id, text):
                    threshold.template_id.send_mail(one.id)
                    one.told = True

    def _is_first_of_period(self, period):
        """:return: whether the customer was not told the same in this day, week or month of the policy"""
        self.ensure_one()
        day = self.at.astimezone(self.company_id._crm_voip_zone()).date()
        start, _end = self.company_id._crm_voip_bounds(fields.Date.start_of(day, period), day)
        domain = [
            ("partner_id", "=", self.partner_id.id),
            ("company_id", "=", self.company_id.id),
            ("colour", "=", self.colour),
            ("at", ">=", start),
            ("place", "<", self.place),
        ]
        return not self.search_count(domain, limit=1)


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_support_threshold_mails = fields.Boolean(
        "Mails at the thresholds", default=True, help="Customers are told when their meter turns, as their policy says."
    )
