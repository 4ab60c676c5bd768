"""The demo company's support, in the middle of a long day: one customer has had most of it, and eight others wait.

Runs inside Odoo, after the past was written (past_write.py), whose calls are in the ledger already.
"""

from datetime import timedelta

_HEAVY = "demo_customer_jens"
#: minutes before now, how long it took, what it was about, what was done
_DAY = (
    (355, 24, "question", "How the export is set up"),
    (310, 14, "repeated", "The same question once more"),
    (255, 31, "out_of_scope", "Their own printer"),
    (190, 17, "failed_delivery", "The e-mail of Monday did not arrive"),
    (140, 22, "repeated", "The e-mail of Monday, sent again"),
    (75, 19, "repeated", "The e-mail of Monday, sent a third time"),
)
#: who waits since how many minutes, for what, and whether a date is promised
_WAITING = (
    ("demo_customer_amelia", 95, "The order form shows the wrong currency", "Orders", 1),
    ("demo_customer_carlos", 80, "The new colleague needs access", "Access", None),
    ("demo_customer_dewi", 70, "Prices of spare parts are out of date", "Orders", None),
    ("demo_customer_omar", 55, "The scale does not talk to the software", "Devices", 2),
    ("demo_customer_workshop_a", 40, "The invoice does not print", "Invoices", None),
    ("demo_customer_office_a", 35, "How to close the month", "Invoices", None),
    ("demo_customer_sinar", 20, "Import stops at line 400", "Import", None),
    ("demo_customer_northridge", 10, "A report is empty", "Import", None),
)


def finish(env, now) -> None:
    """Roles, agreements, what waits, and what the day brought so far.

    :param now: naive UTC
    """

    def customer(name):
        return env.ref(f"crm_voip_bridge.{name}")

    for person, group in (("marek", "technician"), ("priya", "supervisor")):
        group_id = env.ref(f"crm_support_budget.group_{group}").id
        env.ref(f"crm_voip_bridge.demo_person_{person}").group_ids = [(4, group_id)]
    company = env.ref("base.main_company")
    Agreement, Request = env["crm.support.agreement"], env["crm.support.request"]
    for name, policy in (
        ("demo_customer_harbour", "policy_priority"),
        ("demo_customer_northridge", "policy_small"),
        ("demo_customer_sinar", "policy_contacts"),
    ):
        Agreement.create(
            {
                "partner_id": customer(name).id,
                "policy_id": env.ref(f"crm_support_budget.{policy}").id,
                "date_from": now.date() - timedelta(days=200),
                "company_id": company.id,
            }
        )
    # who sees it from the other side
    company.crm_support_portal = True
    for login, name in (("jens", _HEAVY), ("amelia", "demo_customer_amelia")):
        env["res.users"].with_context(no_reset_password=True).create(
            {
                "login": login,
                "password": login,
                "partner_id": customer(name).id,
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
                "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
                "tz": "Europe/Amsterdam",
            }
        )
    topics = {
        name: env["crm.support.topic"].create({"name": name})
        for name in ("Orders", "Access", "Devices", "Invoices", "Import", "E-mail")
    }
    heavy = customer(_HEAVY)
    mail = Request.create(
        {
            "name": "The e-mail of Monday did not arrive",
            "contact_id": heavy.id,
            "company_id": company.id,
            "topic_id": topics["E-mail"].id,
            "waiting_since": now - timedelta(minutes=190),
            "state": "customer",
        }
    )
    Contact = env["crm.support.contact"].with_user(env.ref("crm_voip_bridge.demo_person_marek"))
    for ago, minutes, reason, note in _DAY:
        Contact._by_hand(
            heavy,
            minutes,
            note,
            now - timedelta(minutes=ago),
            env.ref(f"crm_support_budget.reason_{reason}"),
            mail if "e-mail" in note else None,
            company,
        )
    for name, ago, text, topic, promised in _WAITING:
        Request.create(
            {
                "name": text,
                "contact_id": customer(name).id,
                "company_id": company.id,
                "topic_id": topics[topic].id,
                "waiting_since": now - timedelta(minutes=ago),
                "promised_on": promised and now.date() + timedelta(days=promised),
            }
        )
    # who objects to one of the day's entries
    theirs = heavy.user_ids
    entry = env["crm.support.entry"].search(
        [("contact_id", "=", heavy.id), ("reason_id", "=", env.ref("crm_support_budget.reason_out_of_scope").id)],
        limit=1,
    )
    env["crm.support.objection"].with_user(theirs)._object(
        entry.with_user(theirs), "The printer prints everything else. Your last update changed the margins."
    )
    env["crm.support.notice"]._look(company)
    while env["crm.support.checkpoint"]._keep_some():
        pass
