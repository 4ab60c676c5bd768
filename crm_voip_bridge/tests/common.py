"""People, a PBX and calls told in a few words, for stories that read as what happened."""

import itertools
import json
import time
from datetime import datetime, timedelta, timezone

from odoo import Command
from odoo.addons.crm_voip_bridge.lib.events import Event, event_id
from odoo.addons.crm_voip_bridge.lib.signature import headers
from odoo.tests import HttpCase, TransactionCase, new_test_user

START = datetime(2026, 11, 2, 9, 0, tzinfo=timezone.utc)
CUSTOMER = "+12025550101"
OUR_NUMBER = "+31201000101"
#: what the words of a line mean, per type of event
ARGS = {
    "started": ("channel", "number", "dialled"),
    "ringing": ("by",),
    "dial_ended": ("status", "by"),
    "bridged": ("bridge",),
    "unbridged": ("bridge",),
    "queued": ("queue",),
    "abandoned": ("queue",),
    "transferred": ("kind", "calls", "legs"),
    "ended": ("cause",),
}


def told(*lines, call="c", start=START, source="ami"):
    """Events of lines ``second type leg value…``.

    The leg ``c`` has the id of its call, as with Asterisk; others begin with it, so that calls told alike stay
    apart. A leg ``leg@other`` belongs to another call; ``a+b`` is a list.
    """

    def leg_id(leg):
        return call if leg == "c" else f"{call}.{leg}"

    events = []
    for line in lines:
        second, kind, leg, *values = line.split()
        leg, _, other = leg.partition("@")
        data = {}
        for name, value in zip(ARGS.get(kind, ()), values, strict=False):
            if name == "by":
                value = leg_id(value)
            data[name] = value.split("+") if name in ("calls", "legs") else int(value) if name == "cause" else value
        at = start + timedelta(seconds=float(second))
        ident = event_id(source, call, line, str(start))
        events.append(Event(ident, kind, other or call, leg_id(leg), at, source, data))
    return events


def answered(call="c", number=CUSTOMER, phone="101", start=START, seconds=60, dialled=OUR_NUMBER):
    """A customer rings a phone, which answers after five seconds."""
    end = 5 + seconds
    return told(
        f"0 started c PJSIP/trunk-00000001 {number} {dialled}",
        f"0.1 started p PJSIP/{phone}-00000002",
        "0.1 ringing p c",
        "5 answered p",
        "5 dial_ended p ANSWER c",
        "5 answered c",
        "5 bridged p b",
        "5 bridged c b",
        f"{end} unbridged p b",
        f"{end} unbridged c b",
        f"{end} ended p 16",
        f"{end} ended c 16",
        call=call,
        start=start,
    )


def missed(call="c", number=CUSTOMER, phones=("101",), start=START):
    """A customer rings phones; nobody takes it."""
    lines = [f"0 started c PJSIP/trunk-00000001 {number} {OUR_NUMBER}"]
    for place, phone in enumerate(phones):
        lines += [f"0.1 started p{place} PJSIP/{phone}-0000000{place}", f"0.1 ringing p{place} c"]
    for place, _phone in enumerate(phones):
        lines += [f"20 dial_ended p{place} NOANSWER c", f"20 ended p{place} 16"]
    return told(*lines, "20.1 ended c 16", call=call, start=start)


def group(call="c", number=CUSTOMER, taker="101", losers=("102",), start=START):
    """A customer rings several phones, one answers."""
    lines = [f"0 started c PJSIP/trunk-00000001 {number} {OUR_NUMBER}"]
    for place, phone in enumerate((taker, *losers)):
        lines += [f"0.1 started p{place} PJSIP/{phone}-0000000{place}", f"0.1 ringing p{place} c"]
    lines += ["5 answered p0", "5 dial_ended p0 ANSWER c", "5 answered c", "5 bridged p0 b", "5 bridged c b"]
    for place in range(1, len(losers) + 1):
        lines += [f"5 dial_ended p{place} CANCEL c", f"5.1 ended p{place} 26"]
    lines += ["65 unbridged p0 b", "65 unbridged c b", "65 ended p0 16", "65 ended c 16"]
    return told(*lines, call=call, start=start)


def outbound(call="o", number=CUSTOMER, phone="101", start=START):
    """A phone of ours rings a customer, who answers after ten seconds."""
    return told(
        f"0 started c PJSIP/{phone}-00000001 {phone} {number}",
        f"0.1 started p PJSIP/trunk-00000002 {number}",
        "0.1 ringing p c",
        "10 answered p",
        "10 dial_ended p ANSWER c",
        "10 answered c",
        "10 bridged p b",
        "10 bridged c b",
        "40 unbridged p b",
        "40 unbridged c b",
        "40 ended p 16",
        "40 ended c 16",
        call=call,
        start=start,
    )


def tried(call="t", number=CUSTOMER, phone="101", start=START):
    """We call a customer, who does not answer."""
    return told(
        f"0 started c PJSIP/{phone}-00000001 {phone} {number}",
        f"0.1 started p PJSIP/trunk-00000002 {number}",
        "0.1 ringing p c",
        "20 dial_ended p NOANSWER c",
        "20 ended p 16",
        "20 ended c 16",
        call=call,
        start=start,
    )


