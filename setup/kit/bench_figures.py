"""Inside Odoo: kept figures made from nothing, the same figures from the plain tables, and the upkeep of a busy hour.

    python -m kit.bench_figures DATABASE (recompute | plain | busy)

With Odoo's own Python, for `setup/bench productivity`; prints a line of JSON for each thing measured.
"""

import json
import statistics
import sys
import time
from datetime import datetime, timedelta

import odoo.tools
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import SQL

#: of the busy hour
CALLS, MESSAGES = 2000, 1000
TURNS = 3


def main():
    """Measure one of them."""
    database, what = sys.argv[1:]
    odoo.tools.config.parse_config(["-d", database, "--log-level=warn"])
    with Registry(database).cursor() as cr:
        globals()[what](api.Environment(cr, SUPERUSER_ID, {}))


def tell(**values):
    """Say what was measured."""
    print(json.dumps(values, default=str), flush=True)


# ------------------------------------------------------------------ from nothing


def recompute(env):
    """All kept figures of all days there are, by the product's own recalculation."""
    Stale, Touched = env["crm.productivity.stale"], env["crm.productivity.touched"]
    Stale._mark_everything()
    env.cr.commit()
    began, done = time.perf_counter(), 0
    while count := Touched._reckon_some():
        done += count
        env.cr.commit()
        if done % 20_000 < count:
            tell(progress=f"{done:_} opportunities, contacts and other records followed up")
    tell(what="records", count=done, seconds=time.perf_counter() - began)
    waiting = Stale._waiting()
    began, done = time.perf_counter(), 0
    while count := Stale._reckon_some():
        done += count
        env.cr.commit()
        tell(progress=f"{done} of {waiting} days")
    tell(what="days", count=done, seconds=time.perf_counter() - began)
    # what is kept by other things than days has a queue of its own
    Customers = env.get("crm.productivity.customer.stale")
    began, done = time.perf_counter(), 0
    while Customers is not None and (count := Customers._reckon_some()):
        done += count
        env.cr.commit()
        tell(progress=f"{done:_} marks of customers")
    tell(what="marks of customers", count=done, seconds=time.perf_counter() - began)
    began = time.perf_counter()
    Stale._catch_up()
    env.cr.commit()
    tell(what="runs more", count=1, seconds=time.perf_counter() - began)
    for name in (*Stale._kept(), *([] if Customers is None else ["crm.productivity.customer"])):
        table = env[name]._table
        [(rows, size)] = env.execute_query(
            SQL("SELECT (SELECT count(*) FROM %s), pg_total_relation_size(%s)", SQL.identifier(table), table)
        )
        tell(what="kept", model=name, count=rows, bytes=size)


# ------------------------------------------------------------------ from the plain tables


def plain(env):
    """What the screens show, added up from the tables that calls, messages and opportunities are in."""
    company = env["res.company"].search([], limit=1)
    today = env["crm.productivity.stale"]._today(company)
    monday = today - timedelta(days=today.weekday())
    weeks = [(one, one + timedelta(days=6)) for one in (monday, monday - timedelta(7), monday - timedelta(364))]
    user = env["res.users"].search([("login", "=", "scale_0")])
    _plain(env, "Team week", lambda: [_facts(env, company, *week) for week in weeks])
    # today, this week, the last one, and the eight before
    _plain(env, "My numbers", lambda: _facts(env, company, monday - timedelta(weeks=8), today, user))
    start = datetime.combine(monday - timedelta(weeks=13), datetime.min.time())
    _plain(env, "When", lambda: env.execute_query(_hours(company, start)))
    _plain(
        env, "Customers", lambda: env.execute_query(_customers(company, datetime.combine(today, datetime.min.time())))
    )


def _plain(env, screen, work):
    times = []
    for _turn in range(TURNS):
        env.invalidate_all()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    tell(what="plain", screen=screen, ms=min(times) * 1000, middle=statistics.median(times) * 1000)


def _facts(env, company, first, last, user=None):
    """Each measure by team, added up from what the kept figures are made of."""
    start, end = env["crm.productivity.stale"]._bounds(company, first, last)
    return env.execute_query(
        SQL(
            """SELECT fact.team_id, fact.measure, sum(fact.value) FROM (%s) AS fact (user_id, team_id, at, measure, value)
                WHERE %s GROUP BY 1, 2""",
            env["crm.productivity.facts"]._select(company, start, end),
            SQL("fact.user_id = %s", user.id) if user else SQL("TRUE"),
        )
    )


