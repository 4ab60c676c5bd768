from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, split_every

#: contacts that are looked at together
CHUNK = 1000
#: days whose contacts and meters are worked out once more each night; reversals of all times are held against their entries
DAYS = 35
#: customers whose kept meters are worked out from nothing each night
METERS = 50
#: most findings that are written down
MOST = 50
#: minutes or contacts, from where on it is no rounding
ENOUGH = 1e-6


class CrmSupportAudit(models.Model):
    """A night's check that the ledger adds up. Where it does not, the supervisors are told; nothing is put right by itself."""

    _name = "crm.support.audit"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Check of the ledger"
    _order = "at desc, id desc"
    _rec_name = "at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    at = fields.Datetime("When", required=True, readonly=True, default=fields.Datetime.now)
    contacts = fields.Integer("Contacts looked at", readonly=True)
    meters = fields.Integer("Meters looked at", readonly=True)
    wrong = fields.Integer("Does not add up", readonly=True, help="Number of entries, contacts and meters.")
    findings = fields.Text(readonly=True)

    @api.model
    def _cron_audit(self):
        """Check the ledger of each company."""
        # sudo: all companies are looked at
        for company in self.env["res.company"].sudo().search([("id", "!=", False)]):
            self._audit(company)
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _audit(self, company):
        """Check one company's ledger.

        :return: the record of it, with an activity for each supervisor where something is wrong
        """
        # sudo: figures of all are held against each other; supervisors read what was found
        ledger = self.sudo().with_context(lang=company.partner_id.lang)
        since = fields.Datetime.now() - timedelta(days=DAYS)
        contacts, wrong_contacts = ledger._wrong_contacts(company, since)
        meters, wrong_meters = ledger._wrong_meters(company, since)
        findings = [*ledger._wrong_reversals(company), *wrong_contacts, *wrong_meters]
        audit = ledger.create(
            {
                "company_id": company.id,
                "contacts": contacts,
                "meters": meters,
                "wrong": len(findings),
                "findings": "\n".join(findings[:MOST]) or False,
            }
        )
        for user in company._crm_support_supervisors() if findings else ():
            audit.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("The ledger does not add up: %s", len(findings)),
                user_id=user.id,
            )
        return audit

    def _wrong_reversals(self, company):
        """:return: texts about entries that are not the opposite of what they take back, or take back a reversal"""
        self.env["crm.support.entry"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT back.id, entry.id FROM crm_support_entry AS back
                     JOIN crm_support_entry AS entry ON entry.id = back.reverses_id
                    WHERE back.company_id = %s
                      AND (entry.reverses_id IS NOT NULL
                           OR (back.company_id, back.partner_id, back.at, back.support_contact_id)
                              IS DISTINCT FROM (entry.company_id, entry.partner_id, entry.at, entry.support_contact_id)
                           OR abs(back.minutes + entry.minutes) > %s OR abs(back.contacts + entry.contacts) > %s)
                    LIMIT %s""",
                company.id,
                ENOUGH,
                ENOUGH,
                MOST,
            )
        )
        return [
            self.env._("Entry %(back)s takes back %(entry)s, and is not its opposite.", back=back, entry=entry)
            for back, entry in rows
        ]

    def _wrong_contacts(self, company, since):
        """:return: how many contacts were looked at, and texts about those whose entries are not what they say"""
        Contact = self.env["crm.support.contact"]
        Contact.flush_model()
        found = []
        ids = Contact.search([("company_id", "=", company.id), ("at", ">=", since)]).ids
        for some in split_every(CHUNK, ids, list):
            contacts = Contact.browse(some)
            wanted = contacts._wanted()
            rows = self.env.execute_query(
                SQL(
                    """SELECT support_contact_id, sum(minutes), sum(contacts) FROM crm_support_entry
                        WHERE support_contact_id = ANY(%s) GROUP BY 1""",
                    some,
                )
            )
            sums = {contact: (minutes, times) for contact, minutes, times in rows}
            for contact in some:
                minutes, times = sums.get(contact, (0.0, 0.0))
                says = wanted.get(contact) or {"minutes": 0.0, "contacts": 0.0}
                if abs(minutes - says["minutes"]) > ENOUGH or abs(times - says["contacts"]) > ENOUGH:
                    found.append(
                        self.env._(
                            "Contact %(contact)s: %(entered)s min are entered, and it says %(says)s.",
                            contact=contact,
                            entered=round(minutes, 2),
                            says=round(says["minutes"], 2),
                        )
                    )
            contacts.invalidate_recordset(flush=False)
        return len(ids), found

    def _wrong_meters(self, company, since):
        """Work out some meters from nothing; each night others.

        :return: how many, and texts about those that are not as they are read
        """
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """SELECT partner_id FROM (SELECT DISTINCT partner_id FROM crm_support_entry
                                            WHERE company_id = %s AND at >= %s) AS helped
                    ORDER BY md5(partner_id::text || %s) LIMIT %s""",
                company.id,
                since,
                str(now.date()),
                METERS,
            )
        )
        customers = self.env["res.partner"].browse([customer for (customer,) in rows])
        Meter = self.env["crm.support.meter"]
        running = set(Meter._running(customers, company, now)) if customers else set()
        readings = Meter._of(customers, company, now) if customers else {}
        found = []
        for customer in customers:
            # what runs is in a reading, and in no entry yet
            if customer.id in running:
                continue
            states = Meter._from_nothing(customer, company, now)
            for amount, read in (
                ("minutes", readings[customer.id].minutes_left),
                ("contacts", readings[customer.id].contacts_left),
            ):
                known = states[amount].left if states[amount] else None
                if (known is None) != (read is None) or (known is not None and abs(known - read) > ENOUGH):
                    found.append(
                        self.env._(
                            "Meter of %(customer)s: %(read)s are shown, and the ledger gives %(known)s.",
                            customer=customer.display_name,
                            read=read,
                            known=known,
                        )
                    )
        return len(customers), found
