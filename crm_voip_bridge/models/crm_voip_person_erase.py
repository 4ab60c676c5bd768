from collections import defaultdict

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import SQL, split_every

from .crm_voip_call import QUIET

#: calls that are compacted and blanked at once
CHUNK = 1000
#: stands where a number must stand and none is kept
NOBODY = "–"


class CrmVoipPerson(models.AbstractModel):
    """Anonymising: who it was goes, that it was stays.

    Calls lose their PBX record (:class:`CrmVoipCompacted`), so that nothing can bring the person back by calculating
    anew, and then what names the person in the columns of calls and legs. All totals stay: number of calls,
    durations, results. All or nothing: it is one transaction.
    """

    _inherit = "crm.voip.person"

    @api.model
    def _erase(self, person):
        """Take out all that tells who a person is.

        Calls that still go on are left as they are: they count as later ones.

        :param person: :class:`Person`
        :return: number of calls that were anonymised
        """
        erasing = self.sudo().with_context(**QUIET, active_test=False)
        until = fields.Datetime.now()
        waiting = self.env["crm.voip.call.ref"].sudo().search([("pbx_id", "in", person.pbxs.ids), ("dirty", "=", True)])
        for pbx, refs in waiting.grouped("pbx_id").items():
            self.env["crm.voip.call"].sudo()._fold(pbx.with_company(pbx.company_id), refs.mapped("ref"))
        with_them, by_them = erasing._calls_with(person), erasing._calls_of(person)
        # told in the record of other calls: transferred to them, say
        told = erasing._calls_that_tell(person)
        frozen = set()
        for pbx, calls in (with_them | by_them | told).grouped("pbx_id").items():
            for ids in split_every(CHUNK, calls.ids):
                frozen.update(erasing.env["crm.voip.compacted"]._compact(pbx, ids))
        settled = (with_them | by_them | told).filtered(lambda call: call.id in frozen)
        erasing._blank_texts(person, settled)
        erasing._erase_customer(person, with_them & settled)
        if person.users:
            erasing._erase_colleague(person, by_them & settled)
        ((with_them | by_them) & settled).write({"forgotten_at": until})
        for pbx in person.pbxs if person.numbers else ():
            self.env["crm.voip.forgotten"].sudo()._remember_to_forget(pbx, person.numbers, until)
        self.env.flush_all()
        erasing._drop_messages_under_way(person)
        self.env.invalidate_all()
        return len((with_them | by_them) & settled)

    def _calls_that_tell(self, person):
        """:return: calls whose PBX record or texts have a number of the person; of what is no call the record is deleted"""
        Call = self.env["crm.voip.call"]
        if not person.numbers:
            return Call
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT entry.pbx_id, entry.call_ref, ref.call_id FROM crm_voip_journal AS entry
                LEFT JOIN crm_voip_call_ref AS ref ON ref.pbx_id = entry.pbx_id AND ref.ref = entry.call_ref
                      AND NOT ref.is_leg
                    WHERE entry.pbx_id = ANY(%s) AND entry.data::text LIKE ANY(%s)""",
                person.pbxs.ids,
                person.patterns,
            )
        )
        lost = defaultdict(list)
        for pbx_id, ref, call_id in rows:
            if not call_id:
                lost[pbx_id].append(ref)
        for pbx_id, refs in lost.items():
            pbx = person.pbxs.browse(pbx_id)
            self.env["crm.voip.compacted"]._close(pbx, refs)
            self.env["crm.voip.compacted"]._drop_journal(pbx, refs)
        found = Call.browse(sorted({call_id for _pbx, _ref, call_id in rows if call_id}))
        texts = Domain.OR(
            Domain(name, "like", digits)
            for name in ("from_number", "to_number", "dialled", "name", "notes")
            for digits in person.digits
        )
        return found | Call.search(Domain("pbx_id", "in", person.pbxs.ids) & texts)

    def _blank_texts(self, person, calls):
        """Take out of the texts of calls and legs what has a number of the person."""
        for model, owner, names in (
            (
                "crm.voip.call",
                "id",
                ("from_number", "to_number", "dialled", "outside_number", "name", "notes", "queue"),
            ),
            ("crm.voip.leg", "call_id", ("number",)),
        ):
            self.env[model].flush_model()
            for name in names if person.numbers else ():
                self.env.cr.execute(
                    SQL(
                        "UPDATE %s SET %s = NULL WHERE %s = ANY(%s) AND %s LIKE ANY(%s)",
                        SQL.identifier(self.env[model]._table),
                        SQL.identifier(name),
                        SQL.identifier(owner),
                        calls.ids,
                        SQL.identifier(name),
                        person.patterns,
                    )
                )
            self.env[model].invalidate_model(flush=False)

    # --- a customer ---

    def _erase_customer(self, person, calls):
        """Take out the other side of calls, and all that we wrote of it."""
        blank = {
            "outside_number": False,
            "outside_e164": False,
            "name": False,
            "notes": False,
            "partner_id": False,
            "lead_id": False,
            "match_state": "none",
            "candidate_partner_ids": [Command.clear()],
            "candidate_lead_ids": [Command.clear()],
            "planned_activity_id": False,
            "planned_trace": False,
        }
        messages = self._messages_of(call.planned_trace for call in calls)
        self._erase_callbacks(person, calls)
        for direction, some in calls.grouped("direction").items():
            own = {"inbound": ("from_number",), "outbound": ("to_number", "dialled")}.get(direction, ())
            some.write({**blank, **dict.fromkeys(own, False)})
        self._delete_written(calls, messages)
        calls.wrapup_ids.write({"note": False, "followed": False})
        calls.recording_ids.filtered(lambda one: one.state == "kept")._forget(
            "deleted", gone_by_id=self.env.uid, reason=self.env._("The other side was anonymised.")
        )
        calls.recording_ids.write({"file_name": False, "leg_ref": False})
        self._erase_typed(person)
        self.env["crm.voip.supervisor.note"].search(self._domain_of_notes(person, calls)).unlink()
        self.env["crm.voip.command"].search(
            Domain("pbx_id", "in", person.pbxs.ids)
            & (Domain("call_id", "in", calls.ids) | self._domain_of_number(person, "number"))
        ).write({"number": False, "args": False, "res_model": False, "res_id": False})
        self.env["crm.voip.refused"].search(
            Domain("pbx_id", "in", person.pbxs.ids) & self._domain_of_number(person, "excerpt")
        ).write({"excerpt": False})
        self.env["crm.voip.number"].search(
            Domain("source", "!=", "field")
            & (Domain("partner_id", "in", person.partners.ids) | Domain("lead_id", "in", person.leads.ids))
        ).unlink()

    @api.model
    def _domain_of_number(self, person, name):
        return Domain.OR(Domain(name, "like", digits) for digits in person.digits)

    @api.model
    def _domain_of_notes(self, person, calls):
        return Domain("company_id", "in", person.pbxs.company_id.ids) & (
            Domain("partner_id", "in", person.partners.ids)
            | Domain("lead_id", "in", person.leads.ids)
            | Domain("number", "in", sorted(person.numbers))
            | Domain("call_id", "in", calls.ids)
        )

    def _erase_callbacks(self, person, calls):
        """Open callbacks go; of others stays how long it took."""
        companies = person.pbxs.company_id.ids
        numbers = sorted({*person.numbers, *filter(None, calls.mapped("outside_number"))})
        callbacks = self.env["crm.voip.callback"].search(
            Domain("pbx_id", "in", person.pbxs.ids)
            & (Domain("first_call_id", "in", calls.ids) | Domain("last_call_id", "in", calls.ids)
               | Domain("number", "in", numbers))
        )  # fmt: skip
        waiting = callbacks.filtered(lambda callback: callback.state == "open")
        waiting._vanish()
        closed = callbacks - waiting
        messages = self._messages_of(callback.trace for callback in closed)
        activities = closed.activity_id
        closed.write(
            {"number": NOBODY, "name": False, "partner_id": False, "lead_id": False, "trace": False,
             "activity_id": False, "reason": False}
        )  # fmt: skip
        activities.unlink()
        messages.unlink()
        self.env["crm.voip.callback.entry"].search([("company_id", "in", companies), ("number", "in", numbers)]).write(
            {"number": NOBODY, "reason": False}
        )
        self.env["crm.voip.callback.turn"].search([("number", "in", numbers)]).unlink()

    def _messages_of(self, traces):
        """:return: the messages that closing activities left behind, as far as they are there"""
        ids = {ident for trace in traces for ident in (trace or {}).get("messages", ())}
        return self.env["mail.message"].browse(sorted(ids)).exists()

    def _delete_written(self, calls, messages):
        """Delete what was written about calls: our lines in the chatter, messages and files on the calls themselves."""
        about = Domain("model", "=", "crm.voip.call") & Domain("res_id", "in", calls.ids)
        (messages | self.env["mail.message"].search(Domain("crm_voip_call_id", "in", calls.ids) | about)).unlink()
        for model in ("mail.activity", "ir.attachment"):
            self.env[model].search([("res_model", "=", "crm.voip.call"), ("res_id", "in", calls.ids)]).unlink()

    def _erase_typed(self, person):
        typed = self.env["crm.voip.typed.call"].search(
            Domain("company_id", "in", person.pbxs.company_id.ids)
            & (
                Domain("partner_id", "in", person.partners.ids)
                | Domain("lead_id", "in", person.leads.ids)
                | self._domain_of_number(person, "number")
            )
        )
        typed.write({"partner_id": False, "lead_id": False, "number": False, "note": False, "followed": False})
        self.env["mail.message"].search([("crm_voip_typed_id", "in", typed.ids)]).unlink()
        typed.activity_ids.unlink()

    # --- a colleague ---

    def _erase_colleague(self, person, calls):
        """Take out which of us it was. What they noted of customers stays, without its author."""
        ids = person.users.ids
        legs = calls.leg_ids.filtered(lambda leg: leg.user_id in person.users)
        phones = {phone for phone in legs.mapped("number") if phone}
        for name in ("from_number", "to_number", "dialled"):
            calls.filtered(lambda call, name=name: call[name] in phones).write({name: False})
        calls.filtered(lambda call: call.direction == "internal").write({"name": False})
        calls.filtered(lambda call: call.user_id in person.users).write({"user_id": False})
        legs.write({"user_id": False, "extension_id": False, "number": False})
        calls.write({"viewer_ids": [Command.unlink(ident) for ident in ids]})
        callbacks = self.env["crm.voip.callback"].search(
            Domain("pbx_id", "in", person.pbxs.ids)
            & (Domain("user_id", "in", ids) | Domain("done_by_id", "in", ids) | Domain("viewer_ids", "in", ids))
        )
        callbacks._hand_over(person.users)
        for name in ("user_id", "done_by_id"):
            callbacks.filtered(lambda one, name=name: one[name] in person.users).write({name: False})
        callbacks.write({"viewer_ids": [Command.unlink(ident) for ident in ids]})
        companies = person.pbxs.company_id.ids
        for model, name in (
            ("crm.voip.typed.call", "user_id"),
            ("crm.voip.supervisor.note", "author_id"),
            ("crm.voip.callback.entry", "user_id"),
        ):
            self.env[model].search([(name, "in", ids), ("company_id", "in", companies)]).write({name: SUPERUSER_ID})
        wrapups = self.env["crm.voip.wrapup"].search([("user_id", "in", ids), ("company_id", "in", companies)])
        # a person has one for each call, and a second colleague may have been anonymised before
        taken = self.env["crm.voip.wrapup"].search(
            [("user_id", "=", SUPERUSER_ID), ("call_id", "in", wrapups.call_id.ids)]
        )
        wrapups.filtered(lambda one: one.call_id in taken.call_id).unlink()
        wrapups.exists().write({"user_id": SUPERUSER_ID})
        self.env["crm.voip.command"].search([("user_id", "in", ids), ("pbx_id", "in", person.pbxs.ids)]).unlink()
        self.env["crm.voip.people.log"].search([("person_id", "in", ids)]).unlink()
        self.env["crm.voip.never"].search([("user_id", "in", ids), ("company_id", "in", companies)]).unlink()
        self.env["crm.voip.extension"].search([("user_id", "in", ids), ("pbx_id", "in", person.pbxs.ids)]).write(
            {"user_id": False, "name": False}
        )
        self.env.cr.execute(
            SQL(
                """UPDATE crm_voip_journal SET author_id = %(root)s, data = jsonb_set(data, '{author}', %(json)s::jsonb)
                    WHERE author_id = ANY(%(ids)s) AND pbx_id = ANY(%(pbxs)s)""",
                root=SUPERUSER_ID,
                json=str(SUPERUSER_ID),
                ids=ids,
                pbxs=person.pbxs.ids,
            )
        )

    # --- what is on its way ---

    def _drop_messages_under_way(self, person):
        """Messages to screens are deleted within a day; those with a number of the person now."""
        if person.numbers:
            self.env.cr.execute(SQL("DELETE FROM bus_bus WHERE message LIKE ANY(%s)", person.patterns))
            self.env.cr.execute(
                SQL(
                    "DELETE FROM crm_voip_held WHERE pbx_id = ANY(%s) AND content::text LIKE ANY(%s)",
                    person.pbxs.ids,
                    person.patterns,
                )
            )
