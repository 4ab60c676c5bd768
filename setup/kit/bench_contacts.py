"""Contacts by the million, made in the database.

Invented: Dutch numbers whose subscriber part begins with 1, which the Netherlands do not give out and
phonenumbers takes for valid. Contact `n` has a number of its own, written in one of
:data:`SPELLINGS`; of four contacts one is the employer of the other three, and every fiftieth
has an open opportunity.
"""

CONTACTS = 1_000_000
AREAS = ("20", "30", "40", "70")
#: how people write +31201234567 into a phone field; the four take turns
SPELLINGS = ("+31 20 123 4567", "020-1234567", "0031201234567", "(020) 123 45 67")


def e164(n: int) -> str:
    """The number of contact `n`, counted from 0."""
    return f"+31{AREAS[n % 4]}{1_000_000 + n // 4}"


def spelled(number: str) -> tuple[str, ...]:
    """A Dutch E.164 number in each of the spellings that a PBX uses: with +, with 00, national, bare."""
    return number, f"00{number[1:]}", f"0{number[3:]}", number[1:]


SQL = """
CREATE TEMP TABLE person AS
SELECT n,
       (SELECT max(id) FROM res_partner) + 1 + n AS id,
       (SELECT max(id) FROM res_partner) + 1 + n - n % 4 AS employer,
       (ARRAY['20', '30', '40', '70'])[n % 4 + 1] AS area,
       (1000000 + n / 4)::text AS digits,
       CASE WHEN n % 4 = 0 THEN 'Company ' || n ELSE 'Person ' || n END AS name
  FROM generate_series(0, {contacts} - 1) AS n;

INSERT INTO res_partner (id, name, complete_name, is_company, parent_id, commercial_partner_id, country_id, phone,
       phone_sanitized, type, active, lang, color, partner_share, create_uid, write_uid, create_date, write_date)
SELECT id, name,
       CASE WHEN n % 4 = 0 THEN name ELSE 'Company ' || n - n % 4 || ', ' || name END,
       n % 4 = 0,
       CASE WHEN n % 4 > 0 THEN employer END,
       employer,
       (SELECT id FROM res_country WHERE code = 'NL'),
       CASE n / 4 % 4
            WHEN 0 THEN '+31 ' || area || ' ' || left(digits, 3) || ' ' || right(digits, 4)
            WHEN 1 THEN '0' || area || '-' || digits
            WHEN 2 THEN '0031' || area || digits
            ELSE '(0' || area || ') ' || left(digits, 3) || ' ' || substr(digits, 4, 2) || ' ' || right(digits, 2)
        END,
       '+31' || area || digits,
       'contact', TRUE, 'en_US', 0, TRUE, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
  FROM person ORDER BY n;
SELECT setval('res_partner_id_seq', (SELECT max(id) FROM res_partner));

INSERT INTO crm_lead (name, type, partner_id, stage_id, active, won_status, priority, color, probability,
       automated_probability, create_uid, write_uid, create_date, write_date)
SELECT 'Opportunity ' || n, 'opportunity', id, (SELECT id FROM crm_stage ORDER BY sequence, id LIMIT 1), TRUE, 'pending',
       '0', 0, 10, 10, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
  FROM person WHERE n % 50 = 7;
"""
