"""Calls by the million, made in the database: what a company has after two years.

Invented throughout. :data:`PEOPLE` share the calls unevenly, from a person who is on the phone all day to the one of
:data:`FEW`, who has the same thirty calls whatever the size; so do the contacts of :mod:`bench_contacts`. Everything is
a function of the call's number, so that two databases of one size are the same. The record of the last
:data:`RECORD_MONTHS` is there event by event, as retention leaves it; of older calls the compacted one.
"""

import re

from .bench_contacts import AREAS

#: months that the calls are spread over, its working days from eight to six; and months of which the PBX record is kept
MONTHS, RECORD_MONTHS = 24, 6
#: people with a phone, the first one with the most calls; extensions count from FIRST
PEOPLE, TEAMS, FIRST = 200, 10, 101
#: calls of the person after them
FEW = 30
#: numbers of callers whom nobody knows
STRANGERS = 200_000
DIALLED = "+31101000100"

# Who there is, for `odoo-bin shell`: prints key and secret of the PBX.
_PERSONS = """
from odoo import Command
env.company.country_id = env.ref("base.nl")
env.company.write(dict(crm_voip_outcomes=True, crm_voip_callbacks=True, crm_voip_live=True))
pbx = env["crm.voip.pbx"].create(dict(name="Bench", country_id=env.ref("base.nl").id))
env["crm.voip.line"].create(dict(pbx_id=pbx.id, number="@dialled@"))
users = env["res.users"].with_context(no_reset_password=True)
basic = env.ref("sales_team.group_sale_salesman") | env.ref("base.group_user")
def make(login, groups):
    return users.create(dict(name=login, login=login, password=login, group_ids=[Command.set(groups.ids)]))
people = [make(f"scale_{number}", basic) for number in range(@people@ + 1)]
leaders = [make(f"scale_leader_{number}", basic | env.ref("crm_voip_bridge.group_team")) for number in range(@teams@)]
env.ref("base.user_admin").group_ids = [Command.link(env.ref("crm_voip_bridge.group_manager").id), Command.link(env.ref("crm_voip_bridge.group_all").id)]
for number, leader in enumerate(leaders):
    members = people[number::@teams@]
    env["crm.team"].create(dict(name=f"Team {number}", user_id=leader.id, crm_voip_outcome_required=True,
                                member_ids=[Command.set([member.id for member in members])]))
env["crm.voip.extension"].create([
    dict(pbx_id=pbx.id, number=str(@first@ + number), user_id=user.id, recorded=True) for number, user in enumerate(people)])
env["crm.voip.people.switch"].create(dict(company_id=env.company.id, purpose="Planning", agreement="Council", min_group=5))
key, secret = env["crm.voip.pbx.key"]._generate(pbx)
env.cr.commit()
print(key, secret)
"""


def persons(people: int = PEOPLE, teams: int = TEAMS) -> str:
    """The program that makes so many people with a phone, and one more with few calls, in so many teams."""
    values = {"dialled": DIALLED, "people": people, "teams": teams, "first": FIRST}
    return re.sub(r"@(\w+)@", lambda name: str(values[name[1]]), _PERSONS)


