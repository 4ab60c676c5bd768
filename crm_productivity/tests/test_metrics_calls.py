from datetime import datetime, timedelta, timezone

from freezegun import freeze_time

from odoo.addons.crm_voip_bridge.lib.events import Event
from odoo.addons.crm_voip_bridge.tests.common import (
    CUSTOMER,
    OUR_NUMBER,
    START,
    answered,
    missed,
    outbound,
    told,
    tried,
)
from odoo.tests import tagged

from .metrics import DAY, MetricCase
from .stories import story

TRUNK = "PJSIP/trunk-00000001"


def answered_by_machine(call="m", phone="101", start=START):
    """We call a customer, whose machine answers after eight seconds."""
    events = told(
        f"0 started c PJSIP/{phone}-00000001 {phone} {CUSTOMER}",
        f"1 started t PJSIP/trunk-00000002 {CUSTOMER}",
        "1 ringing t c",
        "9 answered t",
        "9 bridged t b",
        "9 bridged c b",
        "29 ended t 16",
        "29 ended c 16",
        call=call,
        start=start,
    )
    said = {"name": "answered_by", "value": "machine"}
    return [*events, Event(f"{call}-said", "status", call, f"{call}.t", start + timedelta(seconds=11), "ami", said)]


def queued(call="q", taken_at=20, start=START, number=CUSTOMER):
    """A customer hears the menu for three seconds, waits in the queue, and talks with 101 for half a minute."""
    end = taken_at + 30
    return told(
        f"0 started c {TRUNK} {number} {OUR_NUMBER}",
        "0 answered c",
        "3 queued c support",
        "4 started p PJSIP/101-00000002",
        "4 ringing p c",
        f"{taken_at} answered p",
        f"{taken_at} dial_ended p ANSWER c",
        f"{taken_at} unqueued c support",
        f"{taken_at} bridged p b",
        f"{taken_at} bridged c b",
        f"{end} unbridged p b",
        f"{end} unbridged c b",
        f"{end} ended p 16",
        f"{end} ended c 16",
        call=call,
        start=start,
    )


def given_up(call="g", left_at=43, start=START, number=CUSTOMER):
    """A customer hears the menu for a second and gives up in the queue while 101 rings."""
    return told(
        f"0 started c {TRUNK} {number} {OUR_NUMBER}",
        "0 answered c",
        "1 queued c support",
        "1.5 started p PJSIP/101-00000002",
        "1.5 ringing p c",
        f"{left_at} hangup_requested c",
        f"{left_at} abandoned c support",
        f"{left_at} ended p 0",
        f"{left_at} ended c 16",
        call=call,
        start=start,
    )


def menu_only(call="v", start=START):
    """A customer hears the menu for nine seconds and has what they wanted."""
    return told(f"0 started c {TRUNK} {CUSTOMER} {OUR_NUMBER}", "0 answered c", "9 ended c 16", call=call, start=start)


def to_voicemail(call="vm", start=START):
    """A phone rings for twenty seconds, then the mailbox takes the call."""
    events = told(
        f"0 started c {TRUNK} {CUSTOMER} {OUR_NUMBER}",
        "0.1 started p PJSIP/101-00000002",
        "0.1 ringing p c",
        "20 dial_ended p NOANSWER c",
        "20 ended p 16",
        "30 ended c 16",
        call=call,
        start=start,
    )
    app = Event(f"{call}-app", "app", call, call, start + timedelta(seconds=20.5), "ami", {"app": "voicemail"})
    return [*events, app]


def held(call="h", start=START):
    """A call of a minute, of which the customer is on hold for fifteen seconds."""
    return [*answered(call, start=start), *told("20 held p", "35 resumed p", call=call, start=start)]


def internal(call="i", start=START):
    return told(
        "0 started c PJSIP/101-00000001 101 102",
        "0.1 started p PJSIP/102-00000002",
        "0.1 ringing p c",
        "4 answered p",
        "4 dial_ended p ANSWER c",
        "4 bridged p b",
        "4 bridged c b",
        "64 ended p 16",
        "64 ended c 16",
        call=call,
        start=start,
    )


