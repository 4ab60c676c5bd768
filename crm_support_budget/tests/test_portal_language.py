from odoo import fields
from odoo.tests import tagged
from odoo.tools.translate import code_translations

from .portal_common import PortalCase

LANG = "fr_FR"
#: sentences of the code, as a translator would say them
CODE = {"%(amount)s %(unit)s left": "il reste %(amount)s %(unit)s"}


@tagged("post_install", "-at_install")
class TestPortalLanguage(PortalCase):
    """What a customer gets is in their language, whoever of us causes it in whichever."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        env["res.lang"]._activate_lang(LANG)
        (cls.customer | cls.user.partner_id).lang = LANG
        env.ref("crm_support_budget.reason_question").with_context(lang=LANG).name = "Question d’usage"
        kind = env["ir.model.fields"]._get("crm.support.contact", "source").selection_ids
        kind.filtered(lambda one: one.value == "hand").with_context(lang=LANG).name = "À la main"
        for name, said in (
            ("portal_support", {"What you asked for": "Vos demandes"}),
            ("portal_support_request", {"Asked by": "Demandé par"}),
            ("report_statement_document", {"What it is made of": "Détail"}),
        ):
            env.ref(f"crm_support_budget.{name}").update_field_translations("arch_db", {LANG: said})
        mail = env.ref("crm_support_budget.mail_template_statement")
        mail.with_context(lang=LANG).body_html = str(mail.body_html).replace("Dear", "Cher")
        known = code_translations.get_python_translations("crm_support_budget", LANG)
        key = ("crm_support_budget", LANG)
        before = code_translations.python_translations.get(key)
        code_translations.python_translations[key] = {**known, **CODE}
        cls.addClassCleanup(code_translations.python_translations.__setitem__, key, before or known)
        cls.month = fields.Date.subtract(fields.Date.today().replace(day=1), months=1)
        noon = fields.Datetime.to_datetime(fields.Date.end_of(cls.month, "month")).replace(hour=12)
        cls.past = cls.helped(cls.user.partner_id, 30, noon, cls.request, env.ref("crm_support_budget.reason_question"))
        cls.env.flush_all()

    def test_the_portal(self):
        self.authenticate("portal_user", "portal_user")
        page = self.page("/my/support")
        self.shows(page, "Vos demandes", "il reste", "À la main", "Question d’usage")
        self.hides(page, "What you asked for</h4>", "Question about use")
        self.shows(self.page(f"/my/support/request/{self.request.id}"), "Demandé par")
        self.shows(self.page(f"/my/support/entry/{self.past.id}"), "Question d’usage")

    def test_the_statement(self):
        statement = self.env["crm.support.statement"]._of(self.customer, self.company, self.month)
        report = self.env["ir.actions.report"].with_context(lang="en_US")
        html = report._render_qweb_html("crm_support_budget.report_statement", statement.ids)[0].decode()
        self.shows(html, "Détail", "Question d’usage", "À la main")
        self.hides(html, "What it is made of", "Question about use")

    def test_the_mail_and_what_is_attached(self):
        statement = self.env["crm.support.statement"]._of(self.customer, self.company, self.month)
        statement.with_context(lang="en_US")._send()
        mail = self.env["mail.mail"].search([("model", "=", statement._name), ("res_id", "=", statement.id)])
        self.assertEqual(len(mail), 1)
        self.shows(mail.body_html, "Cher")
        self.hides(mail.body_html, "Dear")
        # the month in the subject is theirs, too
        month = fields.Date.to_date(self.month)
        self.assertIn(str(month.year), mail.subject)
        self.assertEqual(mail.subject, statement.with_context(lang=LANG).display_name)
        self.assertNotEqual(mail.subject, statement.with_context(lang="en_US").display_name)
        self.assertEqual(len(mail.attachment_ids), 1)