# What each call is: a table `bench_call`, which the other statements read.
PLAN = """
SET synchronous_commit = off;
CREATE FUNCTION pg_temp.chance(n bigint, turn int) RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
    $$ SELECT (hashint8extended(n, turn) & 1048575) / 1048576.0::float8 $$;

CREATE UNLOGGED TABLE bench_person AS
SELECT extension.id AS extension_id, extension.number, extension.user_id,
       row_number() OVER (ORDER BY extension.id) - 1 AS place,
       (SELECT min(crm_team_id) FROM crm_team_member AS member WHERE member.user_id = extension.user_id) AS team_id
  FROM crm_voip_extension AS extension;
CREATE UNIQUE INDEX ON bench_person (place);

CREATE UNLOGGED TABLE bench_contact AS
SELECT partner.id AS partner_id, partner.phone_sanitized AS e164, partner.name, lead.id AS lead_id,
       row_number() OVER (ORDER BY partner.id) - 1 AS place
  FROM res_partner AS partner LEFT JOIN crm_lead AS lead ON lead.partner_id = partner.id
 WHERE partner.phone_sanitized LIKE '+31__1%';
CREATE UNIQUE INDEX ON bench_contact (place);

CREATE UNLOGGED TABLE bench_day AS
SELECT day, row_number() OVER (ORDER BY day) - 1 AS place
  FROM generate_series(date_trunc('day', now() AT TIME ZONE 'UTC') - interval '{months} months',
                       date_trunc('day', now() AT TIME ZONE 'UTC') - interval '1 day', interval '1 day') AS day
 WHERE extract(isodow FROM day) < 6;

CREATE UNLOGGED TABLE bench_call AS
WITH days AS (SELECT count(*) AS count FROM bench_day),
     thrown AS (
    SELECT n, pg_temp.chance(n, 1) AS kind, pg_temp.chance(n, 2) AS person, pg_temp.chance(n, 3) AS known,
           pg_temp.chance(n, 4) AS who, pg_temp.chance(n, 5) AS length,
           (n - 1)::float8 * days.count / {calls} AS at
      FROM generate_series(1, {calls}) AS n, days),
     drawn AS (
    SELECT n, length, at,
           CASE WHEN n % ({calls} / {few}) = 17 THEN {people}
                ELSE floor({people} * person ^ 1.5)::int END AS person,
           CASE WHEN kind < 0.30 THEN 'in' WHEN kind < 0.45 THEN 'in_queue' WHEN kind < 0.49 THEN 'in_missed'
                WHEN kind < 0.52 THEN 'in_given_up' WHEN kind < 0.54 THEN 'in_voicemail' WHEN kind < 0.81 THEN 'out'
                WHEN kind < 0.93 THEN 'out_missed' WHEN kind < 0.95 THEN 'out_busy' ELSE 'internal' END AS kind,
           CASE WHEN known < 0.8 THEN floor((SELECT count(*) FROM bench_contact) * who ^ 2)::bigint END AS contact,
           floor({strangers} * who)::int AS stranger
      FROM thrown)
SELECT (SELECT COALESCE(max(id), 0) FROM crm_voip_call) + n AS id, n, kind, contact.partner_id, contact.lead_id,
       contact.name,
       CASE WHEN kind = 'internal' THEN NULL ELSE COALESCE(contact.e164, '+31501' || lpad(stranger::text, 6, '0')) END AS e164,
       'bench.' || lpad(n::text, 9, '0') AS ref,
       date_trunc('second', day.day + interval '8 hours' + (at - floor(at)) * interval '10 hours') AS started_at,
       kind IN ('in', 'in_queue', 'out', 'internal') AS answered,
       kind LIKE 'in%' AND kind <> 'internal' AS inbound,
       (8 + 20 * length)::int AS ring,
       (20 + 600 * length ^ 3)::int AS talk,
       one.user_id, one.extension_id, one.number, one.team_id,
       -- the second phone that rings, or the colleague who is called
       CASE WHEN kind LIKE 'in%' THEN two.user_id END AS other_user_id,
       CASE WHEN kind LIKE 'in%' THEN two.extension_id END AS other_extension_id,
       CASE WHEN kind LIKE 'in%' THEN two.number END AS other_number,
       CASE WHEN kind LIKE 'in%' THEN two.team_id END AS other_team_id
  FROM drawn
  JOIN bench_day AS day ON day.place = floor(at)::bigint
  JOIN bench_person AS one ON one.place = person
  JOIN bench_person AS two ON two.place = (person % {people} + {teams}) % {people}
  LEFT JOIN bench_contact AS contact ON contact.place = drawn.contact
 ORDER BY n;
ANALYZE bench_call;
"""

_CONSTANTS = """(SELECT pbx.id AS pbx_id, pbx.company_id FROM crm_voip_pbx AS pbx WHERE pbx.name = 'Bench') AS pbx"""

