"""The rest of the demo company's past (see past_write): what followed calls, tasks, targets, what was compared."""

import random
from datetime import date, datetime, time, timedelta, timezone

from . import past_calls, past_customers, past_write
from .past_calls import PERSON_OF, SEED, ZONE

_NOTES = (
    "Wants the quotation by Friday", "Asked for two more of them", "Will talk with the technician first",
    "Prefers a visit in the morning", "Price is all right, the date is not", "New cable sent on the same day",
)  # fmt: skip
#: outcome → its share, of calls in which people talked; and of those in which they did not
_TALKED = {"interested": 0.42, "call_back": 0.2, "promised": 0.1, "wrong_number": 0.03, None: 0.25}
_MISSED = {"voicemail": 0.25, "not_reached": 0.55, None: 0.2}
#: who types calls from the mobile
_TYPISTS = ("tom", "rina", "nadia")


def cards(pen, calls: list[past_calls.Call]) -> int:
    """The cards after calls: when they came up, what was noted, the outcome; their number."""
    env, chance = pen.env, random.Random(f"{SEED} cards {len(calls)}")
    by_ref = {
        call.call_ref: call
        for call in env["crm.voip.call"].search(
            [("pbx_id", "=", pen.pbx.id), ("call_ref", "in", [one.ref for one in calls])]
        )
    }
    outcomes = {key: env.ref(f"crm_voip_bridge.outcome_{key}").id for key in {*_TALKED, *_MISSED} - {None}}
    vals = []
    for one in calls:
        person = PERSON_OF.get(one.taker or (one.phones[0] if one.kind == "out" else ""))
        # support closes its card; a call between colleagues has none
        if not person or one.kind == "internal" or chance.random() < 0.08:
            continue
        shares = _TALKED if one.taker else _MISSED
        key = chance.choices([*shares], [*shares.values()])[0] if person not in ("priya", "marek") else None
        rang = _naive(one.start + timedelta(seconds=one.wait))
        left = _naive(one.end)
        done = left + timedelta(seconds=min(118.0, chance.lognormvariate(3.0, 0.8)))
        row = {
            "call_id": by_ref[one.ref].id,
            "user_id": pen.users[person].id,
            "company_id": pen.company.id,
            "started_at": by_ref[one.ref].started_at,
            "rang_at": rang,
            "hung_up_at": left,
            "done_at": done,
            "done_how": "outcome" if key else chance.choice(("closed", "closed", "next_call", "timeout")),
            "after_call_s": (done - left).total_seconds(),
        }
        if one.talk > 20 and chance.random() < 0.55:
            row["opened_at"] = rang + timedelta(seconds=chance.randint(2, 14))
        if one.talk > 40 and chance.random() < 0.4:
            row |= {"noted_at": left - timedelta(seconds=chance.randint(0, 25)), "note": chance.choice(_NOTES)}
        if key:
            row |= {"outcome_id": outcomes[key], "outcome_at": done}
        if key == "promised":
            row["promised_at"] = (done + timedelta(days=chance.randint(1, 5))).date()
        vals.append(row)
    wrapups = env["crm.voip.wrapup"].create(vals)
    wrapups.filtered("outcome_id").call_id._take_outcome()
    return len(wrapups)


def tasks(pen, past) -> int:
    """Activities, done or not, and meetings; their number."""
    env, events, kept = pen.env, [], 0
    kind = env.ref("mail.mail_activity_data_todo").id
    for one in past.tasks:
        lead, user = pen.deals[one.deal], pen.users[one.person]
        if one.kind == "meeting":
            events.append(
                {
                    "name": one.summary,
                    "start": _naive(one.at).replace(second=0),
                    "stop": _naive(one.at).replace(second=0) + timedelta(hours=one.hours),
                    "user_id": user.id,
                    "partner_ids": [(6, 0, (user.partner_id | pen.people[_key(past, one.deal)][0]).ids)],
                    "opportunity_id": lead.id,
                }
            )
            continue
        kept += 1
        with past_write.at(env, min(one.at - timedelta(days=2), pen.now)):
            activity = (
                env["mail.activity"]
                .with_user(user)
                .create(
                    {
                        "res_model_id": env["ir.model"]._get_id("crm.lead"),
                        "res_id": lead.id,
                        "activity_type_id": kind,
                        "summary": one.summary,
                        "user_id": user.id,
                        "date_deadline": one.at.astimezone(ZONE).date(),
                    }
                )
            )
        if one.done_at:
            with past_write.at(env, one.done_at):
                activity.action_feedback()
    # those in a past that is over remind nobody
    env["calendar.event"].create(events)
    return kept + len(events)