@tagged("-at_install", "post_install")
class TestMetricsOfPeople(MetricCase):
    """Stories of what one person did on the telephone."""

    @story("calls_made", "reached", "dialling", "machines", "conversations")
    def test_calls_made(self):
        self.deliver(
            outbound("o"),  # rings 9.9 s, talk of 30 s
            tried("t"),  # rings 19.9 s
            answered_by_machine("m"),  # rings 8 s, and a machine is nobody
        )
        # reached: 1 of 3; dialling: (9.9 + 19.9 + 8) / 3 = 12.6
        self.assertMetrics(self.tom, calls_made=3, reached=100 / 3, machines=1, dialling=12.6, conversations=0)
        self.assertMetrics(self.rina, calls_made=None, reached=None, dialling=None)

    @story("taken", "answer_median", "own_ring", "talk", "talk_mean", "talk_median", "talk_p90", "conversations")
    def test_calls_taken(self):
        self.deliver(
            *(answered(f"a{seconds}", seconds=seconds) for seconds in (20, 60, 400)),  # each rings 4.9 s
            missed("x"),  # rings 19.9 s
        )
        # taken 3 of 4; rang (3 × 4.9 + 19.9) / 4 = 8.65; talk 480 s, 160 on average, half not longer than 60;
        # of three, nine tenths are all three; conversations have a minute or more: two
        self.assertMetrics(
            self.tom, taken=75, answer_median=4.9, own_ring=8.65, talk=480, talk_mean=160, talk_median=60,
            talk_p90=400, conversations=2,
        )  # fmt: skip

    @story("hold", "handle", "after_call", "documenting", "look_up")
    def test_handling(self):
        self.deliver(held("h"), answered("without"), outbound("o"))
        at = START.replace(tzinfo=None)
        self.wrapup(
            self.calls("h"), self.tom, rang_at=at, opened_at=at + timedelta(seconds=7), after_call_s=30,
            noted_at=at + timedelta(seconds=65), done_at=at + timedelta(seconds=95),
        )  # fmt: skip
        self.wrapup(self.calls("o"), self.tom, rang_at=at, after_call_s=20)
        # hold: 15, 0 and 0. Handling, of the two with a card: talk 45 + hold 15 + after it 30 = 90, and dialling
        # 9.9 + talk 30 + after it 20 = 59.9; (90 + 59.9) / 2. A record was opened after 7 s, a note took 30 s
        self.assertMetrics(self.tom, hold=5, handle=74.95, after_call=25, look_up=7, documenting=30, talk=45 + 60 + 30)
        measures, _spread = self.Day._totals(self.domain(self.tom))
        # both say how many calls they rest on
        self.assertEqual((measures["look_ups"], measures["documented"], measures["handled"]), (1, 1, 2))

    def test_handling_needs_each_part(self):
        """CEL knows no hold: a handling time without it would be too short, so there is none."""
        events = answered("c")
        for event in events:
            object.__setattr__(event, "source", "cel")
        self.deliver(events)
        self.assertIs(self.calls("c").hold_s, False)
        self.wrapup(self.calls("c"), self.tom, rang_at=START.replace(tzinfo=None), after_call_s=30)
        self.assertMetrics(self.tom, handle=None, hold=None, talk=60, after_call=30)

    @story("internal")
    def test_internal_calls_are_apart(self):
        self.deliver(internal("i"))
        self.assertMetrics(self.tom, internal=1, calls_made=0, talk=None)
        measures, _spread = self.Day._totals(self.domain(self.rina))
        self.assertFalse(any(measures.values()))

    @story("reached_typed")
    def test_outcomes_are_typed(self):
        outcome = self.env["crm.voip.outcome"].create({"name": "Spoke with them", "reached": True})
        other = self.env["crm.voip.outcome"].create({"name": "Nobody there"})
        self.deliver(outbound("o"), tried("t"), tried("u"), answered("a"))
        for ref, given in (("o", outcome), ("t", outcome), ("u", other), ("a", outcome)):
            self.wrapup(self.calls(ref), self.tom, outcome_id=given.id)
        # of three calls made two say "reached", where the PBX measured one; the incoming one is no call made
        self.assertMetrics(self.tom, reached_typed=200 / 3, reached=100 / 3)
        # the tick was wrong, and is corrected: so are the figures
        outcome.reached = False
        self.assertMetrics(self.tom, reached_typed=0)

    @story("typed_calls")
    def test_typed_calls(self):
        self.company.crm_voip_typed = True
        self.env["crm.voip.typed.call"].with_user(self.tom).with_company(self.company).create(
            {"started_at": START.replace(tzinfo=None), "minutes": 10, "number": CUSTOMER}
        )
        self.deliver(outbound("o"))
        # one measured, one typed: ten typed minutes are no talk
        self.assertMetrics(self.tom, typed_calls=1, calls_made=1, talk=30)