#: table → what fills it
FILL = {
    "crm_voip_call": """
INSERT INTO crm_voip_call (id, pbx_id, company_id, call_ref, direction, disposition, from_number, to_number, dialled,
       outside_number, outside_e164, name, queue, started_at, hour, answered_at, ended_at, ivr_s, queue_s, ring_s,
       hold_s, talk_s, has_recording, user_id, match_state, partner_id, lead_id, outcome_id, create_uid, write_uid,
       create_date, write_date {frozen})
SELECT id, pbx_id, company_id, ref,
       CASE WHEN kind = 'internal' THEN 'internal' WHEN inbound THEN 'inbound' ELSE 'outbound' END,
       CASE WHEN answered THEN 'answered' WHEN kind = 'in_given_up' THEN 'abandoned'
            WHEN kind = 'in_voicemail' THEN 'voicemail' WHEN kind = 'out_busy' THEN 'busy' ELSE 'missed' END,
       CASE WHEN inbound THEN outside ELSE number END,
       CASE WHEN inbound THEN '{dialled}' WHEN kind = 'internal' THEN other_number ELSE outside END,
       CASE WHEN inbound THEN '{dialled}' END, outside, e164, CASE WHEN inbound THEN name END,
       CASE WHEN kind IN ('in_queue', 'in_given_up') THEN 'sales' END,
       started_at, to_char(started_at, 'HH24'), CASE WHEN answered THEN started_at + ring * interval '1 second' END,
       started_at + (ring + CASE WHEN answered THEN talk ELSE 0 END) * interval '1 second', 0,
       CASE WHEN kind IN ('in_queue', 'in_given_up') THEN ring ELSE 0 END,
       CASE WHEN kind IN ('in_queue', 'in_given_up') THEN 0 ELSE ring END,
       0, CASE WHEN answered THEN talk ELSE 0 END, n % 4 = 0,
       CASE WHEN answered OR NOT inbound THEN user_id END,
       CASE WHEN kind = 'internal' THEN 'none' WHEN partner_id IS NULL THEN 'unknown' ELSE 'matched' END, partner_id, lead_id,
       CASE WHEN answered AND kind <> 'internal' AND started_at < now() - interval '2 days' AND n % 5 > 0
            THEN (SELECT min(id) FROM crm_voip_outcome) END,
       1, 1, started_at + interval '10 minutes', started_at + interval '10 minutes' {is_frozen}
  FROM (SELECT *, '0' || substr(e164, 4) AS outside FROM bench_call) AS call, {pbx} ORDER BY n""",
    "crm_voip_leg": """
INSERT INTO crm_voip_leg (call_id, company_id, ref, number, role, extension_id, user_id, started_at, offered_at,
       answered_at, left_at, talk_s, outcome, create_uid, write_uid, create_date, write_date)
SELECT call.id, company_id, call.ref || leg.place, leg.number, leg.role, leg.extension_id, leg.user_id, started_at,
       started_at + interval '1 second', CASE WHEN leg.took THEN started_at + ring * interval '1 second' END,
       started_at + (ring + CASE WHEN leg.took THEN talk ELSE 0 END) * interval '1 second',
       CASE WHEN leg.took THEN talk ELSE 0 END,
       CASE WHEN leg.took THEN 'answered' WHEN answered AND inbound THEN 'elsewhere'
            WHEN kind = 'in_given_up' THEN 'cancelled' WHEN kind = 'out_busy' THEN 'busy' ELSE 'no_answer' END,
       1, 1, started_at + interval '10 minutes', started_at + interval '10 minutes'
  FROM bench_call AS call, {pbx},
       LATERAL (VALUES ('a', call.number, CASE WHEN inbound THEN 'called' ELSE 'caller' END, call.extension_id,
                        call.user_id, answered),
                       ('b', call.other_number, 'called', call.other_extension_id, call.other_user_id,
                        kind = 'internal')) AS leg (place, number, role, extension_id, user_id, took)
 WHERE leg.number IS NOT NULL ORDER BY n""",
    "crm_voip_call_ref": """
INSERT INTO crm_voip_call_ref (pbx_id, ref, is_leg, head, call_id, dirty)
SELECT pbx_id, ref || place, is_leg, ref, CASE WHEN NOT is_leg THEN id END, FALSE
  FROM bench_call, {pbx}, (VALUES ('', FALSE), ('', TRUE), ('a', TRUE), ('b', TRUE)) AS name (place, is_leg)
 WHERE (place <> 'b' OR other_number IS NOT NULL) AND {not_compacted} ORDER BY n""",
    "crm_voip_call_user_rel": """
INSERT INTO crm_voip_call_user_rel (call_id, user_id)
SELECT id, who FROM bench_call, LATERAL (SELECT user_id UNION SELECT other_user_id) AS seen (who)
 WHERE who IS NOT NULL ORDER BY n""",
    "crm_voip_call_team_rel": """
INSERT INTO crm_voip_call_team_rel (call_id, team_id)
SELECT id, who FROM bench_call, LATERAL (SELECT team_id UNION SELECT other_team_id) AS seen (who)
 WHERE who IS NOT NULL ORDER BY n""",
    "crm_voip_wrapup": """
INSERT INTO crm_voip_wrapup (call_id, user_id, company_id, outcome_id, done_how, note, started_at, rang_at, opened_at,
       hung_up_at, done_at, outcome_at, after_call_s)
SELECT id, user_id, company_id, (SELECT min(id) FROM crm_voip_outcome), 'outcome',
       CASE WHEN n % 10 = 1 THEN 'Wants an offer by Friday, item ' || n END, started_at, started_at,
       started_at + interval '1 second', ended_at, ended_at + interval '20 seconds', ended_at + interval '20 seconds', 20
  FROM (SELECT *, started_at + (ring + talk) * interval '1 second' AS ended_at FROM bench_call) AS call, {pbx}
 WHERE answered AND kind <> 'internal' AND n % 5 > 0 AND started_at < now() - interval '2 days' ORDER BY n""",
    # each missed caller is called back once, but for the last ones
    "crm_voip_callback": """
INSERT INTO crm_voip_callback (company_id, pbx_id, number, name, partner_id, lead_id, first_call_id, last_call_id,
       first_missed_at, last_missed_at, missed_count, attempts, user_id, due_at, state, done_how, done_by_id, done_at,
       working_minutes, create_uid, write_uid, create_date, write_date)
SELECT company_id, pbx_id, e164, name, partner_id, lead_id, id, id, started_at, started_at, 1, 0, user_id,
       started_at + interval '2 hours', CASE WHEN waits THEN 'open' ELSE 'done' END, CASE WHEN NOT waits THEN 'hand' END,
       CASE WHEN NOT waits THEN user_id END, CASE WHEN NOT waits THEN started_at + interval '1 hour' END, NULL, 1, 1,
       started_at, started_at
  FROM (SELECT *, n > {calls} - 5000 AND row_number() OVER (PARTITION BY e164 ORDER BY n DESC) = 1 AS waits FROM bench_call
         WHERE inbound AND NOT answered) AS call, {pbx}
 WHERE NOT EXISTS (SELECT FROM crm_voip_callback AS other WHERE other.number = e164 AND other.state = 'open')
 ORDER BY n""",
    "crm_voip_callback_user_rel": """
INSERT INTO crm_voip_callback_user_rel (callback_id, user_id)
SELECT callback.id, seen.user_id FROM crm_voip_callback AS callback
  JOIN crm_voip_call_user_rel AS seen ON seen.call_id = callback.first_call_id""",
    "crm_voip_callback_team_rel": """
INSERT INTO crm_voip_callback_team_rel (callback_id, team_id)
SELECT callback.id, seen.team_id FROM crm_voip_callback AS callback
  JOIN crm_voip_call_team_rel AS seen ON seen.call_id = callback.first_call_id""",
    # an event is as long as those that a bridge sends
    "crm_voip_journal": """
INSERT INTO crm_voip_journal (pbx_id, event_id, call_ref, leg_ref, type, at, source, data, create_date)
SELECT pbx_id, 'a:' || ref || ':' || left(md5(ref || place), 16), ref, CASE WHEN place < 4 THEN ref ELSE ref || 'a' END, type,
       started_at + place * interval '1.3 seconds', 'ami',
       jsonb_build_object('channel', 'PJSIP/' || number || '-' || left(md5(ref), 8), 'number', number,
                          'dialled', '{dialled}', 'context', 'from-trunk', 'bridge', md5(ref)::uuid),
       started_at + interval '10 minutes'
  FROM bench_call, {pbx},
       unnest('{{started,started,ringing,started,ringing,answered,answered,ended,bridged,bridged,ended,ended}}'::text[])
            WITH ORDINALITY AS told (type, place)
 WHERE started_at >= now() - interval '{record_months} months' ORDER BY n, place""",
}

