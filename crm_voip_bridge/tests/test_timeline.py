from datetime import timedelta

from markupsafe import Markup

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged

from .common import START, VoipCase, answered, many, missed

LOTTE, JAN = "+12025550111", "+12025550112"


class TimelineCase(VoipCase):
    """A company with two people and an opportunity of each of two salespeople."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Partner = cls.env["res.partner"]
        cls.dairy = Partner.create({"name": "Molenaar", "is_company": True})
        cls.lotte = Partner.create({"name": "Lotte", "parent_id": cls.dairy.id, "phone": LOTTE})
        cls.jan = Partner.create({"name": "Jan", "parent_id": cls.dairy.id, "phone": JAN})
        cls.other = Partner.create({"name": "Somebody else", "phone": "+12025550113"})
        cls.env.flush_all()

    @classmethod
    def lead(cls, name, user, partner=None, **values):
        return cls.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "partner_id": (cls.lotte if partner is None else partner).id,
                "user_id": user.id,
                "team_id": cls.team.id,
                "company_id": cls.company.id,
                **values,
            }
        )

    def rows(self, user, partner=None, domain=()):
        rows = self.env["crm.voip.timeline"].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return rows.search(Domain("customer_id", "=", (partner or self.dairy).id) & Domain(domain))

    def told(self, user, partner=None, domain=()):
        """What somebody finds, newest first."""
        return [(row.kind, row.title) for row in self.rows(user, partner, domain)]


@tagged("-at_install", "post_install")
class TestTimeline(TimelineCase):
    """One line of all that happened with a customer."""

    def test_everything_in_order(self):
        self.deliver(answered("call", number=LOTTE))
        lead = self.lead("Scales", self.tom)
        self.env.cr.execute("UPDATE crm_lead SET create_date = %s WHERE id = %s", (START.replace(hour=8), lead.id))
        lead.invalidate_recordset()
        for record, body, subject, hour, kind, author in (
            (self.lotte, Markup("<p>When do they come?</p>"), "Scales", 10, "email", self.lotte),
            (lead, Markup("<p>Lotte wants <b>five</b> of them</p>"), False, 11, "comment", self.tom.partner_id),
        ):
            record.message_post(
                body=body,
                subject=subject,
                message_type=kind,
                author_id=author.id,
                subtype_xmlid="mail.mt_comment" if kind == "email" else "mail.mt_note",
            ).date = START.replace(hour=hour, tzinfo=None)
        self.env["calendar.event"].create(
            {
                "name": "Visit",
                "start": START.replace(hour=12, tzinfo=None),
                "stop": START.replace(hour=13, minute=30, tzinfo=None),
                "location": "Dairy",
                "user_id": self.tom.id,
                "partner_ids": [Command.set((self.jan | self.tom.partner_id).ids)],
            }
        )
        lead.activity_schedule(
            "mail.mail_activity_data_todo",
            date_deadline=START.date() + timedelta(days=3),
            summary="Send the offer",
            user_id=self.tom.id,
        )
        self.assertEqual(
            self.told(self.tom),
            [
                ("activity", "Send the offer"),
                ("meeting", "Visit"),
                ("note", "Lotte wants five of them"),
                ("email", "Scales"),
                ("call", "Answered · 1:00"),
                ("lead_new", "Scales"),
            ],
        )
        rows = self.rows(self.tom)
        self.assertEqual(
            rows.mapped("detail"), ["To-Do", "1:30 h · Dairy", "", "When do they come?", f"{LOTTE}", "New"]
        )
        self.assertEqual(rows.mapped("direction"), [False, False, False, "inbound", "inbound", False])
        self.assertEqual(rows.lead_id, lead)
        self.assertEqual(rows.partner_id, self.lotte | self.jan)
        self.assertEqual(rows.commercial_partner_id, self.dairy)
        self.assertEqual(rows[2].user_id, self.tom)
        self.assertEqual([bool(row.whole_day) for row in rows], [True, False, False, False, False, False])
        self.assertEqual(len(set(rows.ids)), 6)
        self.assertEqual(self.told(self.tom, self.jan), [("meeting", "Visit")])
        self.assertFalse(self.told(self.tom, self.other))
        self.assertEqual(self.told(self.tom, domain=[("subject", "ilike", "vis")]), [("meeting", "Visit")])

    def test_won_and_lost(self):
        won, lost = self.lead("Won one", self.tom), self.lead("Lost one", self.tom)
        won.action_set_won()
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        lost.action_set_lost(lost_reason_id=reason.id)
        told = self.told(self.tom)
        self.assertEqual(
            sorted(told),
            [("lead_lost", "Lost one"), ("lead_new", "Lost one"), ("lead_new", "Won one"), ("lead_won", "Won one")],
        )
        self.assertIn("Too dear", self.rows(self.tom, domain=[("kind", "=", "lead_lost")]).detail)

    def test_what_it_leaves_out(self):
        """Tracking notes, our own lines about calls, removed messages, activities that are done."""
        self.company.crm_voip_chatter = True
        self.deliver(answered("call", number=LOTTE))
        lead = self.lead("Scales", self.tom).with_context(tracking_disable=False)
        lead.stage_id = self.env["crm.stage"].search([("id", "!=", lead.stage_id.id)], limit=1)
        self.env.flush_all()
        removed = self.lotte.message_post(body="Oops", message_type="comment")
        self.lotte._message_update_content(removed, body="")
        activity = lead.activity_schedule("mail.mail_activity_data_todo", user_id=self.tom.id)
        activity.action_feedback()
        lines = self.env["mail.message"].search([("crm_voip_call_id", "in", self.calls().ids)])
        self.assertTrue(lines)
        self.assertEqual(sorted(self.told(self.tom)), [("call", "Answered · 1:00"), ("lead_new", "Scales")])

    def test_comment_on_a_call(self):
        call = self.deliver_one(answered("call", number=LOTTE))
        call.message_post(body="She wants it blue", message_type="comment")
        call.activity_schedule("mail.mail_activity_data_call", user_id=self.tom.id, summary="Ring back")
        self.assertEqual(
            sorted(self.told(self.tom)),
            [("activity", "Ring back"), ("call", "Answered · 1:00"), ("note", "She wants it blue")],
        )
        self.assertFalse(self.told(self.rina))

    def test_typed_calls(self):
        self.company.crm_voip_typed = True
        typed = self.env["crm.voip.typed.call"].with_user(self.tom).with_context(allowed_company_ids=self.company.ids)
        call = typed.create(
            {"partner_id": self.lotte.id, "minutes": 4, "note": "Wants two", "company_id": self.company.id}
        )
        self.assertIn(("typed", "4 min"), self.told(self.tom))
        row = self.rows(self.tom, domain=[("kind", "=", "typed")])
        self.assertIn("Wants two", row.detail)
        self.assertEqual(row.action_open()["res_id"], call.id)
        self.assertNotIn("typed", [kind for kind, _title in self.told(self.rina)])
        self.assertIn("typed", [kind for kind, _title in self.told(self.nadia)])

    def test_markup_is_text(self):
        self.lotte.message_post(body=Markup("a <b>bold</b> one &lt;script&gt;"), message_type="comment")
        self.deliver(answered("call", number=LOTTE))
        note = self.rows(self.boss, domain=[("kind", "=", "note")])
        self.assertEqual(note.title, "a bold one <script>")
        # no markup object: whatever shows it escapes it
        self.assertIs(type(note.title), str)

    def test_button(self):
        lead = self.lead("Scales", self.tom)
        alone = self.lead("Nobody's", self.tom, partner=self.env["res.partner"])
        for record, expected in (
            (self.dairy, {"Scales"}),
            (self.lotte, {"Scales"}),
            (self.jan, set()),
            (lead, {"Scales"}),
            (alone, {"Nobody's"}),
        ):
            action = record.with_user(self.tom).action_crm_voip_timeline()
            found = self.env["crm.voip.timeline"].with_user(self.tom).search(action["domain"])
            self.assertEqual(set(found.mapped("title")), expected, record.display_name)
        self.assertEqual(lead.action_crm_voip_timeline()["context"]["search_default_lead_id"], lead.id)
        # what an opportunity opens with is its customer's whole line, filtered
        self.lead("Another", self.tom, partner=self.jan)
        action = lead.with_user(self.tom).action_crm_voip_timeline()
        Row = self.env["crm.voip.timeline"].with_user(self.tom)
        self.assertEqual(set(Row.search(action["domain"]).mapped("title")), {"Scales", "Another"})
        own = Domain(action["domain"]) & Domain("lead_id", "=", lead.id)
        self.assertEqual(Row.search(own).mapped("title"), ["Scales"])

    def test_open(self):
        call = self.deliver_one(answered("call", number=LOTTE))
        lead = self.lead("Scales", self.tom)
        lead.message_post(body="A note", message_type="comment")
        event = self.env["calendar.event"].create(
            {"name": "Visit", "start": fields.Datetime.now(), "stop": fields.Datetime.now(),
             "partner_ids": [Command.set(self.jan.ids)]}
        )  # fmt: skip
        self.jan.activity_schedule("mail.mail_activity_data_todo", user_id=self.tom.id)
        opened = {
            row.kind: (action["res_model"], action["res_id"])
            for row in self.rows(self.tom)
            if (action := row.action_open())
        }
        self.assertEqual(
            opened,
            {
                "call": ("crm.voip.call", call.id),
                "lead_new": ("crm.lead", lead.id),
                "note": ("crm.lead", lead.id),
                "meeting": ("calendar.event", event.id),
                "activity": ("res.partner", self.jan.id),
            },
        )

    def test_without_a_customer(self):
        self.deliver(answered("call", number=LOTTE))
        Row = self.env["crm.voip.timeline"].with_user(self.boss)
        ids = self.env["res.partner"].search([], limit=101).ids
        ids += list(range(10**6, 10**6 + 101 - len(ids)))
        for domain in (
            [],
            [("kind", "=", "call")],
            ["|", ("customer_id", "=", self.dairy.id), ("kind", "=", "call")],
            ["!", ("customer_id", "=", self.dairy.id)],
            [("customer_id", "!=", self.dairy.id)],
            [("customer_id", "in", ids)],
            [("lead_id", "=", False)],
            [("lead_id", "in", [False, 1])],
            [("partner_id", "ilike", "a")],
            [("res_id", ">", 0)],
            [("id", ">", 0)],
        ):
            for work in (Row.search, Row.search_count, Row.search_read, lambda one: Row._read_group(one, ["kind"])):
                with self.assertRaisesRegex(UserError, "button", msg=str(domain)):
                    work(domain)
        for domain in (
            [("partner_id", "=", self.lotte.id)],
            [("commercial_partner_id", "in", self.dairy.ids)],
            [("partner_id", "child_of", self.dairy.id), ("kind", "=", "call")],
            ["|", ("customer_id", "=", self.dairy.id), ("customer_id", "=", self.other.id)],
        ):
            self.assertEqual(Row.search(domain).mapped("kind"), ["call"], domain)

    def test_groups(self):
        self.deliver(answered("a", number=LOTTE), answered("b", number=JAN), missed("c", number=JAN))
        self.lead("Scales", self.tom)
        Row = self.env["crm.voip.timeline"].with_user(self.boss)
        domain = [("customer_id", "=", self.dairy.id)]
        self.assertEqual(dict(Row._read_group(domain, ["kind"], ["__count"])), {"call": 3})
        self.assertEqual(dict(Row._read_group(domain, ["partner_id"], ["__count"])), {self.lotte: 1, self.jan: 2})
        self.assertTrue(Row.formatted_read_group(domain, ["date:month"], ["__count"]))

    def test_page(self):
        """What one may not see takes no place on a page."""
        for n in range(6):
            self.deliver(
                answered(f"t{n}", number=LOTTE, start=START + timedelta(hours=2 * n)),
                answered(f"r{n}", number=LOTTE, phone="102", start=START + timedelta(hours=2 * n + 1)),
            )
        Row = self.env["crm.voip.timeline"].with_user(self.tom)
        domain = [("customer_id", "=", self.dairy.id)]
        self.assertEqual(len(Row.search(domain, limit=4)), 4)
        self.assertEqual(len(Row.search(domain, limit=4, offset=4)), 2)
        self.assertEqual(Row.search_count(domain), 6)
        self.assertEqual(Row.search(domain, limit=2, offset=1), Row.search(domain)[1:3])
        answer = Row.web_search_read(domain, {"title": {}}, limit=4, count_limit=10)
        self.assertEqual((answer["length"], len(answer["records"])), (6, 4))

    def test_exists(self):
        self.deliver(answered("call", number=LOTTE))
        row = self.rows(self.tom)
        made_up = row.browse(row.id + 16)
        self.assertEqual((row | made_up).exists(), row)


@tagged("-at_install", "post_install")
class TestTimelineRights(TimelineCase):
    """A row whose record one may not read is nowhere: not found, counted, grouped, read or exported."""

    def nowhere(self, user, row):
        """Check that somebody comes to a row on no way."""
        Row = self.env["crm.voip.timeline"].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        hidden = Row.browse(row.id)
        domain = [("customer_id", "=", self.dairy.id)]
        kind = row.sudo().kind
        self.env.invalidate_all()
        self.assertNotIn(row.id, Row.search(domain).ids)
        self.assertFalse(Row.search([("id", "=", row.id)]))
        self.assertFalse(Row.search_count([*domain, ("kind", "=", kind)]))
        self.assertNotIn(kind, [one[0] for one in Row._read_group(domain, ["kind"], ["__count"])])
        self.assertFalse(Row.search_read([("id", "=", row.id)], ["title"]))
        for work in (
            lambda: hidden.read(["title"]),
            lambda: hidden.read(["kind"]),
            lambda: hidden.web_read({"detail": {}}),
            lambda: hidden.title,
            hidden.action_open,
            lambda: hidden.with_user(user)._export_rows([["title"]]),
            lambda: hidden.with_user(user)._export_rows([["title"], ["user_id", "name"]]),
        ):
            self.env.invalidate_all()
            # an AccessError is a UserError; the rule about persons may refuse first
            with self.assertRaises(UserError):
                work()
        self.assertFalse(hidden.has_access("read"))

    def only(self, kind):
        [row] = self.env["crm.voip.timeline"].search([("customer_id", "=", self.dairy.id), ("kind", "=", kind)])
        return row

    def test_calls_of_colleagues(self):
        self.deliver(answered("rina", number=LOTTE, phone="102"))
        for user, sees in ((self.rina, True), (self.nadia, True), (self.boss, True), (self.tom, False)):
            self.assertEqual(bool(self.rows(user)), sees, user.login)
        self.nowhere(self.tom, self.only("call"))

    def test_own_documents_only(self):
        """What a salesperson without "all documents" may not see of others' opportunities."""
        lead = self.lead("Rina's", self.rina)
        lead.message_post(body="Secret of Rina", message_type="comment", author_id=self.rina.partner_id.id)
        lead.activity_schedule("mail.mail_activity_data_todo", user_id=self.rina.id, summary="Rina's step")
        for kind in ("lead_new", "note", "activity"):
            self.nowhere(self.tom, self.only(kind))
        self.assertEqual(len(self.rows(self.rina)), 3)
        self.assertEqual(len(self.rows(self.jonas)), 3, "all documents")

    def test_lost_and_won_of_others(self):
        self.lead("Rina's", self.rina).action_set_won()
        self.nowhere(self.tom, self.only("lead_won"))
        self.lead("Rina's other", self.rina).action_set_lost()
        self.nowhere(self.tom, self.only("lead_lost"))

    def test_notes_on_a_contact(self):
        self.lotte.message_post(body="For all", message_type="comment")
        self.assertEqual(self.told(self.tom), [("note", "For all")])

    def test_private_meetings(self):
        event = self.env["calendar.event"].create(
            {
                "name": "Secret talks",
                "start": fields.Datetime.now(),
                "stop": fields.Datetime.now(),
                "user_id": self.rina.id,
                "privacy": "private",
                "partner_ids": [Command.set((self.lotte | self.rina.partner_id).ids)],
            }
        )
        self.assertEqual(self.told(self.rina), [("meeting", "Secret talks")])
        self.nowhere(self.tom, self.only("meeting"))
        event.partner_ids += self.jonas.partner_id
        self.assertEqual(self.told(self.jonas), [("meeting", "Secret talks")], "invited")
        event.privacy = "public"
        self.assertEqual(self.told(self.tom), [("meeting", "Secret talks")])

    def test_other_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.boss.company_ids += other
        self.deliver(answered("call", number=LOTTE))
        self.lead("Scales", self.boss)
        Row = self.env["crm.voip.timeline"].with_user(self.boss)
        domain = [("customer_id", "=", self.dairy.id)]
        self.assertEqual(Row.with_context(allowed_company_ids=self.company.ids).search_count(domain), 2)
        self.assertFalse(Row.with_context(allowed_company_ids=other.ids).search_count(domain))
        # a contact of a company that is not theirs: its messages are not theirs either
        elsewhere = new_test_user(
            self.env,
            "voip_elsewhere",
            groups="sales_team.group_sale_salesman_all_leads,crm_voip_bridge.group_all",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        (self.dairy | self.lotte | self.jan).company_id = self.company
        self.lotte.message_post(body="Ours", message_type="comment")
        self.assertFalse(self.told(elsewhere))
        self.nowhere(elsewhere, self.only("note"))

    def test_for_salespeople_only(self):
        portal = new_test_user(self.env, "voip_portal", groups="base.group_portal")
        portal.partner_id.parent_id = self.dairy
        self.lotte.message_post(body="Hello", message_type="comment", subtype_xmlid="mail.mt_comment")
        for user in (portal, self.clerk):
            Row = self.env["crm.voip.timeline"].with_user(user)
            for work in (Row.search, Row.search_count, Row.search_read):
                with self.assertRaises(AccessError):
                    work([("customer_id", "=", self.dairy.id)])
            with self.assertRaises(AccessError):
                Row.browse(self.only("message").id).read(["title"])

    def test_nobody_writes(self):
        self.deliver(answered("call", number=LOTTE))
        row = self.rows(self.admin)
        for work in (lambda: row.write({"kind": "note"}), row.unlink, lambda: row.create({"kind": "note"})):
            with self.assertRaises(AccessError):
                work()

    def test_persons(self):
        """Who made the calls is told of one call, not of several beside each other."""
        self.deliver(answered("tom", number=LOTTE), answered("rina", number=LOTTE, phone="102"))
        self.lotte.message_post(body="Hello", message_type="comment", author_id=self.rina.partner_id.id)
        Row = self.env["crm.voip.timeline"].with_user(self.boss)
        domain = [("customer_id", "=", self.dairy.id)]
        told = {row["title"]: row["user_id"] for row in Row.search_read(domain, ["title", "user_id"])}
        self.assertEqual(told["Answered · 1:00"], False)
        self.assertEqual(told["Hello"][0], self.rina.id, "as in the chatter")
        own = (
            self.env["crm.voip.timeline"].with_user(self.tom).search_read([*domain, ("kind", "=", "call")], ["user_id"])
        )
        self.assertEqual([row["user_id"][0] for row in own], [self.tom.id])
        for work in (
            lambda: Row._read_group(domain, ["user_id"], ["__count"]),
            lambda: Row.search_count([*domain, ("user_id", "=", self.rina.id)]),
            lambda: Row.search(domain, order="user_id"),
            lambda: Row.search(domain).export_data(["user_id"]),
        ):
            with self.assertRaisesRegex(UserError, "side by side"):
                work()
        self.assertEqual(Row.search_count([*domain, ("is_mine", "=", True)]), 0)
        self.assertEqual(len(self.rows(self.rina, domain=[("is_mine", "=", True)])), 2)
        self.assertTrue(Row.search(domain).export_data(["title", "date"])["datas"])


@tagged("-at_install", "post_install")
class TestTimelineQueries(TimelineCase):
    """As many queries for a customer of years as for a new one."""

    def test_constant(self):
        spec = {
            "title": {},
            "detail": {},
            "kind": {},
            "partner_id": {"fields": {"display_name": {}}},
            "lead_id": {"fields": {"display_name": {}}},
            "user_id": {"fields": {"display_name": {}}},
        }
        small, large = self.env["res.partner"].create([{"name": name} for name in ("Small", "Large")])
        author = self.tom.partner_id.id
        note = self.env.ref("mail.mt_note").id
        for partner, count in ((small, 90), (large, 500)):
            self.env["mail.message"].create([
                {"model": "res.partner", "res_id": partner.id, "body": f"<p>{n}</p>", "author_id": author,
                 "message_type": "comment", "subtype_id": note} for n in range(count)
            ])  # fmt: skip
            self.env["calendar.event"].create([
                {"name": f"Visit {n}", "start": START.replace(tzinfo=None), "stop": START.replace(tzinfo=None),
                 "partner_ids": [Command.set(partner.ids)]} for n in range(3)
            ])  # fmt: skip
            lead = self.lead("Scales", self.tom, partner=partner)
            lead.activity_schedule("mail.mail_activity_data_todo", user_id=self.tom.id)
            calls = self.deliver(many(count // 3, prefix=f"p{partner.id}"))
            calls.write({"partner_id": partner.id})
        self.env.flush_all()
        Row = self.env["crm.voip.timeline"].with_user(self.boss).with_context(allowed_company_ids=self.company.ids)
        costs = []
        for partner in (small, small, large):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            answer = Row.web_search_read([("customer_id", "=", partner.id)], spec, limit=80)
            costs.append(self.env.cr.sql_log_count - before)
        self.assertEqual(answer["length"], 669)
        self.assertLessEqual(costs[2], costs[1] + 1, costs)
