import hashlib
import hmac
import json
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytz

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..lib.adapters import ADAPTERS
from ..lib.numbers import e164
from ..lib.scope import never_hash
from ..lib.site import Site

#: what each kind of PBX can do; what it cannot is not shown as a button
CAPABILITIES = {
    "asterisk": {"history", "live", "dial", "hangup", "transfer", "hold", "queue", "reorder", "recordings"},
}
#: seconds without a word from the bridge after which a PBX counts as not connected
SILENCE = 180


class CrmVoipPbx(models.Model):
    """A telephone system whose calls are logged.

    The record holds what an administrator decides. What arrives from the bridge is kept in
    tables of its own, so that a heartbeat never collides with somebody who saves the form.
    """

    _name = "crm.voip.pbx"
    _inherit = "crm.voip.scope"
    _description = "PBX"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    kind = fields.Selection(
        [
            ("asterisk", "Asterisk, FreePBX"),
            ("generic", "Any other, connected by its integrator"),
            ("3cx", "3CX"),
            ("yeastar", "Yeastar P-Series"),
            ("twilio", "Twilio"),
            ("freeswitch", "FreeSWITCH"),
            ("ringcentral", "RingCentral"),
            ("telnyx", "Telnyx"),
        ],
        required=True,
        default="asterisk",
    )
    can_history = fields.Boolean("Can catch up", compute="_compute_capabilities")
    can_live = fields.Boolean("Can show calls as they ring", compute="_compute_capabilities")
    can_dial = fields.Boolean("Can dial", compute="_compute_capabilities")
    can_hangup = fields.Boolean("Can hang up", compute="_compute_capabilities")
    can_transfer = fields.Boolean("Can transfer", compute="_compute_capabilities")
    can_hold = fields.Boolean("Tells hold", compute="_compute_capabilities")
    can_queue = fields.Boolean("Tells queues", compute="_compute_capabilities")
    can_reorder = fields.Boolean("Can move callers in a queue", compute="_compute_capabilities")
    can_recordings = fields.Boolean("Has recordings", compute="_compute_capabilities")

    country_id = fields.Many2one(
        "res.country",
        required=True,
        default=lambda self: self.env.company.country_id,
        help="Decides how a number without a country code is read, and which short numbers are emergency numbers.",
    )
    outside_prefix = fields.Char(help="Dialled before an outside number, for example 0 or 9. Empty if none.")
    internal_min = fields.Integer("Shortest internal number", default=2, required=True)
    internal_max = fields.Integer("Longest internal number", default=5, required=True)
    close_after_hours = fields.Integer(
        default=12,
        required=True,
        help="A call that has said nothing for so long is closed. It opens again if its end arrives later.",
    )
    line_ids = fields.One2many("crm.voip.line", "pbx_id", string="Own numbers")
    extension_ids = fields.One2many("crm.voip.extension", "pbx_id")
    key_ids = fields.One2many("crm.voip.pbx.key", "pbx_id", string="Keys")
    state_ids = fields.One2many("crm.voip.pbx.state", "pbx_id", string="Bridges")
    refused_ids = fields.One2many("crm.voip.refused", "pbx_id")
    queue_ids = fields.One2many("crm.voip.queue", "pbx_id", string="Queues")
    outside_ids = fields.One2many("crm.voip.outside", "pbx_id", string="Outside scope")

    connection = fields.Selection(
        [("never", "Not connected yet"), ("connected", "Connected"), ("silent", "Silent")],
        compute="_compute_state",
    )
    last_seen_at = fields.Datetime("Last heard", compute="_compute_state")
    last_event_at = fields.Datetime("Last event", compute="_compute_state")
    clock_difference = fields.Float(
        "Clock difference (s)", compute="_compute_state", help="The bridge's clock less Odoo's."
    )
    waiting = fields.Integer("Waiting to send", compute="_compute_state")
    refused_count = fields.Integer("Refused events", compute="_compute_counts")
    outside_count = fields.Integer("Calls outside scope", compute="_compute_counts")
    unfolded_count = fields.Integer("Waiting to be calculated", compute="_compute_counts")

    _internal_lengths = models.Constraint(
        "CHECK (internal_min BETWEEN 1 AND internal_max AND internal_max <= 15)",
        "The shortest internal number has one digit or more, and is not longer than the longest (15 at most).",
    )

    @api.depends("kind")
    def _compute_capabilities(self):
        names = [name for name in self._fields if name.startswith("can_")]
        for pbx in self:
            adapter = ADAPTERS.get(pbx.kind)
            able = adapter.capabilities if adapter else CAPABILITIES.get(pbx.kind, set())
            for name in names:
                pbx[name] = name.removeprefix("can_") in able

    @api.depends("state_ids")
    def _compute_state(self):
        now = fields.Datetime.now()
        for pbx in self:
            states = pbx.state_ids
            latest = max(states, key=lambda state: state.seen_at, default=states)
            pbx.last_seen_at = latest.seen_at
            pbx.last_event_at = max((at for at in states.mapped("event_at") if at), default=False)
            pbx.clock_difference = latest.clock_difference
            pbx.waiting = sum(states.mapped("waiting"))
            if not pbx.last_event_at:
                pbx.connection = "never"
            else:
                fresh = latest.seen_at > now - timedelta(seconds=pbx._silence())
                pbx.connection = "connected" if fresh else "silent"

    def _silence(self):
        """:return: seconds without a word after which this PBX counts as not connected"""
        return SILENCE

    @api.depends("refused_ids", "outside_ids")
    def _compute_counts(self):
        refused = dict(self.env["crm.voip.refused"]._read_group([("pbx_id", "in", self.ids)], ["pbx_id"], ["__count"]))
        # of several bridges, each counts every call
        outside = Counter()
        for pbx, _day, count in self.env["crm.voip.outside"]._read_group(
            [("pbx_id", "in", self.ids)], ["pbx_id", "day:day"], ["count:max"]
        ):
            outside[pbx] += count
        # sudo: which calls wait is no secret of anybody, but nobody reads the table itself
        Ref = self.env["crm.voip.call.ref"].sudo()
        waiting = dict(Ref._read_group([("pbx_id", "in", self.ids), ("dirty", "=", True)], ["pbx_id"], ["__count"]))
        for pbx in self:
            pbx.refused_count = refused.get(pbx._origin, 0)
            pbx.outside_count = outside.get(pbx._origin, 0)
            pbx.unfolded_count = waiting.get(pbx._origin, 0)

    @api.constrains("outside_prefix")
    def _check_outside_prefix(self):
        for pbx in self:
            if pbx.outside_prefix and not (pbx.outside_prefix.isascii() and pbx.outside_prefix.isdigit()):
                raise ValidationError(self.env._("The outside prefix has digits only: %s", pbx.outside_prefix))

    @api.model_create_multi
    def create(self, vals_list):
        with self.env["crm.voip.number"]._watching_countries():
            return super().create(vals_list)

    def write(self, vals):
        if vals.keys().isdisjoint(("active", "company_id", "country_id")):
            return super().write(vals)
        with self.env["crm.voip.number"]._watching_countries():
            return super().write(vals)

    def unlink(self):
        with self.env["crm.voip.number"]._watching_countries():
            return super().unlink()

    def action_new_key(self):
        """Make a key and show its secret, once. Earlier keys go on for a while."""
        self.ensure_one()
        name, secret = self.env["crm.voip.pbx.key"]._generate(self)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New key"),
            "res_model": "crm.voip.pbx.key.show",
            "views": [(False, "form")],
            "target": "new",
            # the secret travels in this one answer and is stored in no record that anybody reads
            "context": {"default_pbx_id": self.id, "default_key": name, "default_secret": secret},
        }

    def action_download_bridge(self):
        """The bridge as one file."""
        return self._download("bridge.pyz")

    def action_download_configuration(self):
        """Its configuration, filled in but for the secrets."""
        return self._download("bridge.conf")

    def action_download_service(self):
        """A systemd unit that keeps it running."""
        return self._download("bridge.service")

    def _download(self, name):
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/crm_voip_bridge/pbx/{self.id}/{name}",
            "target": "download",
        }

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action")
        return {**action, "domain": [("pbx_id", "=", self.id)]}

    def action_recalculate(self):
        """Recalculate what waits, now instead of with the next run of the scheduled action."""
        self.check_access("write")
        # sudo: folding writes calls, which nobody may
        self.env["crm.voip.call"].sudo()._fold_waiting(self.ids)

    @api.model
    @tools.ormcache()
    def _is_there(self):
        """Whether any PBX was ever connected; without one there are no calls."""
        # sudo: asked on behalf of whoever works with leads
        return bool(self.sudo().with_context(active_test=False).search_count([], limit=1))

    @tools.ormcache("self.id")
    def _site(self):
        """:return: the :class:`Site` by whose habits this PBX's numbers are read"""
        lines = self.line_ids
        return Site(
            country=self.country_id.code or "",
            internal_min=self.internal_min,
            internal_max=self.internal_max,
            outside_prefix=self.outside_prefix or "",
            extensions=frozenset(self.extension_ids.mapped("number")),
            trunks=frozenset(filter(None, lines.mapped("number") + lines.mapped("e164"))),
        )

    def _e164(self, text, dialled=False):
        """:return: the one number in international form that a text of this PBX says, or False"""
        site = self._site()
        return e164(text, site.country, site, dialled) or False

    @tools.ormcache("self.id")
    def _zone(self):
        """:return: name of the company's time zone"""
        return str(self.company_id._crm_voip_zone())

    def _day_of(self, moment):
        """:return: the day of a moment in the company's time zone, None for None"""
        if moment is None:
            return None
        return moment.astimezone(pytz.timezone(self._zone())).date()

    def _hour_of(self, moment):
        """:return: the hour of a moment in the company's time zone, as ``crm.voip.call`` keeps it"""
        if moment is None:
            return False
        return f"{moment.astimezone(pytz.timezone(self._zone())).hour:02}"

    def _line_of(self, call):
        """:return: ``(company id, team id)`` that the called number of ours stands for, False where it does not"""
        lines = self._lines()
        if call.direction != "inbound" or not lines:
            return False, False
        for number in filter(None, (call.to_number, call.dialled)):
            found = lines.get(number) or lines.get(self._e164(number))
            if found:
                return found
        return False, False

    @tools.ormcache("self.id")
    def _lines(self):
        return {
            number: (line.company_id.id, line.team_id.id)
            for line in self.line_ids
            for number in (line.number, line.e164)
            if number
        }

    def _scope(self):
        """What may be recorded, as the bridge is told.

        :return: ``{"version": str, "country": str, …, "extensions": {number: recorded},
            "never": {"key": hex, "numbers": [{"hash": hex, "extensions": [number, …]}]}}``;
            an empty list of extensions holds for every call
        """
        return json.loads(self._scope_json(self._day_of(datetime.now(timezone.utc))))

    @tools.ormcache("self.id", "day")
    def _scope_json(self, day):
        site = self._site()
        extensions = self.extension_ids.filtered(lambda extension: extension._is_valid_on(day))
        key = self._never_key()
        numbers = []
        for never in self.env["crm.voip.never"].search([("company_id", "=", self.company_id.id)], order="id"):
            own = extensions.filtered(lambda extension, never=never: extension.user_id == never.user_id)
            if never.user_id and not own:
                continue
            numbers.append(
                {
                    "hash": never_hash(key, never.e164 or never.number),
                    "extensions": sorted(own.mapped("number")) if never.user_id else [],
                }
            )
        scope = {
            "country": site.country,
            "internal_min": site.internal_min,
            "internal_max": site.internal_max,
            "outside_prefix": site.outside_prefix,
            "trunks": sorted(site.trunks),
            "extensions": {extension.number: extension.recorded for extension in extensions.sorted("number")},
            "since": {
                extension.number: fields.Datetime.to_string(extension.recorded_since).replace(" ", "T") + "Z"
                for extension in extensions.sorted("number")
                if extension.recorded and extension.recorded_since
            },
            "never": {"key": key, "numbers": sorted(numbers, key=lambda number: number["hash"])},
            "recordings": self._takes_recordings(),
            **self._scope_people(),
        }
        content = json.dumps(scope, sort_keys=True)
        return json.dumps({"version": hashlib.sha256(content.encode()).hexdigest()[:16], **scope})

    def _never_key(self):
        """The key of the hashes of never-log numbers, so that no list of them leaves Odoo.

        It is made from the database's own secret: nothing more to store, to leak or to neutralise.
        """
        # sudo: system parameters are the administrator's
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret")
        return hmac.new(secret.encode(), b"crm_voip_bridge.never.%d" % self.id, hashlib.sha256).hexdigest()

    def _is_closed(self):
        """Whether this PBX takes nothing: archived, or this is a neutralised copy of the database."""
        return not self.active or self._is_neutralized()

    @api.model
    def _is_neutralized(self):
        # sudo: system parameters are the administrator's
        return bool(self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized"))
