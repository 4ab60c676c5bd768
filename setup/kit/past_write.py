"""Writes the demo company's past into Odoo, where it runs as a part of `odoo-bin shell` (see past.py).

Calls go through the journal and the fold, opportunities and activities through their own methods as their people, all
at the time at which they happened: a clock of ours stands in for the ORM's. Messages that were exchanged are created
with their dates, some of them come by the mail gateway, heads and all. Nothing is sent to anybody.
"""

import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime

from odoo import Command
from odoo.orm import fields_temporal

from . import company, past_after, past_calls, past_events, past_support, past_work

WEEKS = 13
#: of a year ago, there is this share of the calls and of the work
THIN = 0.2
#: nobody is told of what is long over
QUIET = {
    "mail_auto_subscribe_no_notify": True,
    "mail_create_nosubscribe": True,
    "mail_notify_force_send": False,
    "mail_activity_quick_update": True,
    "no_mail_to_attendees": True,
    "dont_notify": True,
}
#: scheduled actions that figures come from; not those that send something to people
_ACTIONS = ("ir_cron_reckon", "ir_cron_rank", "ir_cron_look", "ir_cron_use")
_STAGES = {"Qualified": "crm.stage_lead2", "Proposition": "crm.stage_lead3"}


def write(env, tell) -> None:
    """Write it all, and say what it was.

    :param tell: takes a line for people as soon as it is true
    """
    began = time.monotonic()
    env = env(context={**env.context, **QUIET})
    now = datetime.now(timezone.utc)
    pen = _Pen(env, now)
    pen.prepare()
    tell(f"{len(pen.customers)} customers with their people")
    today = now.astimezone(past_calls.ZONE).date()
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS)
    year = timedelta(weeks=52)
    free = frozenset({monday - timedelta(weeks=5, days=-2)})
    pen.close(free)
    away = monday - timedelta(weeks=7)
    for what, begins, ends, share, absent in (
        ("a year ago", first - year, monday - year + timedelta(days=11), THIN, {}),
        ("this quarter", first, today, 1.0, {company.PHONES[3].number: (away, away + timedelta(days=4))}),
    ):
        days = past_calls.working_days(begins, ends, free)
        past = past_work.Past(days, now, share, live=share == 1.0)
        for count, kind in pen.live(days, past, share, absent):
            tell(f"{what}: {count} {kind}")
    past_after.finish(pen, today)
    past_support.finish(env, now.replace(tzinfo=None, microsecond=0))
    env.cr.commit()
    # what would come by itself within a minute, a night or a week
    for name in _ACTIONS:
        if action := env.ref(f"crm_productivity.{name}", raise_if_not_found=False):
            action.method_direct_trigger()
    env.cr.rollback()
    tell(
        f"figures of {env['crm.productivity.day'].search_count([])} days and people; {time.monotonic() - began:.0f} s in all"
    )


@contextmanager
def at(env, moment: datetime):
    """For what happens inside it is then: for the ORM, its dates and its log columns."""
    naive = moment.astimezone(timezone.utc).replace(tzinfo=None)
    before = fields_temporal.datetime, fields_temporal.date
    fields_temporal.datetime, fields_temporal.date = _stand_in(datetime, naive), _stand_in(date, naive)
    env.cr.now = lambda: naive
    try:
        yield
        env.flush_all()
        # what is tracked becomes a message now
        env.cr.precommit.run()
    finally:
        fields_temporal.datetime, fields_temporal.date = before
        del env.cr.now


def _stand_in(real, naive):
    """A class that is like `real`, but for what time it is."""

    class Clock(type):
        def __instancecheck__(cls, value):
            return isinstance(value, real)

        def __getattr__(cls, name):
            return getattr(real, name)

        def __call__(cls, *values, **named):
            return real(*values, **named)

        def now(cls, tz=None):
            return naive.replace(tzinfo=timezone.utc).astimezone(tz) if tz else naive

        def today(cls):
            return naive.date() if real is date else naive

    return Clock(real.__name__, (), {})