def _key(past, deal: str) -> str:
    return next(one.customer.key for one in past.deals if one.key == deal)


def finish(pen, today: date) -> None:
    """What does not belong to one day: typed calls, targets, and what the PBX's record was compared with."""
    _dropped(pen)
    _typed(pen, today)
    _targets(pen, today)
    _compared(pen, today)


def _dropped(pen) -> None:
    """Callbacks of days ago that nobody made."""
    before = pen.now.replace(tzinfo=None) - timedelta(days=4)
    for one in pen.env["crm.voip.callback"].search([("state", "=", "open"), ("due_at", "<", before)]):
        with past_write.at(pen.env, one.due_at.replace(tzinfo=timezone.utc) + timedelta(days=2)):
            one.with_user(one.user_id or pen.users["nadia"]).action_drop("They had found what they wanted elsewhere")


def _typed(pen, today: date) -> None:
    chance = random.Random(f"{SEED} typed")
    customers = past_customers.customers()
    days = past_calls.working_days(today - timedelta(weeks=past_write.WEEKS), today - timedelta(days=1), frozenset())
    for place, day in enumerate(days[::2]):
        customer = customers[chance.randrange(len(customers))]
        local = datetime.combine(day, time(chance.randint(8, 17), chance.randint(0, 59)), ZONE)
        pen.env["crm.voip.typed.call"].with_user(pen.users[_TYPISTS[place % 3]]).create(
            {
                "partner_id": pen.people[customer.key][0].id,
                "started_at": _naive(local.astimezone(timezone.utc)),
                "minutes": chance.choice((2, 5, 5, 10, 15)),
                "direction": chance.choice(("outbound", "inbound")),
                "company_id": pen.company.id,
            }
        )


def _targets(pen, today: date) -> None:
    Target = pen.env["crm.productivity.target"]
    metrics = {
        code: pen.env["crm.productivity.metric"]._of_code(code, today) for code in ("won_amount", "conversations")
    }
    this = today.replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    after = (this + timedelta(days=32)).replace(day=1)
    vals = []
    for first, last in ((before, this - timedelta(days=1)), (this, after - timedelta(days=1))):
        whose = [({"team_id": pen.teams["sales"].id}, 110_000, 420)]
        shares = {"nadia": 0.2, "tom": 0.32, "rina": 0.26, "jonas": 0.22}
        whose += [({"user_id": pen.users[key].id}, 110_000 * part, 420 * part) for key, part in shares.items()]
        for one, money, talks in whose:
            for code, amount in (("won_amount", money), ("conversations", talks)):
                if metrics[code] and metrics[code].may_be_target:
                    period = {"date_from": first, "date_to": last, "company_id": pen.company.id}
                    vals.append({**one, **period, "metric_id": metrics[code].id, "amount": round(amount, -1)})
    Target.create(vals)


def _compared(pen, today: date) -> None:
    """Each night the PBX's own record was compared with the log; now and then a call was outside scope."""
    env, chance = pen.env, random.Random(f"{SEED} compared")
    Day = env["crm.voip.completeness"]
    days = past_calls.working_days(today - timedelta(weeks=past_write.WEEKS), today - timedelta(days=1), frozenset())
    outside, rows = [], []
    for day in days:
        begins_at, ends_at = Day._bounds(pen.pbx, day)
        domain = [("pbx_id", "=", pen.pbx.id), ("started_at", ">=", begins_at), ("started_at", "<", ends_at)]
        logged, left = env["crm.voip.call"].search_count(domain), chance.randint(0, 3)
        outside.append({"pbx_id": pen.pbx.id, "bridge": "past", "day": day, "count": left})
        rows.append(
            {
                "pbx_id": pen.pbx.id,
                "day": day,
                "begins_at": begins_at,
                "ends_at": ends_at,
                "state": "done",
                "checked_at": ends_at + timedelta(hours=2),
                "source": "cel",
                "pbx_count": logged + left,
                "logged_count": logged,
                "outside_count": left,
            }
        )
    Day.create(rows)
    env["crm.voip.outside"].create([one for one in outside if one["count"]])


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, microsecond=0)
