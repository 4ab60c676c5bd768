from odoo.tests import tagged

from .common import SupportCase


@tagged("post_install", "-at_install")
class TestInstalled(SupportCase):
    def test_technicians_see_requests_and_decide_no_policy(self):
        self.assertTrue(self.env["crm.support.request"].with_user(self.tess).has_access("create"))
        self.assertFalse(self.env["crm.support.policy"].with_user(self.tess).has_access("write"))
        self.assertTrue(self.env["crm.support.policy"].with_user(self.vera).has_access("write"))
