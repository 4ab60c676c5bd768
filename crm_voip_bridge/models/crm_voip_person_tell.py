import io
import json
import zipfile
from datetime import datetime

import xlsxwriter

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..lib.events import format_time, parse_time

#: most characters that a cell of a spreadsheet takes
LONGEST_CELL = 32_000
#: what is told of each kind of record
CALL = ("started_at", "answered_at", "ended_at", "direction", "disposition", "from_number", "to_number", "name", "queue",
        "ivr_s", "queue_s", "ring_s", "hold_s", "talk_s", "match_state", "outcome_id", "note", "notes", "has_recording",
        "call_ref")  # fmt: skip
CALLBACK = ("number", "name", "first_missed_at", "last_missed_at", "missed_count", "attempts", "state", "done_how",
            "done_at", "reason")  # fmt: skip
TYPED = ("started_at", "direction", "minutes", "number", "outcome_id", "promised_at", "note")
NOTE = ("date", "kind", "fact", "step", "step_text", "step_date", "expires_on")
RECORDING = ("recorded_at", "seconds", "size", "state", "expires_on", "gone_at", "reason")
COMMAND = ("created_at", "kind", "number", "state", "reason")
LEG = ("started_at", "number", "role", "offered_at", "answered_at", "left_at", "talk_s", "outcome")
WRAPUP = ("started_at", "rang_at", "opened_at", "noted_at", "hung_up_at", "done_at", "done_how", "after_call_s",
          "outcome_id", "promised_at", "note")  # fmt: skip