def many(count, make=answered, prefix="m", **values):
    """Calls of a usual shape, one a minute, each of another number."""
    return [
        event
        for place in range(count)
        for event in make(
            call=f"{prefix}{place}",
            number=f"+1202555{place % 10000:04}",
            start=START + timedelta(minutes=place),
            **values,
        )
    ]


class VoipPeople:
    """Who is there: a team with its leader, somebody in no team, the heads, and a PBX with their phones."""

    @classmethod
    def _set_up_voip(cls):
        env = cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, no_reset_password=True))
        sales = "sales_team.group_sale_salesman"
        cls.company = env["res.company"].create(
            {"name": "Kestrel", "country_id": env.ref("base.nl").id, "currency_id": env.ref("base.EUR").id}
        )

        def person(login, groups):
            return new_test_user(
                env, login, groups=groups, company_id=cls.company.id, company_ids=[Command.set(cls.company.ids)]
            )

        cls.nadia = person("voip_nadia", f"{sales},crm_voip_bridge.group_team")
        cls.tom = person("voip_tom", sales)
        cls.rina = person("voip_rina", sales)
        cls.jonas = person("voip_jonas", "sales_team.group_sale_salesman_all_leads")
        cls.boss = person("voip_boss", f"{sales},crm_voip_bridge.group_all,base.group_allow_export")
        cls.admin = person("voip_admin", f"{sales},crm_voip_bridge.group_manager,base.group_allow_export")
        cls.clerk = person("voip_clerk", "base.group_user")
        # no other team counts
        env["crm.team"].search([("company_id", "=", False)]).company_id = env.ref("base.main_company")
        cls.team = env["crm.team"].create(
            {
                "name": "Sales NL",
                "company_id": cls.company.id,
                "user_id": cls.nadia.id,
                "member_ids": [Command.set((cls.nadia | cls.tom | cls.rina).ids)],
            }
        )
        cls.pbx = (
            env["crm.voip.pbx"]
            .create({"name": "Kestrel PBX", "company_id": cls.company.id, "country_id": env.ref("base.nl").id})
            .with_company(cls.company)
        )
        cls.phones = {
            number: env["crm.voip.extension"].create(
                {"pbx_id": cls.pbx.id, "number": number, "user_id": user.id, "name": name, "recorded": recorded}
            )
            for number, user, name, recorded in (
                ("101", cls.tom, False, True),
                ("102", cls.rina, False, True),
                ("103", cls.nadia, False, True),
                ("104", cls.jonas, False, True),
                ("105", env["res.users"], "Showroom", True),
                ("109", env["res.users"], "Works council", False),
            )
        }
        env["crm.voip.line"].create({"pbx_id": cls.pbx.id, "number": OUR_NUMBER})
        env.flush_all()
        cls.env.registry.clear_cache()

    def calls(self, *refs, user=None):
        domain = [("pbx_id", "=", self.pbx.id)] + ([("call_ref", "in", refs)] if refs else [])
        calls = self.env["crm.voip.call"].search(domain, order="call_ref")
        return calls.with_user(user).with_context(allowed_company_ids=user.company_ids.ids) if user else calls

    def seen_by(self, user):
        """The ids at the PBX of the calls that somebody sees."""
        calls = self.env["crm.voip.call"].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return set(calls.search([("pbx_id", "=", self.pbx.id)]).mapped("call_ref"))


class VoipCase(VoipPeople, TransactionCase):
    """Events go straight into the journal, all in the transaction of the test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_voip()

    @classmethod
    def deliver(cls, *batches):
        """What a request does with each batch of events, without the request."""
        env = cls.pbx.env
        changed = env["crm.voip.call"]
        for events in batches:
            events, refused = env["crm.voip.journal"]._read_batch([event.to_dict() for event in events])
            assert not refused, refused
            fresh = env["crm.voip.journal"]._take(cls.pbx, events)
            changed |= env["crm.voip.call"]._fold(cls.pbx, env["crm.voip.call.ref"]._refs_of(fresh))
        return changed

    def deliver_one(self, events, ref=None):
        """Deliver one call and return it."""
        self.deliver(events)
        return self.calls(ref or events[0].call)


class VoipHttpCase(VoipPeople, HttpCase):
    """Events come as a bridge sends them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_voip()
        cls.key, cls.secret = cls.env["crm.voip.pbx.key"]._generate(cls.pbx)
        cls.counter = itertools.count()

    def content(self, events=(), **values):
        bridge = {"id": "bridge-1", "version": "19.0.1.0.0", "waiting": 0, "pbx": "connected"}
        return {
            "bridge": {**bridge, "now": datetime.now(timezone.utc).isoformat()},
            "scope": "",
            "discovered": [],
            "outside": {},
            "events": [event.to_dict() if isinstance(event, Event) else event for event in events],
            **values,
        }

    def post(self, path, content, *, secret=None, key=None, moment=None, extra=None):
        """Sign and send.

        :param content: JSON values, or the very bytes
        """
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        signed = headers(secret or self.secret, key or self.key, int(moment or time.time()), body)
        return self.url_open(
            f"/crm_voip_bridge/v1/{path}",
            data=body,
            headers={"Content-Type": "application/json", **signed, **(extra or {})},
        )

    def send(self, events=(), **values):
        """Send a batch that must be taken, and return the answer."""
        response = self.post("events", self.content(events, **values))
        self.assertEqual(response.status_code, 200, response.text)
        self.env.invalidate_all()
        return response.json()