def _hours(company, start):
    """Calls offered, taken, lost and reached by weekday and hour of a quarter."""
    zone = company.partner_id.tz or "UTC"
    return SQL(
        """SELECT extract(isodow FROM call.started_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s) AS weekday,
                  extract(hour FROM call.started_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s) AS hour,
                  count(*) FILTER (WHERE leg.role = 'called' AND call.direction = 'inbound') AS offered,
                  count(*) FILTER (WHERE leg.role = 'called' AND leg.outcome = 'answered') AS taken,
                  count(DISTINCT call.id) FILTER (WHERE call.direction = 'inbound' AND call.disposition != 'answered') AS lost,
                  count(DISTINCT call.id) FILTER (WHERE call.direction = 'outbound' AND call.disposition = 'answered') AS reached
             FROM crm_voip_call AS call JOIN crm_voip_leg AS leg ON leg.call_id = call.id
            WHERE call.company_id = %(company)s AND call.started_at >= %(start)s GROUP BY 1, 2""",
        zone=zone,
        company=company.id,
        start=start,
    )


def _customers(company, end):
    """Attention of a quarter by customer: calls, minutes, messages, answer times; and the fifth of a year's revenue."""
    return SQL(
        """WITH revenue AS (
               SELECT partner.commercial_partner_id AS id, sum(lead.expected_revenue) AS amount
                 FROM crm_lead AS lead JOIN res_partner AS partner ON partner.id = lead.partner_id
                WHERE lead.won_status = 'won' AND lead.date_closed >= %(end)s - interval '12 months' GROUP BY 1),
             fifth AS (SELECT id, ntile(5) OVER (ORDER BY amount) AS fifth FROM revenue),
             called AS (
               SELECT partner.commercial_partner_id AS id, count(*) AS calls, sum(call.talk_s) AS talk_s,
                      count(*) FILTER (WHERE call.direction = 'inbound' AND call.disposition != 'answered') AS missed,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM call.answered_at - call.started_at)) AS wait
                 FROM crm_voip_call AS call JOIN res_partner AS partner ON partner.id = call.partner_id
                WHERE call.company_id = %(company)s AND call.started_at >= %(end)s - interval '3 months' GROUP BY 1),
             written AS (
               SELECT COALESCE(lead_partner.commercial_partner_id, partner.commercial_partner_id) AS id, count(*) AS messages,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY turn.worked_s) AS answered
                 FROM crm_productivity_turn AS turn
                 LEFT JOIN crm_lead AS lead ON turn.res_model = 'crm.lead' AND lead.id = turn.res_id
                 LEFT JOIN res_partner AS lead_partner ON lead_partner.id = lead.partner_id
                 LEFT JOIN res_partner AS partner ON turn.res_model = 'res.partner' AND partner.id = turn.res_id
                WHERE turn.company_id = %(company)s AND turn.since >= %(end)s - interval '3 months' GROUP BY 1)
           SELECT COALESCE(fifth.fifth, 0), count(*), sum(called.calls), sum(called.talk_s), sum(called.missed),
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY called.wait), sum(written.messages),
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY written.answered)
             FROM called FULL JOIN written USING (id) LEFT JOIN fifth USING (id) GROUP BY 1""",
        company=company.id,
        end=end,
    )


# ------------------------------------------------------------------ a busy hour


def busy(env):
    """So many calls and messages came in the last hour; how long until every kept figure is right again."""
    Stale, Day = env["crm.productivity.stale"], env["crm.productivity.day"]
    # what others left is not of this hour
    Stale._catch_up()
    env.cr.commit()
    calls, messages = _calls(env), _messages(env)
    env["crm.voip.call"].browse(calls)._productivity_changed()
    env["mail.message"].browse(messages)._productivity_changed()
    env.cr.precommit.run()
    env.cr.commit()
    queues = ("crm.productivity.touched", "crm.productivity.stale", "crm.productivity.customer.stale")
    waiting = {name: env[name].search_count([]) for name in queues if name in env}
    began = time.perf_counter()
    Stale._catch_up()
    env.cr.commit()
    seconds = time.perf_counter() - began
    company = env["crm.voip.call"].browse(calls[0]).company_id
    today = Stale._today(company)
    days = sorted({today, today - timedelta(days=1)})
    names = [name for name in Day._measures() if Day._fields[name].type != "float"]
    [kept] = env.execute_query(
        SQL(
            "SELECT %s FROM crm_productivity_day WHERE company_id = %s AND day = ANY(%s)",
            SQL(", ").join(SQL("sum(%s)", SQL.identifier(name)) for name in names),
            company.id,
            days,
        )
    )
    sums, _buckets = Day._added_up(company, days)
    wrong = [
        f"{name}: {value}, not {right}"
        for name, value in zip(names, kept, strict=True)
        if abs((value or 0) - (right := sum(one.get(name, 0) for one in sums.values()))) > 0.01
    ]
    tell(what="busy", calls=len(calls), messages=len(messages), seconds=seconds, waiting=waiting, wrong=wrong)
    # the next one is to find what this one found
    env["crm.voip.call"].browse(calls)._productivity_changed()
    env["mail.message"].browse(messages)._productivity_changed()
    env.cr.precommit.run()
    env.cr.execute("DELETE FROM crm_voip_call WHERE id = ANY(%s)", [calls])
    env.cr.execute("DELETE FROM mail_message WHERE id = ANY(%s)", [messages])
    Stale._catch_up()
    env.cr.commit()