@tagged("-at_install", "post_install")
class TestMetricsOfTeams(MetricCase):
    """Stories of those who call us, and how long they wait."""

    @story("menu", "queue", "abandoned", "short_abandoned", "service_level", "missed", "voicemails", "team_taken")
    def test_waiting(self):
        self.deliver(
            queued("q", taken_at=20),  # menu 3, queue 17, taken
            given_up("long", left_at=43),  # menu 1, queue 42, given up
            given_up("short", left_at=3),  # menu 1, queue 2, given up within 5 s
            menu_only("v"),  # menu 9; nobody was to answer
            answered("a"),  # rings 4.9 s
            to_voicemail("vm"),
        )
        dispositions = dict(zip(*zip(*((c.call_ref, c.disposition) for c in self.calls()), strict=True), strict=True))
        self.assertEqual(
            dispositions,
            {"q": "answered", "long": "abandoned", "short": "abandoned", "v": "machine", "a": "answered",
             "vm": "voicemail"},
        )  # fmt: skip
        # nobody's figures, of the team whose phones rang
        nobody = self.env["res.users"]
        # of six calls three were taken by nobody (both given up, voicemail)
        self.assertMetrics(nobody, missed=50, team_taken=50, voicemails=1, short_abandoned=1)
        # five were for people, less the short one: 1 of 4 gave up
        self.assertMetrics(nobody, abandoned=25)
        # within 20 s: 17 and 4.9; given up after it: 42; the short one and the voicemail are not in it: 2 of 3
        self.assertMetrics(nobody, service_level=200 / 3)
        self.assertMetrics(nobody, queue=(17 + 42 + 2) / 3)
        measures, _spread = self.Day._totals(self.domain(nobody))
        menus = self.calls().filtered(lambda call: call.ivr_s)
        self.assertAlmostEqual(measures["menu_s"], sum(menus.mapped("ivr_s")))
        self.assertEqual(measures["menu_calls"], len(menus))
        # 3 + 1 + 1 + 9, and the announcement of the mailbox, 9.5
        self.assertMetrics(nobody, menu=(3 + 1 + 1 + 9 + 9.5) / 5)

    def test_gave_up_while_a_phone_rang(self):
        """No queue: whoever hangs up while a phone rings gave up as well; whoever was not answered did not."""
        self.deliver(
            told(
                f"0 started c {TRUNK} {CUSTOMER} {OUR_NUMBER}",
                "0.1 started p PJSIP/101-00000002",
                "0.1 ringing p c",
                "30 hangup_requested c",
                "30 dial_ended p CANCEL c",
                "30 ended p 0",
                "30 ended c 127",
                call="gone",
            ),
            missed("x"),
        )
        self.assertEqual(set(self.calls().mapped("disposition")), {"missed"})
        nobody = self.env["res.users"]
        # both missed, one of two gave up; in time: given up after 29.9 s, nobody answered: 0 of 1
        self.assertMetrics(nobody, missed=100, abandoned=50, service_level=0)

    @story("called_back", "called_back_in", "called_back_attempts", "called_back_typed")
    def test_called_back(self):
        self.company.resource_calendar_id.tz = "UTC"
        now = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
        day = now - timedelta(days=1)
        monday = (day - timedelta(days=day.weekday())).replace(hour=9)
        self.env["crm.productivity.member"].search([]).write({"begins": (monday - timedelta(days=60)).date()})
        self.deliver(
            missed("m", start=monday),
            missed("n", number="+12025550102", start=monday),
            missed("k", number="+12025550103", start=monday),
        )
        self.deliver(tried("t", start=monday + timedelta(minutes=30)))
        self.deliver(outbound("o", start=monday + timedelta(minutes=60)))
        third = self.env["crm.voip.callback"].search([("number", "=", "+12025550103")])
        third.activity_id.with_user(third.user_id).action_done()
        of = {"first": monday.date(), "last": monday.date()}
        # three to call back, one was reached after an hour and one attempt, one was ticked off, one is open
        self.assertMetrics(
            self.env["res.users"], of=of, called_back=100 / 3, called_back_in=3600, called_back_attempts=1 / 3,
            called_back_typed=1,
        )  # fmt: skip

    # --- customers who come back ---

    def call_at(self, day, ref, number=CUSTOMER):
        """An answered call on a day of November, at nine."""
        self.deliver(answered(ref, number=number, start=START + timedelta(days=day - 2)))

    @story("solved_at_once", "calls_per_topic")
    @freeze_time("2026-11-25 12:00")
    def test_came_back(self):
        ann, annie = self.env["res.partner"].create(
            [{"name": "Ann", "phone": CUSTOMER}, {"name": "Annie", "phone": "+12025550102"}]
        )
        of = {"first": DAY, "last": DAY + timedelta(days=14)}
        self.call_at(2, "a1")
        self.call_at(12, "a3")
        self.call_at(2, "b1", number="+12025550199")  # not known by name: the number is who it is
        self.call_at(10, "c1", number="+12025550102")
        # four calls, nobody called again within seven days
        self.assertMetrics(self.tom, of=of, solved_at_once=100, calls_per_topic=1)
        # one more on the 4th arrives late: Ann's first was not solved, and the 4th to the 12th is eight days
        self.call_at(4, "a2")
        # five calls, one came back: 4 of 5; topics: five less the one that came again
        self.assertMetrics(self.tom, of=of, solved_at_once=80, calls_per_topic=5 / 4)
        # on the 2nd: Ann's came back, the other one did not
        self.assertMetrics(self.tom, solved_at_once=50, calls_per_topic=1)
        # Annie and Ann are one: the 4th to the 10th, and the 10th to the 12th
        self.env["base.partner.merge.automatic.wizard"]._merge((ann | annie).ids, ann)
        self.assertMetrics(self.tom, of=of, solved_at_once=40, calls_per_topic=5 / 2)

    @freeze_time("2026-11-25 12:00")
    def test_came_back_on_an_opportunity(self):
        """Two opportunities are two topics; what was about a deleted one is the customer's again."""
        ann = self.env["res.partner"].create({"name": "Ann", "phone": CUSTOMER})
        pumps, valves = self.env["crm.lead"].create(
            [
                {"name": name, "type": "opportunity", "partner_id": ann.id, "user_id": self.tom.id,
                 "team_id": self.team.id, "company_id": self.company.id}
                for name in ("Pumps", "Valves")
            ]
        )  # fmt: skip
        self.call_at(2, "a1")
        self.call_at(3, "a2")
        self.calls("a1").lead_id = pumps
        self.calls("a2").lead_id = valves
        of = {"first": DAY, "last": DAY + timedelta(days=1)}
        self.assertMetrics(self.tom, of=of, solved_at_once=100, calls_per_topic=1)
        self.calls("a2").lead_id = pumps
        self.assertMetrics(self.tom, of=of, solved_at_once=50, calls_per_topic=2)
        self.calls("a2").lead_id = valves
        self.assertMetrics(self.tom, of=of, solved_at_once=100)
        (pumps | valves).unlink()
        self.assertMetrics(self.tom, of=of, solved_at_once=50, calls_per_topic=2)

    def test_the_last_days_are_not_known_yet(self):
        """Who called on the 2nd may call again until the 9th; when that is over, time alone says so."""
        with freeze_time("2026-11-09 12:00"):
            self.call_at(2, "a1")
            self.assertMetrics(self.tom, solved_at_once=None, calls_per_topic=1)
        with freeze_time("2026-11-10 12:00"):
            self.assertMetrics(self.tom, solved_at_once=100)
