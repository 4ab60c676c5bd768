"""Two years of a sales office beside its calls, made in the database: messages, opportunities, meetings, activities.

For `setup/bench productivity`, whose calls are those of :mod:`bench_calls`. Invented; everything is a function of a
number, so that two databases of one size are the same. How it is like real work: people write and call from eight to
six on working days; a few customers have most of the business (the square of an even draw picks them), the rest
little; an answer takes minutes to days, with a long tail (an exponential of the third power of an even draw), one of
sixteen never comes; four of a hundred incoming messages are a machine's; of the opportunities that are a month old four
in ten are won and as many lost, amounts spread over two orders of magnitude.
"""

#: people with a phone, in teams; customers with a number
PEOPLE, TEAMS, CUSTOMERS = 50, 5, 20_000
#: messages and opportunities for each million of calls
MESSAGES, LEADS = 400_000, 6_000

CHANCE = """
SET synchronous_commit = off; SET session_replication_role = replica;
CREATE FUNCTION pg_temp.chance(n bigint, turn int) RETURNS double precision IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
    $$ SELECT (hashint8extended(n, turn) & 1048575) / 1048576.0::float8 $$;
"""

#: opportunities, and people's teams since ever; comes before the calls, which are about them
LEADS_SQL = """
UPDATE crm_productivity_member SET begins = CURRENT_DATE - interval '3 years';

CREATE UNLOGGED TABLE bench_deal AS
WITH contact AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM res_partner WHERE phone_sanitized LIKE '+31__1%'),
     person AS (SELECT user_id, min(crm_team_id) AS team_id, row_number() OVER (ORDER BY user_id) - 1 AS place
                  FROM crm_team_member GROUP BY user_id),
     drawn AS (
    SELECT n, floor({customers} * pg_temp.chance(n, 21) ^ 2)::bigint AS contact,
           floor((SELECT count(*) FROM person) * pg_temp.chance(n, 22) ^ 1.3)::bigint AS person,
           date_trunc('second', now() AT TIME ZONE 'UTC' - interval '730 days' * (1 - (n - 1)::float8 / {leads})
                      - interval '1 hour') AS created,
           pg_temp.chance(n, 23) AS fate, 3 + 60 * pg_temp.chance(n, 24) ^ 2 AS days, pg_temp.chance(n, 25) AS size
      FROM generate_series(1, {leads}) AS n)
SELECT (SELECT COALESCE(max(id), 0) FROM crm_lead) + n AS id, n, contact.id AS partner_id, person.user_id, person.team_id,
       created, created + days * interval '1 day' AS closes,
       CASE WHEN created + days * interval '1 day' > now() AT TIME ZONE 'UTC' THEN 'pending' WHEN fate < 0.42 THEN 'won'
            WHEN fate < 0.84 THEN 'lost' ELSE 'pending' END AS fate,
       round(200 * exp(5 * size)::numeric, -1) AS amount
  FROM drawn JOIN contact ON contact.place = drawn.contact JOIN person ON person.place = drawn.person;

INSERT INTO crm_lead (id, name, type, partner_id, user_id, team_id, company_id, stage_id, active, won_status, priority, color,
       probability, automated_probability, expected_revenue, date_open, date_closed, date_last_stage_update,
       create_uid, write_uid, create_date, write_date)
SELECT id, 'Deal ' || n, 'opportunity', partner_id, user_id, team_id, (SELECT min(id) FROM res_company),
       CASE WHEN fate = 'won' THEN (SELECT id FROM crm_stage WHERE is_won ORDER BY sequence, id LIMIT 1)
            ELSE (SELECT id FROM crm_stage WHERE NOT is_won ORDER BY sequence, id OFFSET n % 3 LIMIT 1) END,
       fate <> 'lost', fate, '0', 0, CASE fate WHEN 'won' THEN 100 WHEN 'lost' THEN 0 ELSE 30 END, 30, amount, created,
       CASE WHEN fate <> 'pending' THEN closes END, closes, user_id, user_id, created, closes
  FROM bench_deal ORDER BY n;
SELECT setval('crm_lead_id_seq', (SELECT max(id) FROM crm_lead));
"""

