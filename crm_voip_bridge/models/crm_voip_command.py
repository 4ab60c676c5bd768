import uuid
from datetime import timedelta

import phonenumbers

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..lib import dial, numbers
from ..lib.notices import masked
from .res_company_retention import older_than_days
from .transaction import in_own_transaction

#: seconds within which a bridge must begin: a click of half a minute ago must not dial
EXPIRY = 15
#: most commands that a bridge gets at once
MOST = 50
#: how far a command is; what came later never goes back
RANK = {"waiting": 0, "sent": 1, "accepted": 2, "done": 3, "refused": 3, "expired": 3}
#: longest text that was clicked and is kept
LONGEST = 64
#: problems of texts that say no number
UNREAD = ("empty", "characters", "emergency", "internal", "invalid")


class CrmVoipCommand(models.Model):
    """What a person asked a PBX to do, and what became of it; refused attempts, too.

    A command waits for a bridge some seconds, is handed out once, and comes back as accepted, done or
    refused with a reason. It is made, handed out and answered for in short transactions of its own: the
    bridge must not wait for the rest of a request, and a refusal must be there after the error that tells the person.

    The ORM writes neither ``create_uid`` nor ``write_uid``: the first would tell who it was past the rule
    about single persons.
    """

    _name = "crm.voip.command"
    _inherit = ["crm.voip.people"]
    _description = "Command to a PBX"
    _order = "created_at desc, id desc"
    _rec_name = "ident"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "created_at"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    ident = fields.Char("Id", required=True, readonly=True)
    kind = fields.Selection(
        [
            ("dial", "Dial"),
            ("hangup", "Hang up"),
            ("transfer", "Transfer"),
            ("queue_priority", "Move in the queue"),
        ],
        required=True,
        readonly=True,
    )
    args = fields.Json(readonly=True, help="What the bridge is told; empty once it was.")
    number = fields.Char(readonly=True, help="Empty for a number that is never logged.")
    user_id = fields.Many2one("res.users", "Person", required=True, readonly=True, ondelete="cascade")
    is_mine = fields.Boolean("Mine", compute="_compute_is_mine", search="_search_is_mine")
    place = fields.Integer(
        readonly=True, help="Counts what a person had dialled, so that two clicks at once count as two."
    )
    call_id = fields.Many2one("crm.voip.call", readonly=True, index="btree_not_null", ondelete="set null")
    res_model = fields.Char("Clicked on (model)", readonly=True)
    res_id = fields.Many2oneReference("Clicked on", model_field="res_model", readonly=True)
    confirmed = fields.Boolean(
        "Despite the opt-out", readonly=True, help="The number is on the phone blacklist, and the person confirmed."
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("sent", "Sent"),
            ("accepted", "Accepted"),
            ("done", "Done"),
            ("refused", "Refused"),
            ("expired", "Expired"),
        ],
        required=True,
        readonly=True,
    )
    reason_key = fields.Char(readonly=True)
    detail = fields.Char(readonly=True)
    reason = fields.Char(compute="_compute_reason")
    created_at = fields.Datetime("Asked", required=True, readonly=True)
    expires_at = fields.Datetime("Good until", readonly=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    accepted_at = fields.Datetime("Accepted", readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)

    _ident_unique = models.UniqueIndex("(ident)")
    # two clicks at the same moment cannot have the same place: the second one is counted anew
    _place_unique = models.UniqueIndex("(user_id, place) WHERE place IS NOT NULL")
    _user_idx = models.Index("(user_id, created_at)")
    _waiting_idx = models.Index("(pbx_id) WHERE state = 'waiting'")

    @api.depends("kind", "number")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for command in self:
            command.display_name = " ".join(filter(None, [labels.get(command.kind), command.number]))

    @api.depends("reason_key", "detail")
    @api.depends_context("lang")
    def _compute_reason(self):
        for command in self:
            command.reason = command._words() if command.reason_key else False

    @api.depends_context("uid")
    def _compute_is_mine(self):
        # sudo: whether it was oneself is for everybody to know
        for command, real in zip(self, self.sudo(), strict=True):
            command.is_mine = real.user_id == self.env.user

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        return [("user_id", "=" if True in value else "!=", self.env.uid)]

    # --- for the web client ---

    @api.model
    def dial(self, number, res_model=False, res_id=False, confirmed=False):
        """Have the present user's phone ring, then the number called.

        :param number: the text that was clicked
        :param res_model: of the record on whose number it was, if any
        :param confirmed: the person knows that the number is on the phone blacklist
        :return: ``{"state": "sent", "command": id, "number": str, "text": str}``; ``{"state": "confirm", "text": str}``
            for a number on the blacklist; ``{"state": "tel"}`` where the link is to work as any other
        :raise UserError: the number is not dialled; why is in the text, and kept
        """
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Only employees dial through the telephone system."))
        phone = self.env.user._crm_voip_phone()
        if not phone:
            return {"state": "tel"}
        record = self._clicked(res_model, res_id)
        country = (self._country_of(record) or phone.pbx_id.country_id.code or "").upper()
        verdict = dial.check(number, country, phone.pbx_id._site(), phone.company_id._crm_voip_dial_countries())
        known = verdict.number or numbers.e164(number if isinstance(number, str) else "", country) or ""
        vals = {
            "kind": "dial",
            # as it was written where it could not be read, so that one sees what is wrong with it
            "number": _printable(number) if verdict.problem in UNREAD else known,
            "res_model": record._name if record else False,
            "res_id": record.id if record else False,
            "pbx_id": phone.pbx_id.id,
            "company_id": phone.company_id.id,
        }
        if self._is_never_logged(known, phone.company_id):
            # nothing of it is written down, here as little as in the calls
            vals.update(number=False, res_model=False, res_id=False)
        if verdict.problem:
            raise self._refused(vals, verdict.problem, verdict.country)
        if not phone.pbx_id._is_reachable():
            raise self._refused(vals, "away")
        # sudo: whoever is to heed the list need not be able to read it
        listed = not verdict.internal and self.env["phone.blacklist"].sudo().search_count([("number", "=", known)])
        if listed and not confirmed:
            text = self.env._("%s is on the list of numbers that do not wish to be called. Call anyway?", _shown(known))
            return {"state": "confirm", "text": text}
        vals["confirmed"] = bool(listed)
        vals["args"] = self._prepare_dial_args(phone, verdict, record)
        sent = self._send(vals)
        if sent.reason_key:
            raise UserError(sent.words)
        return {
            "state": "sent",
            "command": sent.id,
            "number": known,
            "text": self.env._("Your phone rings, then %s is called.", self._called(record, verdict)),
        }

    @api.model
    def outcome(self, command_id):
        """What has become of a command of the present user.

        :return: as in the bus message ``crm_voip_bridge/command``; empty if there is no such command
        """
        in_own_transaction(self.env, lambda env: env[self._name].sudo()._expire())
        # sudo: one's own command is for oneself to know, whatever rights one has besides
        command = self.sudo().search([("id", "=", command_id), ("user_id", "=", self.env.uid)])
        return command._told() if command else {}

    # --- what is dialled ---

    @api.model
    def _clicked(self, res_model, res_id):
        """:return: the record on whose number somebody clicked, ``None`` if there is none that they may read"""
        model = self.env.get(res_model) if isinstance(res_model, str) else None
        if model is None or model._abstract or not isinstance(res_id, int) or isinstance(res_id, bool):
            return None
        record = model.browse(res_id).exists()
        if not record or not record.has_access("read"):
            return None
        if record._name in ("crm.voip.call", "crm.voip.callback", "crm.voip.typed.call"):
            # the number of a call is that of its customer
            record = record.lead_id or record.partner_id or record
            return record if record.has_access("read") else None
        return record

    @api.model
    def _country_of(self, record):
        """:return: the country that decides how the numbers of a record are read, "" if it does not"""
        if record is None or "crm_voip_number_ids" not in record._fields:
            return ""
        # sudo: the country of an employer that one may not read decides as well
        caller = record.sudo()
        paths = [path.split(".") for path in caller._crm_voip_country_paths()]
        code = caller._crm_voip_country_code(paths)
        return code or self.env["crm.voip.number"].sudo()._default_country_code(caller.company_id)

    @api.model
    def _is_never_logged(self, number, company):
        # sudo: the company's list, and one's own
        never = self.env["crm.voip.never"].sudo()
        domain = [("company_id", "=", company.id), ("user_id", "in", [False, self.env.uid])]
        return bool(number) and bool(never.search_count([*domain, ("e164", "=", number)], limit=1))

    @api.model
    def _prepare_dial_args(self, phone, verdict, record):
        """What the bridge is told; an integrator may add to it.

        :param phone: the extension that rings first
        :param verdict: :class:`lib.dial.Verdict`
        """
        pbx = phone.pbx_id
        number = verdict.number
        if not verdict.internal:
            number = dial.dial_string(number, pbx.country_id.code or "", pbx.dial_format, pbx.outside_prefix or "")
        name = self._name_of(record) or _shown(verdict.number)
        return {"number": number, "extension": phone.number, "name": dial.shown_name(name)}

    @api.model
    def _name_of(self, record):
        if record is None or "crm_voip_number_ids" not in record._fields:
            return ""
        partner, lead = record._crm_voip_customer()
        return partner.name or lead.contact_name or lead.partner_name or ""

    @api.model
    def _called(self, record, verdict):
        """:return: whom the person is told that they call"""
        number = verdict.number if verdict.internal else _shown(verdict.number)
        name = self._name_of(record)
        return f"{name} ({number})" if name else number

    # --- making ---

    @api.model
    def _send(self, vals):
        """Make a command, and wake the bridges of its PBX.

        :param vals: without person, state and times
        :return: :class:`Sent`
        """

        def make(env):
            commands = env[self._name].sudo()
            now, minute, hour, last = commands._count(self.env.uid)
            values = {**vals, "user_id": self.env.uid, "ident": uuid.uuid4().hex, "created_at": now}
            company = env["res.company"].sudo().browse(vals["company_id"])
            if vals["kind"] == "dial":
                if minute >= company.crm_voip_dial_minute or hour >= company.crm_voip_dial_hour:
                    values.update(state="refused", reason_key="rate", args=False)
                    return Sent(commands.create(values))
                values["place"] = last + 1
            values.update(state="waiting", expires_at=now + timedelta(seconds=EXPIRY))
            command = commands.create(values)
            command.flush_recordset()
            command.pbx_id._wake()
            return Sent(command)

        return in_own_transaction(self.env, make)

    @api.model
    def _refused(self, vals, key, detail=False):
        """Keep that something was not sent.

        :return: the error to raise
        """

        def keep(env):
            commands = env[self._name].sudo()
            now = commands._count(self.env.uid)[0]
            values = {**vals, "user_id": self.env.uid, "ident": uuid.uuid4().hex, "created_at": now}
            return commands.create({**values, "state": "refused", "reason_key": key, "detail": detail})._words()

        return UserError(in_own_transaction(self.env, keep))

    @api.model
    def _count(self, user_id):
        """:return: ``(now, dialled within a minute, within an hour, place of the last)`` by the database's clock, whatever
        began when
        """
        [row] = self.env.execute_query(
            SQL(
                """SELECT clock_timestamp() AT TIME ZONE 'UTC',
                          count(*) FILTER (WHERE created_at > clock_timestamp() AT TIME ZONE 'UTC' - interval '1 minute'),
                          count(*),
                          (SELECT COALESCE(max(place), 0) FROM crm_voip_command WHERE user_id = %(user)s)
                     FROM crm_voip_command
                    WHERE user_id = %(user)s AND place IS NOT NULL
                      AND created_at > clock_timestamp() AT TIME ZONE 'UTC' - interval '1 hour'""",
                user=user_id,
            )
        )
        return row

    # --- between Odoo and the bridges ---

    @api.model
    def _is_waited_for(self, pbx):
        """Whether something waits for the bridges of a PBX."""
        return bool(
            self.env.execute_query(
                SQL("SELECT FROM crm_voip_command WHERE pbx_id = %s AND state = 'waiting' LIMIT 1", pbx.id)
            )
        )

    @api.model
    def _hand_out(self, pbx):
        """Give a bridge what waits, each command to one bridge only.

        :return: ``[{"id": ident, "kind": str, "args": {…}, "expires_in": seconds}, …]``
        """
        if not self._is_waited_for(pbx):
            return []
        self._expire(pbx)
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """WITH due AS (
                       SELECT id, args FROM crm_voip_command
                        WHERE pbx_id = %s AND state = 'waiting' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
                   UPDATE crm_voip_command AS command
                      SET state = 'sent', sent_at = clock_timestamp() AT TIME ZONE 'UTC', args = NULL
                     FROM due WHERE command.id = due.id
                RETURNING command.ident, command.kind, due.args,
                          EXTRACT(epoch FROM command.expires_at - (clock_timestamp() AT TIME ZONE 'UTC'))""",
                pbx.id,
                MOST,
            )
        )
        self.invalidate_model()
        return [
            {"id": ident, "kind": kind, "args": args, "expires_in": round(float(seconds), 3)}
            for ident, kind, args, seconds in rows
        ]

    @api.model
    def _expire(self, pbx=None):
        """Give up what no bridge fetched in time, and tell whose it was."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """WITH late AS (
                       SELECT id FROM crm_voip_command
                        WHERE state = 'waiting' AND expires_at <= clock_timestamp() AT TIME ZONE 'UTC' AND %s
                          FOR UPDATE SKIP LOCKED)
                   UPDATE crm_voip_command AS command
                      SET state = 'expired', reason_key = 'expired', args = NULL,
                          ended_at = clock_timestamp() AT TIME ZONE 'UTC'
                     FROM late WHERE command.id = late.id RETURNING command.id""",
                SQL("pbx_id = %s", pbx.id) if pbx else SQL("TRUE"),
            )
        )
        self.invalidate_model()
        self.browse(row[0] for row in rows)._tell()

    @api.model
    def _note_results(self, pbx, results):
        """Take in what became of commands.

        :param results: ``[{"id": ident, "state": str, "reason": str}, …]`` as the bridge sent it, checked for nothing
        """
        told = {}
        for result in results:
            if isinstance(result, dict) and isinstance(result.get("id"), str) and isinstance(result.get("state"), str):
                told.setdefault(result["id"][:LONGEST], []).append(result)
        now = fields.Datetime.now()
        for command in self.search([("pbx_id", "=", pbx.id), ("ident", "in", list(told))]):
            vals = {}
            for result in told[command.ident]:
                state = result["state"]
                # what was not handed out cannot have been carried out
                if (
                    command.state in ("sent", "accepted")
                    and RANK.get(state, 0) > RANK[vals.get("state", command.state)]
                ):
                    vals["state"] = state
                    vals["accepted_at" if state == "accepted" else "ended_at"] = now
                    vals.update(self._prepare_reason(state, result.get("reason")))
            if vals:
                command.write(vals)
                command._tell()

    @api.model
    def _prepare_reason(self, state, said):
        """:return: values for what a bridge said: a word that we know, or the PBX's own text"""
        if state == "expired":
            return {"reason_key": "expired"}
        if state != "refused":
            return {}
        said = said if isinstance(said, str) else ""
        if said in self._bridge_words():
            return {"reason_key": said}
        return {"reason_key": "said", "detail": masked(said, 100)}

    def _tell(self):
        """Tell the persons how far their commands are."""
        for command in self:
            command.user_id._bus_send("crm_voip_bridge/command", command._told())

    def _told(self):
        """:return: what the web client is told of a command"""
        self.ensure_one()
        own = self.with_context(lang=self.user_id.lang)
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "number": self.number or "",
            "reason": own.reason or "",
            "now": fields.Datetime.to_string(fields.Datetime.now()),
        }

    # --- words ---

    def _words(self):
        """:return: in words, why the command is not carried out"""
        self.ensure_one()
        key = self.reason_key
        words = self._number_words() | self._bridge_words()
        return words.get(key) or self.env._("The telephone system refused: %s", self.detail or key)

    def _number_words(self):
        """Why Odoo sends nothing; keys as in :data:`lib.dial.PROBLEMS`, and some more."""
        number = self.number or self.env._("this number")
        country = self.env["res.country"].search([("code", "=", self.detail)]).name if self.detail else ""
        company = self.company_id
        return {
            "empty": self.env._("There is no number to call."),
            "characters": self.env._(
                "“%s” is not dialled: a telephone number has digits, blanks, brackets and dashes, and nothing else.",
                number,
            ),
            "emergency": self.env._(
                "Emergency and service numbers are not dialled by a click. Dial %s on your phone.", number
            ),
            "internal": self.env._("%s is no extension that Odoo knows.", number),
            "invalid": self.env._(
                "%s is no valid telephone number. Correct it; if it is right all the same, dial it on your phone.",
                number,
            ),
            "premium": self.env._("%s costs more than a usual call, so it is not dialled by a click.", number),
            "shared": self.env._("%s is a number whose costs are shared, so it is not dialled by a click.", number),
            "satellite": self.env._(
                "%s belongs to a satellite or world-wide network, so it is not dialled by a click.", number
            ),
            "country": self.env._(
                "%(number)s is in %(country)s, which is none of the countries that %(company)s calls. An administrator of "
                "calls can add it in the settings.",
                number=number,
                country=country or self.env._("another country"),
                company=company.name,
            ),
            "rate": self.env._(
                "That is more calls than one dials: %(minute)s in a minute and %(hour)s in an hour are dialled by click. "
                "Try again in a while, or dial on your phone.",
                minute=company.crm_voip_dial_minute,
                hour=company.crm_voip_dial_hour,
            ),
            "away": self.env._(
                "The telephone system cannot be reached from Odoo at the moment. Dial on your phone: %s", number
            ),
        }

    def _bridge_words(self):
        """What a bridge may answer, see :mod:`lib.desk`."""
        return {
            "expired": self.env._(
                "The telephone system did not take it in time, and it will not be done any more. Try again."
            ),
            "unanswered": self.env._("Your phone rang and was not answered."),
            "busy": self.env._("Your phone is busy."),
            "declined": self.env._("Your phone declined."),
            "unreachable": self.env._("Your phone cannot be reached: see that it is switched on and registered."),
            "rights": self.env._("The telephone system does not allow it to the bridge: its user needs more rights."),
            "extension": self.env._("The telephone system knows no way to dial this number."),
            "gone": self.env._("The call is not there any more."),
            "transfer": self.env._("The telephone system could not transfer the call."),
            "pbx": self.env._("The bridge has no connection to the telephone system at the moment."),
            "lost": self.env._("The connection to the telephone system was lost meanwhile."),
            "silent": self.env._("The telephone system never said what became of it."),
            "format": self.env._("The bridge does not understand it: it may be older than Odoo's addon."),
            "spool": self.env._("The bridge cannot write on its disk, so it does nothing."),
        }

    @api.autovacuum
    def _gc_commands(self):
        self.env.cr.execute(older_than_days(self._table, "created_at"))

    # --- the rule about single persons ---

    def _people_calls(self):
        # each is a record of its own, with a call or without
        return self

    def _people_look_at(self, records, how):
        # sudo: see crm.voip.people
        commands = records.sudo()
        self._people_log(commands.user_id, how, commands.call_id[:1])


class Sent:
    """What was made, when its transaction is over: the record itself is not for others to read yet."""

    __slots__ = ("id", "reason_key", "words")

    def __init__(self, command):
        self.id, self.reason_key = command.id, command.reason_key
        self.words = command._words() if command.reason_key else ""


def _printable(text):
    """A text that was clicked as it may be kept: what cannot be seen is shown as a dot."""
    text = text if isinstance(text, str) else ""
    return "".join(char if char.isprintable() else "·" for char in text[:LONGEST])


def _shown(e164):
    """+31 30 100 0142 of +31301000142."""
    if not e164.startswith("+"):
        return e164
    return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
