from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

#: what is told of each kind of record
ENTRY = ("at", "source", "minutes", "contacts", "counted", "explanation", "why")
REQUEST = ("name", "state", "origin", "waiting_since", "promised_on", "helped_at", "done_at", "tries")
OBJECTION = ("create_date", "text", "state")
GIVEN = ("at", "source", "minutes", "contacts")
TURN = ("create_date", "waited_s", "why")

#: columns that name a colleague, of tables that keep what happened
COLLEAGUE = {
    "crm_support_contact": ("user_id", "said_by_id", "waived_by_id"),
    "crm_support_entry": ("user_id", "author_id"),
    "crm_support_request": ("user_id", "offered_to_id", "allowed_by_id"),
    "crm_support_notice": ("user_id",),
}


class CrmVoipPerson(models.AbstractModel):
    """What support holds of a person: told, and made nobody's. What was used stays, so that the ledger still adds up."""

    _inherit = "crm.voip.person"

    def _tell_customer(self, person):
        sections = super()._tell_customer(person)
        theirs = self._support_domain(person)
        search = self._search_all
        return {
            **sections,
            "support_entries": (
                self.env._("Help that was entered"),
                self._rows(search("crm.support.entry", theirs), ENTRY),
            ),
            "support_objections": (
                self.env._("Objections"),
                self._rows(
                    search("crm.support.objection", Domain("by_id", "in", person.partners.ids) & self._here(person)),
                    OBJECTION,
                ),
            ),
            "support_requests": (
                self.env._("Requests for help"),
                self._rows(search("crm.support.request", theirs), REQUEST),
            ),
        }

    def _tell_colleague(self, person, oneself):
        sections = super()._tell_colleague(person, oneself)
        own = Domain("user_id", "in", person.users.ids) & self._here(person)
        entries = self._search_all("crm.support.entry", own)
        turns = self._search_all("crm.support.turn", own)
        sections["support_given"] = (self.env._("Help that they gave"), self._rows(entries, GIVEN))
        sections["support_turns"] = (self.env._("Whom they served"), self._rows(turns, TURN))
        return sections

    def _support_domain(self, person):
        # of a company, what its people asked for is theirs; of one of them, what this one asked for
        theirs = Domain("contact_id", "in", person.partners.ids) | Domain("partner_id", "in", person.partners.ids)
        return theirs & self._here(person)

    def _here(self, person):
        return Domain("company_id", "in", person.pbxs.company_id.ids)

    def _erase_customer(self, person, calls):
        result = super()._erase_customer(person, calls)
        theirs = self._support_domain(person)
        requests = self.env["crm.support.request"].search(theirs)
        requests.write({"name": self.env._("Anonymised"), "message_id": False})
        # what was said, to whom and by whom
        requests.message_ids.unlink()
        requests.activity_ids.unlink()
        objections = self.env["crm.support.objection"].search(
            Domain("by_id", "in", person.partners.ids) & self._here(person)
        )
        objections.write({"text": self.env._("Anonymised"), "answer": False, "by_id": False})
        objections.message_ids.unlink()
        self.env.flush_all()
        for table, texts in (
            ("crm_support_contact", ("note", "waived_why")),
            ("crm_support_entry", ("why",)),
        ):
            self.env.cr.execute(
                SQL(
                    """UPDATE %s SET contact_id = partner_id, %s
                        WHERE company_id = ANY(%s) AND (contact_id = ANY(%s) OR partner_id = ANY(%s))""",
                    SQL.identifier(table),
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in texts),
                    person.pbxs.company_id.ids,
                    person.partners.ids,
                    person.partners.ids,
                )
            )
        self.env.cr.execute(
            SQL(
                "UPDATE crm_support_request SET contact_id = partner_id WHERE id = ANY(%s) AND partner_id IS NOT NULL",
                requests.ids,
            )
        )
        self.env.invalidate_all(flush=False)
        return result

    def _erase_colleague(self, person, calls):
        self.env.flush_all()
        for table, names in COLLEAGUE.items():
            for name in names:
                self.env.cr.execute(
                    SQL(
                        "UPDATE %(table)s SET %(name)s = NULL WHERE %(name)s = ANY(%(ids)s) AND company_id = ANY(%(here)s)",
                        table=SQL.identifier(table),
                        name=SQL.identifier(name),
                        ids=person.users.ids,
                        here=person.pbxs.company_id.ids,
                    )
                )
        self.env.invalidate_all(flush=False)
        own = Domain("user_id", "in", person.users.ids) & self._here(person)
        self.env["crm.support.turn"].search(own).unlink()
        return super()._erase_colleague(person, calls)