#: a call is about the opportunity that was open then, as the bridge matches it; comes between thinking calls up and writing them
ABOUT_SQL = """
CREATE INDEX ON bench_deal (partner_id, created);
UPDATE bench_call SET lead_id = (
    SELECT deal.id FROM bench_deal AS deal
     WHERE deal.partner_id = bench_call.partner_id AND deal.created <= bench_call.started_at
       AND (deal.fate = 'pending' OR deal.closes > bench_call.started_at)
     ORDER BY deal.created DESC LIMIT 1)
 WHERE partner_id IS NOT NULL;
"""

#: table → what fills it, after the calls
FILL = {
    "mail_message": """
CREATE UNLOGGED TABLE bench_word AS
WITH thread AS (SELECT 'crm.lead' AS model, id, user_id, partner_id, n - 1 AS place FROM bench_deal),
     contact AS (SELECT partner.id, row_number() OVER (ORDER BY partner.id) - 1 AS place FROM res_partner partner
                  WHERE partner.phone_sanitized LIKE '+31__1%'),
     person AS (SELECT DISTINCT user_id, dense_rank() OVER (ORDER BY user_id) - 1 AS place FROM crm_team_member),
     drawn AS (
    SELECT n, pg_temp.chance(n, 31) AS kind, pg_temp.chance(n, 32) AS which, pg_temp.chance(n, 33) AS wait,
           date_trunc('day', now() AT TIME ZONE 'UTC' - interval '1 day' - interval '728 days' * (1 - (n - 1)::float8 / {turns}))
             + interval '8 hours' + interval '10 hours' * pg_temp.chance(n, 34) AS at
      FROM generate_series(1, {turns}) AS n),
     placed AS (
    SELECT n, kind, wait, CASE WHEN kind < 0.4 THEN 'crm.lead' ELSE 'res.partner' END AS model,
           CASE WHEN kind < 0.4 THEN floor({leads} * which)::bigint ELSE floor({customers} * which ^ 2)::bigint END AS place,
           date_trunc('second', at - CASE extract(isodow FROM at) WHEN 6 THEN 1 WHEN 7 THEN 2 ELSE 0 END * interval '1 day') AS at
      FROM drawn)
SELECT placed.n, placed.kind, placed.model, placed.at,
       CASE WHEN pg_temp.chance(placed.n, 35) > 0.06
            THEN LEAST(placed.at + interval '1 minute' * (4 + exp(8 * wait ^ 3)), now() AT TIME ZONE 'UTC') END AS answered,
       COALESCE(thread.id, contact.id) AS res_id, COALESCE(thread.partner_id, contact.id) AS partner_id,
       COALESCE(thread.user_id, person.user_id) AS user_id
  FROM placed
  LEFT JOIN thread ON thread.model = placed.model AND thread.place = placed.place
  LEFT JOIN contact ON placed.model = 'res.partner' AND contact.place = placed.place
  LEFT JOIN person ON person.place = placed.place % (SELECT count(DISTINCT user_id) FROM crm_team_member);

INSERT INTO mail_message (id, model, res_id, date, message_type, subtype_id, author_id, subject, body, is_internal,
       crm_productivity_kind, message_id, create_uid, write_uid, create_date, write_date)
SELECT base.id + 2 * n + side, model, res_id, CASE side WHEN 0 THEN at ELSE answered END,
       CASE side WHEN 0 THEN 'email' ELSE 'comment' END, base.subtype_id,
       CASE side WHEN 0 THEN word.partner_id ELSE person.partner_id END, 'About ' || n,
       '<p>' || repeat('A sentence that somebody wrote. ', 4) || '</p>', FALSE,
       CASE WHEN side = 0 THEN CASE WHEN n % 25 = 0 THEN 'automatic' ELSE 'person' END END,
       '<bench-' || n || '-' || side || '@office.example>', 1, 1,
       CASE side WHEN 0 THEN at ELSE answered END, CASE side WHEN 0 THEN at ELSE answered END
  FROM bench_word AS word JOIN res_users AS person ON person.id = word.user_id,
       generate_series(0, 1) AS side,
       (SELECT (SELECT max(id) FROM mail_message) AS id,
               (SELECT res_id FROM ir_model_data WHERE module = 'mail' AND name = 'mt_comment') AS subtype_id) AS base
 WHERE side = 0 OR answered IS NOT NULL ORDER BY n""",
    "mail_notification": """
INSERT INTO mail_notification (mail_message_id, res_partner_id, author_id, notification_type, notification_status, is_read)
SELECT message.id, COALESCE(lead.partner_id, message.res_id), message.author_id, 'email', 'sent', TRUE
  FROM mail_message AS message LEFT JOIN crm_lead AS lead ON message.model = 'crm.lead' AND lead.id = message.res_id
 WHERE message.message_id LIKE '<bench-%' AND message.message_type = 'comment' ORDER BY message.id""",
    "mail_tracking_value": """
SELECT setval('mail_message_id_seq', (SELECT max(id) FROM mail_message));
WITH moved AS (
    INSERT INTO mail_message (model, res_id, date, message_type, subtype_id, author_id, is_internal, create_uid, write_uid,
                              create_date, write_date)
    SELECT 'crm.lead', deal.id, created + (closes - created) * part, 'notification',
           (SELECT res_id FROM ir_model_data WHERE module = 'crm' AND name = 'mt_lead_stage'), person.partner_id, FALSE,
           deal.user_id, deal.user_id, created + (closes - created) * part, created
      FROM bench_deal AS deal JOIN res_users AS person ON person.id = deal.user_id,
           unnest(ARRAY[0.3, 0.7]) AS part
     WHERE created + (closes - created) * part < now() AT TIME ZONE 'UTC'
    RETURNING id, date)
INSERT INTO mail_tracking_value (field_id, mail_message_id, old_value_integer, new_value_integer, create_uid, create_date)
SELECT (SELECT id FROM ir_model_fields WHERE model = 'crm.lead' AND name = 'stage_id'), id,
       (SELECT id FROM crm_stage ORDER BY sequence, id OFFSET id_parity LIMIT 1),
       (SELECT id FROM crm_stage ORDER BY sequence, id OFFSET id_parity + 1 LIMIT 1), 1, date
  FROM (SELECT *, id % 2 AS id_parity FROM moved) AS moved""",
    "calendar_event": """
INSERT INTO calendar_event (name, start, stop, user_id, active, opportunity_id, privacy, show_as, create_uid, write_uid,
       create_date, write_date)
SELECT 'Visit ' || n, created + interval '2 days', created + interval '2 days 1 hour', user_id, TRUE, id, 'public', 'busy',
       1, 1, created, created
  FROM bench_deal WHERE n % 3 > 0""",
    "mail_activity": """
INSERT INTO mail_activity (res_model_id, res_model, res_id, user_id, activity_type_id, summary, date_deadline, active, date_done,
       automated, create_uid, write_uid, create_date, write_date)
SELECT (SELECT id FROM ir_model WHERE model = 'crm.lead'), 'crm.lead', id, user_id,
       (SELECT res_id FROM ir_model_data WHERE module = 'mail' AND name = 'mail_activity_data_todo'), 'Next step',
       CASE WHEN fate = 'pending' THEN CURRENT_DATE + (n % 20 - 5)::int ELSE closes::date END, fate = 'pending',
       CASE WHEN fate <> 'pending' THEN closes::date END, FALSE, user_id, user_id, created, created
  FROM bench_deal ORDER BY n""",
}

#: most of those who were missed were reached, in working minutes
CALLBACKS = """
UPDATE crm_voip_callback SET done_how = 'call', working_minutes = 5 + 200 * (id % 97 / 97.0) ^ 2 WHERE state = 'done' AND id % 10 > 0;
DROP TABLE IF EXISTS bench_word, bench_deal, bench_call, bench_day, bench_contact, bench_person;
"""
