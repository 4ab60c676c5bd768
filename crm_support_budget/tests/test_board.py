from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import SupportCase


@tagged("post_install", "-at_install")
class TestBoard(SupportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        now = fields.Datetime.now()
        cls.requests = cls.env["crm.support.request"].create(
            [
                {
                    "name": name,
                    "contact_id": contact.id,
                    "company_id": cls.company.id,
                    "waiting_since": now - timedelta(minutes=minutes),
                }
                for name, contact, minutes in (
                    ("Old", cls.light, 50),
                    ("Older", cls.caller, 90),
                    ("Begun", cls.heavy, 9),
                )
            ]
        )
        cls.requests[2].with_user(cls.timo).action_serve()
        cls.env["crm.support.contact"].with_user(cls.tess)._by_hand(
            cls.heavy, 300, "A long day", now, company=cls.company
        )
        cls.env["crm.support.crossing"]._look(cls.company)
        cls.env["crm.support.notice"]._look(cls.company)

    def board(self, user=None):
        Board = self.env["crm.support.board"].with_user(user or self.vera).with_company(self.company)
        return Board.browse(Board.action_look()["res_id"])

    def test_what_is_now(self):
        board = self.board()
        # whoever had little is before who had much; of the one who is helped, the other request waits for its turn
        self.assertEqual(board.waiting_ids.mapped("name"), ["Old", "Older"])
        self.assertEqual((board.waiting, board.serving_ids.name), (2, "Begun"))
        self.assertEqual((board.turned_ids.partner_id, board.turned_ids.colour), (self.heavy, "red"))
        self.assertEqual(board.notice_ids.partner_id, self.heavy)
        board.notice_ids.action_take_over()
        self.assertFalse(self.board().notice_ids)

    def test_of_ones_own_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.vera.company_ids |= other
        board = self.env["crm.support.board"].with_user(self.vera).with_company(other).create({})
        self.assertFalse(board.waiting_ids + board.serving_ids)
        self.assertFalse(board.turned_ids)

    def test_a_technician_has_none(self):
        with self.assertRaises(AccessError):
            self.board(self.tess)

    def test_as_many_queries_for_many(self):
        counts = []
        for batch, size in enumerate((5, 5, 60)):
            people = self.env["res.partner"].create([{"name": f"P{batch} {place}"} for place in range(size)])
            self.env["crm.support.request"].create(
                [{"name": "Help", "contact_id": one.id, "company_id": self.company.id} for one in people]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertTrue(self.board().waiting_ids)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])
