"""The one index from telephone numbers to contacts and leads."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import contextmanager
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, ormcache

from ..lib import match


class Query(NamedTuple):
    """What is known of a call when its customer is looked for.

    :param e164: the outside party's number, None or "" if there is none
    :param company_id: the PBX's company
    :param user_ids: the persons on the call
    """

    e164: str | None
    company_id: int
    user_ids: tuple[int, ...] = ()


class CrmVoipNumber(models.Model):
    """A number and whose it is.

    A contact has as many rows as it has numbers, whatever fields they are in; a number has as many as
    there are contacts and leads that carry it. Rows of source ``field`` follow the phone fields: the ORM
    says when (``crm_voip_number_ids`` of ``crm.voip.caller`` is computed from them), :meth:`_sync` writes
    them in SQL, so that an import of a thousand contacts costs a few queries.

    There is no unique constraint on purpose: the merge of contacts deletes all rows of
    a contact when one of them would violate it. :meth:`_sync` keeps rows apart instead.
    """

    _name = "crm.voip.number"
    _description = "Number of a Contact or Lead"
    _order = "e164, id"
    _rec_name = "e164"

    e164 = fields.Char("Number", required=True, readonly=True)
    partner_id = fields.Many2one("res.partner", "Contact", ondelete="cascade", index="btree_not_null", readonly=True)
    lead_id = fields.Many2one(
        "crm.lead", "Lead or Opportunity", ondelete="cascade", index="btree_not_null", readonly=True
    )
    company_id = fields.Many2one(
        "res.company",
        ondelete="cascade",
        readonly=True,
        help="Company in whose calls this was remembered. Empty: wherever the contact or lead is visible.",
    )
    source = fields.Selection(
        [("field", "Phone field"), ("merge", "Merged contact or lead"), ("pick", "Remembered")],
        required=True,
        readonly=True,
        help="Phone field: follows the contact or lead.\n"
        "Merged contact or lead: had this number when it was merged into this one.\n"
        "Remembered: somebody chose it for a call and asked to remember it; wins over phone fields.",
    )

    _e164_idx = models.Index("(e164)")

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_field(self):
        if any(number.source == "field" for number in self):
            raise UserError(self.env._("Correct the phone field of the contact or lead instead."))

    # ------------------------------------------------------------
    # FEEDING
    # ------------------------------------------------------------

    @api.private
    def _sync(self, callers, lock: bool = False) -> int:
        """Make the rows of contacts or leads what their phone fields say.

        However many records there are, this reads the index once, deletes once and inserts once.

        :param callers: records of one model that inherits ``crm.voip.caller``
        :param lock: hold the records of which rows change until the end of the transaction. For work in the
            background, which may have read a record before somebody saved it: the lock then
            fails with a serialization error, and the work is done again on what is true now
        :return: how many rows were deleted and inserted
        """
        if not callers:
            return 0
        owner = self._owner_column(callers)
        wanted = callers._crm_voip_numbers()
        present = defaultdict(list)
        for caller_id, *row in self.env.execute_query(
            SQL(
                "SELECT %s, id, e164, source, company_id FROM crm_voip_number WHERE %s = ANY(%s) ORDER BY id",
                owner,
                owner,
                list(wanted),
            )
        ):
            present[caller_id].append(row)
        deleted, inserted = [], []
        for caller_id, numbers in wanted.items():
            kept = set()
            for row_id, number, source, company_id in present[caller_id]:
                # what a field says needs no other reason to be here, except a pick, which says more
                stale = source != "pick" and (source == "field") != (number in numbers)
                if stale or (source, number, company_id) in kept:
                    deleted.append((caller_id, row_id))
                else:
                    kept.add((source, number, company_id))
            inserted += [(caller_id, number) for number in sorted(numbers) if ("field", number, None) not in kept]
        if lock and (deleted or inserted):
            ids = sorted({caller_id for caller_id, _value in deleted + inserted})
            table = SQL.identifier(callers._table)
            # a conflict is expected and retried, no bad query for the log
            self.env.cr.execute(
                SQL("SELECT id FROM %s WHERE id = ANY(%s) ORDER BY id FOR SHARE", table, ids), log_exceptions=False
            )
        if deleted:
            ids = [row_id for _caller_id, row_id in deleted]
            self.env.cr.execute(SQL("DELETE FROM crm_voip_number WHERE id = ANY(%s)", ids))
        if inserted:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO crm_voip_number
                           (%(owner)s, e164, source, create_uid, write_uid, create_date, write_date)
                    SELECT caller, number, 'field', %(uid)s, %(uid)s, %(now)s, %(now)s
                      FROM unnest(%(ids)s::int[], %(numbers)s::varchar[]) AS pair (caller, number)
                    """,
                    owner=owner,
                    uid=self.env.uid,
                    now=self.env.cr.now(),
                    ids=[caller_id for caller_id, _number in inserted],
                    numbers=[number for _caller_id, number in inserted],
                )
            )
        if deleted or inserted:
            self._forget_cache(callers)
        return len(deleted) + len(inserted)

    @api.private
    def _take_over(self, sources, target) -> None:
        """Give the numbers of merged records to the one that stays.

        What came from a field of a merged record is known from now on because of the merge: the
        record that stays has one phone field, and the other number still reaches the same person.

        :param sources: contacts or leads that go away
        :param target: the one that stays
        """
        field = target._fields["crm_voip_number_ids"]
        sources.flush_model([field.name])
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_voip_number
                   SET %(owner)s = %(target)s, source = CASE source WHEN 'field' THEN 'merge' ELSE source END
                 WHERE %(owner)s = ANY(%(sources)s)
                """,
                owner=self._owner_column(target),
                target=target.id,
                sources=sources.ids,
            )
        )
        self._forget_cache(sources + target)
        # SQL moved rows behind the ORM's back; those of a source that stays after all come again, too
        self.env.add_to_compute(field, sources + target)

    @api.private
    def _remember(self, e164: str, caller, company) -> None:
        """Let a number be this contact or lead from now on, in calls of the company.

        :param e164: a number; nothing happens without one
        :param caller: one contact, or one lead; of a lead with a contact, it is the contact
        :param company: the company of the call for which somebody asked to remember it
        """
        if not e164:
            return
        if caller._name == "crm.lead" and caller.partner_id:
            caller = caller.partner_id
        # sudo: whoever may say who rang has no right on the index itself
        numbers = self.sudo()
        numbers.search(
            [("e164", "=", e164), ("source", "=", "pick"), ("company_id", "in", (False, company.id))]
        ).unlink()
        numbers.create(
            {
                "e164": e164,
                caller._fields["crm_voip_number_ids"].inverse_name: caller.id,
                "company_id": company.id,
                "source": "pick",
            }
        )

    def _owner_column(self, callers) -> SQL:
        return SQL.identifier(callers._fields["crm_voip_number_ids"].inverse_name)

    def _forget_cache(self, callers) -> None:
        self.invalidate_model(flush=False)
        callers.invalidate_recordset(["crm_voip_number_ids"], flush=False)

    # ------------------------------------------------------------
    # MATCHING
    # ------------------------------------------------------------

    @api.private
    def _match(self, queries: Sequence[Query]) -> list[match.Match]:
        """Who the calls were with; the rules are in :mod:`lib.match`.

        Two queries find everybody for all calls; two more read what rarely changes, if it is not in memory.

        :param queries: one for each call
        :return: one for each call, in the same order
        """
        numbers = sorted({query.e164 for query in queries if query.e164})
        if not numbers:
            return [match.NONE] * len(queries)
        self._flush_what_matching_reads()
        ours = self._own_numbers()
        rows = defaultdict(list)
        for number, *row in self.env.execute_query(self._carriers_sql(numbers)):
            rows[number].append(_Carrier(*row))
        partner_ids = {row.partner_id for found in rows.values() for row in found if row.partner_id}
        partner_ids |= {row.commercial_id for found in rows.values() for row in found if row.commercial_id}
        opportunities = defaultdict(list)
        if partner_ids:
            for opportunity in self.env.execute_query(self._opportunities_sql(sorted(partner_ids))):
                opportunities[opportunity[1]].append(opportunity)
        companies = {company_id: self._visible_companies(company_id) for company_id in {q.company_id for q in queries}}
        found = []
        for query in queries:
            if not query.e164:
                found.append(match.NONE)
            elif (query.e164, query.company_id) in ours:
                found.append(match.UNKNOWN)
            else:
                found.append(self._decide(query, rows.get(query.e164), opportunities, companies[query.company_id]))
        return found

    def _decide(self, query: Query, rows, opportunities, companies) -> match.Match:
        """One call's candidates, as far as its company may see them.

        :param rows: who carry the number
        :param opportunities: ``{partner_id: [(lead_id, partner_id, user_id, company_id)]}``
        :param companies: ids of the companies whose contacts are visible, None among them
        """
        if not rows:
            return match.UNKNOWN
        own = (None, query.company_id)
        contacts, of_leads, leads = [], [], []
        for row in rows:
            if row.company_id not in own or (row.lead_id and row.lead_company_id not in own):
                continue
            visible = row.partner_id and row.partner_company_id in companies
            if visible:
                (of_leads if row.lead_id else contacts).append(
                    match.Contact(
                        row.partner_id,
                        row.commercial_id,
                        company=row.commercial_company_id in companies,
                        active=row.partner_active,
                        picked=row.picked,
                    )
                )
            if row.lead_id:
                leads.append(
                    match.Lead(
                        row.lead_id,
                        row.partner_id if visible else None,
                        row.lead_user_id,
                        open=row.lead_open,
                        carries=True,
                        picked=row.picked,
                    )
                )
        contacts = contacts or of_leads
        for partner_id in {i for contact in contacts for i in (contact.id, contact.commercial)}:
            leads += [
                match.Lead(lead_id, partner, user_id)
                for lead_id, partner, user_id, company_id in opportunities[partner_id]
                if company_id in own
            ]
        return match.decide(contacts, leads, query.user_ids)

    def _carriers_sql(self, numbers: list[str]) -> SQL:
        """Who carry the numbers, each row with all that decides about it (:class:`_Carrier`)."""
        return SQL(
            """
            SELECT number.e164,
                   number.source = 'pick',
                   number.company_id,
                   partner.id,
                   partner.active,
                   partner.company_id,
                   partner.commercial_partner_id,
                   commercial.company_id,
                   lead.id,
                   lead.user_id,
                   lead.company_id,
                   lead.active AND lead.won_status = 'pending'
              FROM crm_voip_number number
         LEFT JOIN crm_lead lead ON lead.id = number.lead_id
         LEFT JOIN res_partner partner ON partner.id = COALESCE(number.partner_id, lead.partner_id)
         LEFT JOIN res_partner commercial ON commercial.id = NULLIF(partner.commercial_partner_id, partner.id)
             WHERE number.e164 = ANY(%s)
            """,
            numbers,
        )

    @ormcache()  # forgotten when a PBX or one of its numbers changes (crm.voip.scope)
    def _own_numbers(self) -> frozenset[tuple[str, int]]:
        """The PBXs' own numbers, each with its companies: no customer's, though a contact may carry
        one, such as that of the company itself."""
        # sudo: whose number it is does not depend on who asks
        lines = self.env["crm.voip.line"].sudo().search([("e164", "!=", False)])
        return frozenset(
            (line.e164, company.id) for line in lines for company in line.company_id | line.pbx_id.company_id
        )

    def _opportunities_sql(self, partner_ids: list[int]) -> SQL:
        """Open opportunities of contacts and companies."""
        return SQL(
            """
            SELECT id, partner_id, user_id, company_id
              FROM crm_lead
             WHERE partner_id = ANY(%s)
               AND type = 'opportunity'
               AND active
               AND won_status = 'pending'
            """,
            partner_ids,
        )

    def _flush_what_matching_reads(self) -> None:
        """Also computes the index rows of whoever was created or changed in this transaction."""
        self.flush_model()
        self.env["res.partner"].flush_model(["crm_voip_number_ids", "active", "company_id", "commercial_partner_id"])
        self.env["crm.lead"].flush_model(
            ["crm_voip_number_ids", "active", "company_id", "partner_id", "type", "user_id", "won_status"]
        )

    def _visible_companies(self, company_id: int) -> frozenset[int | None]:
        """Companies whose contacts a PBX's company sees: as the record rule of contacts, itself and its parents."""
        # sudo: the PBX's company decides, not which companies the present user has switched on
        return frozenset(self.env["res.company"].sudo().browse(company_id).parent_ids.ids) | {company_id, None}

    # ------------------------------------------------------------
    # COUNTRIES
    # ------------------------------------------------------------

    @contextmanager
    def _watching_countries(self):
        """Have numbers read again if what happens inside changes the country of other people's numbers."""
        before = self._default_country_codes()
        yield
        if self._default_country_codes() != before:
            self.env["crm.voip.number.intake"]._start(without_country=True)

    def _default_country_codes(self) -> dict[int, str]:
        # sudo: the countries of all companies count, also of those that the user does not work for
        companies = self.env["res.company"].sudo().with_context(active_test=False).search_fetch([], ["partner_id"])
        return {company.id: self._default_country_code(company) for company in [companies.browse(), *companies]}

    def _default_country_code(self, company) -> str:
        """Country of a national number whose contact and employer have none.

        It does not depend on who asks: the company's, else that of the company's first PBX, else
        that of the first PBX at all, else that of the first company.

        :param company: of the contact, empty if it belongs to all of them
        :return: ISO 3166 code, "" if nobody has a country
        """
        # sudo: who saves a contact need not see companies and PBXs
        first = self.env["res.company"].sudo().with_context(active_test=False).search([], order="id", limit=1)
        pbxs = self.env["crm.voip.pbx"].sudo().search([("country_id", "!=", False)], order="id")
        choices = (
            # by its contact: while a company's country is being set, the company has it before it is stored
            company.sudo().partner_id.country_id,
            pbxs.filtered(lambda pbx: company and pbx.company_id == company)[:1].country_id,
            pbxs[:1].country_id,
            first.partner_id.country_id,
        )
        return next((country.code for country in choices if country), "")


class _Carrier(NamedTuple):
    """A row of :meth:`CrmVoipNumber._carriers_sql`, less its number."""

    picked: bool
    company_id: int | None
    partner_id: int | None
    partner_active: bool | None
    partner_company_id: int | None
    commercial_id: int | None
    commercial_company_id: int | None
    lead_id: int | None
    lead_user_id: int | None
    lead_company_id: int | None
    lead_open: bool | None