class CrmVoipPerson(models.AbstractModel):
    """An access request: all that is held of a person, without what it would tell of others.

    Of a customer's calls, who of us took them is left out; of a colleague's, who the customer was.
    """

    _inherit = "crm.voip.person"

    @api.model
    def _tell(self, person):
        """All that is held of a person.

        :param person: :class:`Person`
        :return: ``{key: (title, [{column: JSON value}, …])}``
        """
        told = self.sudo().with_context(active_test=False)
        sections = told._tell_customer(person)
        if person.users:
            sections |= told._tell_colleague(person, oneself=person.users == self.env.user)
        return sections

    def _tell_customer(self, person):
        calls = self._calls_with(person)
        numbers = sorted(person.numbers)
        companies = Domain("company_id", "in", person.pbxs.company_id.ids)
        pbxs = Domain("pbx_id", "in", person.pbxs.ids)
        theirs = Domain("partner_id", "in", person.partners.ids) | Domain("lead_id", "in", person.leads.ids)
        search = self._search_all
        return {
            "numbers": (
                self.env._("Numbers"),
                self._rows((person.partners | person.partners.browse()).crm_voip_number_ids | person.leads.crm_voip_number_ids,
                           ("e164", "source")),
            ),
            "calls": (self.env._("Calls"), self._rows(calls, CALL)),
            "pbx_record": (self.env._("PBX record of the calls"), self._record_of(calls)),
            "recordings": (self.env._("Recordings"), self._rows(calls.recording_ids, RECORDING)),
            "callbacks": (
                self.env._("Callbacks"),
                self._rows(search("crm.voip.callback", pbxs & (theirs | Domain("number", "in", numbers))), CALLBACK),
            ),
            "typed_calls": (
                self.env._("Calls that no PBX saw"),
                self._rows(search("crm.voip.typed.call", companies & (theirs | Domain("number", "in", numbers))), TYPED),
            ),
            "notes": (
                self.env._("Supervisor notes"),
                self._rows(search("crm.voip.supervisor.note", self._domain_of_notes(person, calls)), NOTE),
            ),
            "commands": (
                self.env._("Dialled by click"),
                self._rows(search("crm.voip.command", pbxs & Domain("number", "in", numbers)), COMMAND),
            ),
            "refused": (
                self.env._("Refused events"),
                self._rows(search("crm.voip.refused", pbxs & self._domain_of_number(person, "excerpt")),
                           ("at", "reason", "excerpt")),
            ),
        }  # fmt: skip

    def _tell_colleague(self, person, oneself):
        ids = person.users.ids
        companies = Domain("company_id", "in", person.pbxs.company_id.ids)
        mine, search = companies & Domain("user_id", "in", ids), self._search_all
        sections = {
            "extensions": (
                self.env._("Extensions"),
                self._rows(search("crm.voip.extension", mine), ("number", "name", "recorded", "date_from", "date_to")),
            ),
            "phones": (self.env._("Calls of the own phones"), self._rows(search("crm.voip.leg", mine), LEG)),
            "after_calls": (self.env._("After the calls"), self._rows(search("crm.voip.wrapup", mine), WRAPUP)),
            "typed_by": (self.env._("Calls typed in"), self._rows(search("crm.voip.typed.call", mine), TYPED)),
            "commands_by": (
                self.env._("Own clicks"),
                self._rows(search("crm.voip.command", mine), ("created_at", "kind", "state", "reason")),
            ),
            "notes_by": (
                self.env._("Notes made"),
                self._rows(
                    search("crm.voip.supervisor.note", companies & Domain("author_id", "in", ids)),
                    ("date", "kind", "expires_on"),
                ),
            ),
            "callbacks_by": (
                self.env._("Callbacks done"),
                self._rows(
                    search("crm.voip.callback", companies & Domain("done_by_id", "in", ids)),
                    ("first_missed_at", "done_at", "done_how", "working_minutes"),
                ),
            ),
        }
        if oneself:  # both are read by that person alone
            sections["looks"] = (
                self.env._("Who looked at my calls"),
                self._rows(search("crm.voip.people.log", Domain("person_id", "in", ids)), ("at", "user_id", "how")),
            )
            sections["never"] = (
                self.env._("Never-log numbers"),
                self._rows(search("crm.voip.never", mine), ("number",)),
            )
        return sections

    def _search_all(self, model, domain):
        return self.env[model].search(domain)

    def _rows(self, records, names):
        """:return: the records as JSON objects, with the names of fields as keys"""
        described = {name: records._fields[name] for name in names}
        labels = {
            name: dict(field._description_selection(self.env))
            for name, field in described.items()
            if field.type == "selection"
        }
        rows = []
        for record in records:
            row = {}
            for name, field in described.items():
                value = record[name]
                if field.type == "many2one":
                    value = value.display_name or None
                elif field.type == "selection":
                    value = labels[name].get(value)
                elif isinstance(value, datetime):
                    value = format_time(parse_time(value.isoformat()))
                elif field.type == "date":
                    value = (value and fields.Date.to_string(value)) or None
                elif field.type != "boolean" and value is False:
                    value = None
                row[name] = value
            rows.append(row)
        return rows

    def _record_of(self, calls):
        """:return: what the PBX said of calls, as JSON objects"""
        rows = self.env.execute_query(
            SQL(
                """SELECT entry.at, entry.type, entry.source, entry.call_ref, entry.data
                     FROM crm_voip_call_ref AS ref
                     JOIN crm_voip_journal AS entry ON entry.pbx_id = ref.pbx_id AND entry.call_ref = ref.ref
                    WHERE ref.call_id = ANY(%s) AND NOT ref.is_leg ORDER BY entry.at, entry.id""",
                calls.ids,
            )
        )
        return [
            {"at": format_time(at and parse_time(at.isoformat())), "type": kind, "source": source, "call_ref": ref,
             "data": {key: value for key, value in (data or {}).items() if key != "author"}}
            for at, kind, source, ref, data in rows
        ]  # fmt: skip

    # --- as files ---

    @api.model
    def _archive(self, person, name, sound=False):
        """All that is held of a person as one file.

        :param name: of the person, in words
        :param sound: whether recordings that are kept go with it; who exports must have the right to listen
        :return: bytes of a ZIP file with ``person.json``, ``person.xlsx`` and recordings
        """
        sections = self._tell(person)
        about = {"about": name, "made": format_time(parse_time(fields.Datetime.now().isoformat()))}
        content = {**about, **{key: rows for key, (_title, rows) in sections.items()}}
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", json.dumps(content, ensure_ascii=False, indent=1))
            archive.writestr("person.xlsx", _workbook(about, sections))
            recordings = self._calls_with(person).recording_ids if sound else ()
            for recording in recordings:
                if recording.state != "kept":
                    continue
                files = self.env["ir.attachment"].sudo()
                file = files.search(
                    [("res_model", "=", recording._name), ("res_field", "=", "content"), ("res_id", "=", recording.id)],
                    limit=1,
                )
                # the persons recorded find in their log that it was listened to
                recording.with_env(self.env)._listened()
                archive.writestr(f"recordings/{recording._download_name()}", file.raw or b"")
        return output.getvalue()


def _workbook(about, sections):
    """The same, to be read: a sheet for each kind. Texts from outside are texts there, never formulas or links."""
    output = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(output, options) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        front = book.add_worksheet("0")
        for row, (key, value) in enumerate(about.items()):
            front.write_string(row, 0, key, head)
            front.write_string(row, 1, str(value))
        for row, (title, rows) in enumerate(sections.values(), len(about) + 1):
            front.write_string(row, 0, title)
            front.write_number(row, 1, len(rows))
        front.set_column(0, 1, 30)
        for place, (title, rows) in enumerate(sections.values(), 1):
            sheet = book.add_worksheet(f"{place} {title}"[:31].translate(_NOT_IN_TITLES))
            sheet.set_column(0, 25, 22)
            sheet.freeze_panes(1, 0)
            for column, key in enumerate(rows[0] if rows else ()):
                sheet.write_string(0, column, key, head)
            for at, row in enumerate(rows, 1):
                for column, value in enumerate(row.values()):
                    _write(sheet, at, column, value)
    return output.getvalue()


_NOT_IN_TITLES = str.maketrans("[]:*?/\\", "       ")


def _write(sheet, row, column, value):
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, column, value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        sheet.write_string(row, column, text[:LONGEST_CELL])
