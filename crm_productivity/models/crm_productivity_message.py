from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.lib.numbers import e164
from odoo.addons.crm_voip_bridge.models.crm_voip_number import Query
from odoo.tools import SQL, email_normalize

from .crm_productivity_touched import MESSAGES


class CrmProductivityMessage(models.Model):
    """A message of another system: with whom, when, in which direction. Neither its text nor the number is kept.

    It joins the conversation of its opportunity, or else of its contact. Whom nobody knows is counted for nobody.
    """

    _name = "crm.productivity.message"
    _description = "Message of another system"
    _order = "at desc, id desc"
    _rec_name = "ref"
    _log_access = False

    channel_id = fields.Many2one("crm.productivity.channel", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    ref = fields.Char("Id there", required=True)
    at = fields.Datetime(required=True)
    incoming = fields.Boolean("From the customer")
    automatic = fields.Boolean(help="A machine wrote it.")
    partner_id = fields.Many2one("res.partner", "Contact", index="btree_not_null", ondelete="set null")
    lead_id = fields.Many2one("crm.lead", "Opportunity", index="btree_not_null", ondelete="set null")
    user_id = fields.Many2one("res.users", "Person", ondelete="set null")

    _ref_unique = models.UniqueIndex("(channel_id, ref)")
    _company_idx = models.Index("(company_id, at)")

    @api.model
    def _keep(self, channel, told):
        """:return: how many messages were new"""
        company = channel.company_id
        # a clock that is wrong there would have customers wait in the future
        latest = datetime.now(timezone.utc) + timedelta(days=1)
        told = [one for one in told if one.at <= latest]
        numbers = [e164(one.number, company.country_id.code) if one.number else None for one in told]
        never = self._never(company)
        told, numbers = zip(*[
            (one, number) for one, number in zip(told, numbers, strict=True) if not (number and number in never)
        ], strict=True) if any(number not in never or not number for number in numbers) else ((), ())  # fmt: skip
        if not told:
            return 0
        found = self.env["crm.voip.number"]._match([Query(number, company.id) for number in numbers])
        partners = self._partners_of([one.email for one in told])
        users = {
            user.login: user.id for user in self.env["res.users"].search([("login", "in", [one.login for one in told])])
        }
        rows = {
            one.ref: (
                channel.id, company.id, one.ref, one.at.replace(tzinfo=None), one.incoming, one.automatic,
                match.partner_id or partners.get(email_normalize(one.email or "")) or None, match.lead_id or None,
                users.get(one.login) or None,
            )
            for one, match in zip(told, found, strict=True)
        }  # fmt: skip
        fresh = self.env.cr.execute_values(
            """INSERT INTO crm_productivity_message
                      (channel_id, company_id, ref, at, incoming, automatic, partner_id, lead_id, user_id)
               VALUES %s ON CONFLICT (channel_id, ref) DO NOTHING RETURNING at, partner_id, lead_id""",
            list(rows.values()),
            page_size=len(rows),
            fetch=True,
        )
        self.env["crm.productivity.touched"]._mark(
            {(f"crm.lead{MESSAGES}", lead_id) if lead_id else ("res.partner", partner_id) for _at, partner_id, lead_id in fresh
             if lead_id or partner_id}
        )  # fmt: skip
        self.env["crm.productivity.stale"]._mark({(company.id, at) for at, _partner, _lead in fresh})
        return len(fresh)

    @api.model
    def _mark_again(self, channel_ids):
        """Have the conversations and days of some channels' messages worked out anew."""
        rows = self.env.execute_query(
            SQL("SELECT company_id, at, partner_id, lead_id FROM %s WHERE channel_id = ANY(%s)",
                SQL.identifier(self._table), list(channel_ids))
        )  # fmt: skip
        self.env["crm.productivity.touched"]._mark(
            {("crm.lead", lead_id) if lead_id else ("res.partner", partner_id) for _company, _at, partner_id, lead_id in rows
             if lead_id or partner_id}
        )  # fmt: skip
        self.env["crm.productivity.stale"]._mark({(company_id, at) for company_id, at, _partner, _lead in rows})

    @api.model
    def _move(self, model, ids, into):
        """Records were merged into one: their messages, and what was said of them, are its own."""
        if model == "crm.lead":
            self.env.cr.execute(
                SQL("UPDATE %s SET lead_id = %s WHERE lead_id = ANY(%s)", SQL.identifier(self._table), into, list(ids))
            )
        self.env.cr.execute(
            SQL(
                "UPDATE crm_productivity_settled SET res_id = %s WHERE res_model = %s AND res_id = ANY(%s)",
                into,
                model,
                list(ids),
            )
        )
        self.invalidate_model(["lead_id"])
        self.env["crm.productivity.settled"].invalidate_model(["res_id"])
        self.env["crm.productivity.touched"]._mark({(model, one) for one in [*ids, into]})

    @api.model
    def _forget(self, model, ids):
        """Records are about to be deleted: what an opportunity leaves is the contact's."""
        self.env.cr.execute(
            SQL(
                """WITH settled AS (DELETE FROM crm_productivity_settled WHERE res_model = %(model)s AND res_id = ANY(%(ids)s))
                   INSERT INTO crm_productivity_touched (res_model, res_id)
                   SELECT DISTINCT 'res.partner', partner_id FROM crm_productivity_message
                    WHERE %(model)s = 'crm.lead' AND lead_id = ANY(%(ids)s) AND partner_id IS NOT NULL""",
                model=model,
                ids=list(ids),
            )
        )
        self.env["crm.productivity.settled"].invalidate_model()
        self.env["crm.productivity.touched"]._mark({(model, one) for one in ids})

    @api.model
    def _never(self, company):
        """:return: numbers that are logged nowhere for the company"""
        never = self.env["crm.voip.never"].search([("company_id", "=", company.id), ("user_id", "=", False)])
        return set(never.mapped("e164")) - {False}

    @api.model
    def _partners_of(self, emails):
        """:return: ``{normalised address: contact}``, without those that several have"""
        wanted = {address for email in emails if email and (address := email_normalize(email))}
        if not wanted:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT email_normalized, min(id) FROM res_partner WHERE email_normalized = ANY(%s) AND active
                    GROUP BY email_normalized HAVING count(*) = 1""",
                sorted(wanted),
            )
        )
        return dict(rows)


class CrmProductivitySettled(models.Model):
    """Somebody says that a customer's message needs no answer: kept with its author, and counted apart from answers."""

    _name = "crm.productivity.settled"
    _description = "No answer needed"
    _order = "at desc, id desc"
    _rec_name = "at"
    _log_access = False

    res_model = fields.Char(required=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True)
    at = fields.Datetime(required=True, default=fields.Datetime.now)
    user_id = fields.Many2one("res.users", required=True, default=lambda self: self.env.user, ondelete="cascade")

    _thread_idx = models.Index("(res_model, res_id)")
