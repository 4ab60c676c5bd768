from odoo import Command, fields, http
from odoo.tests import HttpCase, new_test_user

#: text that must stay text
HOSTILE = "<script>x</script> help"


class PortalCase(HttpCase):
    """Two customers of one company of ours, with people who have logins, and help that each had."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, no_reset_password=True))
        env = cls.env
        cls.company = env["res.company"].create({"name": "Kestrel Portal", "country_id": env.ref("base.nl").id})
        cls.company.partner_id.tz = "Europe/Amsterdam"
        cls.company.crm_support_live_from = fields.Date.today()
        cls.company.crm_support_portal = True
        cls.customer, cls.stranger = (
            env["res.partner"].create({"name": name, "is_company": True, "email": f"{login}@example.com"})
            for name, login in (("Portal & Sons", "office"), ("Stranger Ltd", "strange"))
        )
        cls.technician = cls.person("portal_tess", "crm_support_budget.group_technician")
        cls.supervisor = cls.person("portal_vera", "crm_support_budget.group_supervisor")
        cls.user = cls.portal("portal_user", cls.customer)
        cls.other = cls.portal("portal_other", cls.stranger)
        Request = env["crm.support.request"]
        vals = {"company_id": cls.company.id}
        cls.request = Request.create({"name": "It does not print", "contact_id": cls.user.partner_id.id, **vals})
        cls.foreign_request = Request.create({"name": "Secret plan", "contact_id": cls.other.partner_id.id, **vals})
        now = fields.Datetime.subtract(fields.Datetime.now(), hours=1)
        cls.entry = cls.helped(cls.user.partner_id, 25, now, cls.request)
        cls.foreign_entry = cls.helped(cls.other.partner_id, 7, now, cls.foreign_request)
        env.flush_all()

    @classmethod
    def person(cls, login, groups, **vals):
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **vals,
        )

    @classmethod
    def portal(cls, login, customer, **vals):
        """:return: somebody of a customer, who has a login"""
        user = cls.person(login, "base.group_portal", **vals)
        user.partner_id.parent_id = customer
        return user

    @classmethod
    def helped(cls, contact, minutes, at, request=None, reason=None):
        """:return: the entry of help that somebody had"""
        made = (
            cls.env["crm.support.contact"]
            .with_user(cls.technician)
            ._by_hand(contact, minutes, "On <b>site</b>", at, reason, request, company=cls.company)
        )
        return made.sudo(True).entry_ids

    def post(self, url, **data):
        return self.url_open(url, data={"csrf_token": http.Request.csrf_token(self), **data})

    def page(self, url, status=200):
        response = self.url_open(url)
        self.assertEqual(response.status_code, status, url)
        self.assertNotIn("Traceback", response.text)
        return response.text

    def shows(self, page, *texts):
        """Each of these is on the page; without the page in the message."""
        for text in texts:
            self.assertTrue(text in page, f"{text} is missing")

    def hides(self, page, *texts):
        """None of these is on the page."""
        for text in texts:
            self.assertFalse(text in page, f"{text} is shown")

    def left(self):
        """:return: what the customer's meter says, in words"""
        Meter = self.env["crm.support.meter"]
        return Meter._left_in_words(Meter._of(self.customer, self.company)[self.customer.id])