def _copied(env, table, where, count, **changed):
    """Copies of some rows of the last hour, other columns than `changed` as they are; pairs of the old and the new id.

    `chosen.moment` is a moment of that hour, another one for each row.
    """
    rows = env.execute_query(
        SQL("SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name != 'id'", table)
    )
    names = [name for (name,) in rows]
    return env.execute_query(
        SQL(
            """WITH chosen AS (SELECT old.*, nextval(pg_get_serial_sequence(%(name)s, 'id')) AS new_id,
                                      now() AT TIME ZONE 'UTC' - interval '59 minutes' * random() AS moment
                                 FROM %(table)s AS old WHERE %(where)s LIMIT %(count)s),
                    made AS (INSERT INTO %(table)s (id, %(columns)s) SELECT new_id, %(values)s FROM chosen AS old RETURNING id)
               SELECT chosen.id, chosen.new_id FROM chosen JOIN made ON made.id = chosen.new_id""",
            name=table,
            table=SQL.identifier(table),
            where=where,
            count=count,
            columns=SQL(", ").join(SQL.identifier(name) for name in names),
            values=SQL(", ").join(changed.get(name, SQL.identifier("old", name)) for name in names),
        )
    )


def _calls(env):
    """Calls of the last hour with their phones: copies of earlier ones."""
    mark = SQL("%s", f"busy-{time.time_ns()}-")
    env.cr.execute("SELECT max(id) FROM crm_voip_call")
    [last] = env.cr.fetchone()
    where = SQL("old.id > %s - 50000 AND old.direction != 'internal'", last)
    later = {
        name: SQL("old.moment + (old.%s - old.started_at)", SQL.identifier(name))
        for name in ("answered_at", "ended_at")
    }
    pairs = _copied(
        env,
        "crm_voip_call",
        where,
        CALLS,
        call_ref=SQL("%s || old.id", mark),
        started_at=SQL("old.moment"),
        create_date=SQL("old.moment"),
        **later,
    )
    for old, new in (dict(pairs)).items():
        env.cr.execute(
            """INSERT INTO crm_voip_leg (call_id, company_id, ref, number, role, extension_id, user_id, started_at, offered_at,
                      answered_at, left_at, talk_s, outcome)
               SELECT new.id, leg.company_id, leg.ref, leg.number, leg.role, leg.extension_id, leg.user_id, new.started_at,
                      new.started_at + (leg.offered_at - leg.started_at), new.started_at + (leg.answered_at - leg.started_at),
                      new.started_at + (leg.left_at - leg.started_at), leg.talk_s, leg.outcome
                 FROM crm_voip_leg leg JOIN crm_voip_call new ON new.id = %s WHERE leg.call_id = %s""",
            [new, old],
        )
    news = [new for _old, new in pairs]
    for table, other in (("crm_voip_call_team_rel", "team_id"), ("crm_voip_call_user_rel", "user_id")):
        env.cr.execute(
            SQL(
                """INSERT INTO %(table)s (call_id, %(other)s)
                   SELECT pair.new, rel.%(other)s FROM unnest(%(old)s, %(new)s) AS pair (old, new)
                     JOIN %(table)s AS rel ON rel.call_id = pair.old""",
                table=SQL.identifier(table),
                other=SQL.identifier(other),
                old=[old for old, _new in pairs],
                new=news,
            )
        )
    return news


def _messages(env):
    """Mails of the last hour, each to another conversation."""
    where = SQL(
        """old.id IN (SELECT id FROM mail_message WHERE message_type = 'email' AND model IN ('crm.lead', 'res.partner')
                       ORDER BY id DESC LIMIT %s)""",
        MESSAGES,
    )
    pairs = _copied(
        env,
        "mail_message",
        where,
        MESSAGES,
        date=SQL("old.moment"),
        message_id=SQL("'<busy-' || old.id || '-' || random() || '>'"),
    )
    return [new for _old, new in pairs]


if __name__ == "__main__":
    main()