#: of calls whose record is compacted, where the addon compacts
COMPACTED = """
INSERT INTO crm_voip_compacted (pbx_id, call_ref, hashes)
SELECT pbx_id, ref, decode(repeat(md5(ref), 6), 'hex') FROM bench_call, {pbx}
 WHERE started_at < now() - interval '{record_months} months' ORDER BY n"""

#: the index of numbers, as installing the addon makes it; faster than one contact after the other
NUMBERS = """
INSERT INTO crm_voip_number (e164, source, partner_id, create_uid, write_uid, create_date, write_date)
SELECT phone_sanitized, 'field', id, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
  FROM res_partner WHERE phone_sanitized LIKE '+31__1%'"""


def values(calls: int, compacts: bool, people: int = PEOPLE, teams: int = TEAMS) -> dict:
    """What the statements are formatted with."""
    frozen = f", started_at < now() - interval '{RECORD_MONTHS} months'"
    return {
        "calls": calls,
        "few": FEW,
        "people": people,
        "teams": teams,
        "strangers": STRANGERS,
        "months": MONTHS,
        "record_months": RECORD_MONTHS,
        "dialled": DIALLED,
        "pbx": _CONSTANTS,
        # of compacted calls, only the call's own id stays
        "not_compacted": f"NOT (is_leg {frozen.replace(',', ' AND')})" if compacts else "TRUE",
        "frozen": ", frozen" if compacts else "",
        "is_frozen": frozen if compacts else "",
    }


def contact_number(place: int) -> str:
    """E.164 of the contact that has the `place`-th most calls, counted from 0."""
    return f"+31{AREAS[place % 4]}{1_000_000 + place // 4}"