class _Pen:
    """Who there is in Odoo, and what was written so far."""

    def __init__(self, env, now: datetime):
        self.env, self.now = env, now
        self.users = {
            phone.key: env.ref(f"crm_voip_bridge.demo_person_{phone.key}") for phone in company.PHONES if phone.user
        }
        self.teams = {key: env.ref(f"crm_voip_bridge.demo_team_{key}") for key in ("sales", "support")}
        self.pbx = env.ref("crm_voip_bridge.demo_pbx")
        self.company = self.pbx.company_id
        self.pbx = self.pbx.with_company(self.company)
        self.customers, self.people, self.deals = {}, {}, {}

    def prepare(self) -> None:
        """The company's own settings, and its customers."""
        env = self.env
        env.ref("base.EUR").active = True
        self.company.currency_id = env.ref("base.EUR")
        self.company.resource_calendar_id.tz = "Europe/Amsterdam"
        for name, field in self.company._fields.items():
            # as with calls, the demo company has decided for every function
            if name.startswith("crm_productivity_") and field.type == "boolean" and field.store and not field.readonly:
                self.company[name] = True
        # they were in their teams all the time, not since the demo data came
        env["crm.productivity.member"].search(
            [("user_id", "in", [user.id for user in self.users.values()])]
        ).begins = date(2020, 1, 1)
        found = past_work.past_customers.customers()
        countries = {"NL": env.ref("base.nl").id, "DE": env.ref("base.de").id, "GB": env.ref("base.uk").id}
        companies = env["res.partner"].create(
            [
                {"name": one.name, "is_company": True, "phone": one.number, "country_id": countries[one.country],
                 "email": f"office@{one.key}.example", "user_id": self.users[one.owner].id}
                for one in found
            ]
        )  # fmt: skip
        for one, record in zip(found, companies, strict=True):
            self.customers[one.key] = record
        vals = [
            {"name": name, "parent_id": self.customers[one.key].id, "phone": number, "country_id": countries[one.country],
             "email": f"{name.split()[0].lower()}@{one.key}.example", "user_id": self.users[one.owner].id}
            for one in found
            for name, number in one.people
        ]  # fmt: skip
        people = iter(env["res.partner"].create(vals))
        for one in found:
            self.people[one.key] = [next(people) for _name in one.people]

    def close(self, days: frozenset[date]) -> None:
        """Nobody works on these days."""
        self.env["resource.calendar.leaves"].create(
            [
                {"name": "Company outing", "calendar_id": self.company.resource_calendar_id.id, "company_id": self.company.id,
                 "date_from": datetime(day.year, day.month, day.day),
                 "date_to": datetime(day.year, day.month, day.day, 22)}
                for day in days
            ]
        )  # fmt: skip

    def live(self, days: list[date], past: past_work.Past, share: float, absent: dict):
        """Let some days happen one after the other; yields how many of what there were."""
        steps, calls, count = defaultdict(list), defaultdict(list), 0
        for deal in past.deals:
            for step in deal.steps:
                steps[step.at.astimezone(past_calls.ZONE).date()].append((step.at, deal, step.what))
        for call in past_calls.calls(days, self.now, share, absent):
            calls[call.start.astimezone(past_calls.ZONE).date()].append(call)
            count += 1
        for place, day in enumerate(sorted(steps.keys() | calls.keys())):
            for moment, deal, what in sorted(steps[day], key=lambda one: (one[0], one[1].key)):
                self._step(moment, deal, what)
            self._fold(calls[day])
            if place % 5 == 4:
                self.env.cr.commit()
                self.env.invalidate_all()
        yield count, "calls"
        yield len(past.deals), "opportunities"
        yield past_after.cards(self, [call for some in calls.values() for call in some]), "cards after calls"
        yield self._messages(past), "messages"
        yield past_after.tasks(self, past), "activities and meetings"
        self.env.cr.commit()

    # ------------------------------------------------------------ parts

    def _fold(self, calls: list[past_calls.Call]) -> None:
        if not calls:
            return
        with at(self.env, max(call.end for call in calls) + timedelta(minutes=1)):
            journal = self.pbx.env["crm.voip.journal"]
            told = [event for call in calls for event in past_events.events(call)]
            events, refused = journal._read_batch(told)
            if refused:
                raise ValueError(f"Events were refused: {refused[:3]}")
            fresh = journal._take(self.pbx, events)
            self.pbx.env["crm.voip.call"]._fold(self.pbx, self.pbx.env["crm.voip.call.ref"]._refs_of(fresh), told=fresh)

    def _step(self, moment: datetime, deal: past_work.Deal, what: str) -> None:
        user = self.users[deal.person]
        with at(self.env, moment):
            if what == "created":
                self.deals[deal.key] = (
                    self.env["crm.lead"]
                    .with_user(user)
                    .create(
                        {
                            "name": deal.name,
                            "type": "opportunity",
                            "partner_id": self.people[deal.customer.key][0].id,
                            "user_id": user.id,
                            "team_id": self.teams["sales"].id,
                            "company_id": self.company.id,
                            "expected_revenue": deal.amount,
                            # no service outside is asked about invented customers
                            **({"iap_enrich_done": True} if "iap_enrich_done" in self.env["crm.lead"]._fields else {}),
                        }
                    )
                )
                return
            lead = self.deals[deal.key]
            if what == "won":
                lead.action_set_won()
            elif what == "lost":
                reasons = self.env["crm.lost.reason"].search([], order="id")
                lead.action_set_lost(lost_reason_id=reasons[deal.amount // 100 % len(reasons)].id)
            else:
                lead.stage_id = self.env.ref(_STAGES[what])

    def _messages(self, past: past_work.Past) -> int:
        vals, subtype = [], self.env.ref("mail.mt_comment").id
        for place, one in enumerate(past.messages):
            record = self.deals[one.deal] if one.deal else self.customers[one.customer.key]
            them, us = self.people[one.customer.key][0], self.users[one.person].partner_id
            if one.inbound and (one.kind == "automatic" or place % 25 == 0):
                self._gateway(one, record, them)
                continue
            author = them if one.inbound else us
            machine = one.kind == "automatic" and not one.inbound
            row = {
                "model": record._name,
                "res_id": record.id,
                "date": one.at.replace(tzinfo=None),
                "subject": one.subject,
                "body": one.body,
                "author_id": author.id,
                "email_from": author.email_formatted,
                "reply_to": author.email_formatted,
                "message_type": "email" if one.inbound else "auto_comment" if machine else "comment",
                "subtype_id": subtype,
            }
            if one.inbound:
                row["crm_productivity_kind"] = one.kind
            else:
                told = {"res_partner_id": them.id, "notification_type": "email", "notification_status": "sent"}
                row["notification_ids"] = [Command.create(told)]
            vals.append(row)
        self.env["mail.message"].create(vals)
        return len(past.messages)

    def _gateway(self, one: past_work.Message, record, them) -> None:
        """A mail as it arrives from outside."""
        mail = EmailMessage()
        mail["From"], mail["To"] = them.email_formatted, "sales@kestrel.example"
        mail["Subject"], mail["Date"] = one.subject, format_datetime(one.at)
        mail["Message-Id"] = f"<past-{record._name}-{record.id}-{one.at:%Y%m%d%H%M%S}@{one.customer.key}.example>"
        if one.kind == "automatic":
            mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(one.body)
        mails = self.env["mail.mail"].sudo()
        with at(self.env, one.at):
            self.env["mail.thread"].message_process(record._name, mail.as_string(), thread_id=record.id)
            mails.search([("state", "=", "outgoing"), ("create_date", "=", one.at.replace(tzinfo=None))]).unlink()
