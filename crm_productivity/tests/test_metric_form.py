from datetime import date

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.addons.crm_voip_bridge.tests.common import START, answered
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .metrics import DAY, MetricCase


@tagged("-at_install", "post_install")
class TestMetricForm(MetricCase):
    """Administrators add numbers of their own; a changed definition is told."""

    def as_admin(self, model):
        return self.env[model].with_user(self.admin).with_context(allowed_company_ids=self.company.ids)

    @freeze_time("2026-11-11 12:00")
    def test_preview(self):
        """Whether a formula works is seen at once, with the numbers of last week."""
        self.deliver(
            answered("a", phone="101"), answered("b", phone="102"), answered("c", phone="104"),
        )  # fmt: skip
        self.Stale._catch_up()
        with Form(self.as_admin("crm.productivity.metric")) as form:
            form.name, form.code, form.meaning, form.computation = "Seconds of talk", "own_talk", "-", "-"
            form.formula = "talk_s"
            # the administrator does not talk: three others for a minute each, no person's figure
            self.assertEqual(form.preview, "You: not measured. The company: 180.")
            form.formula = "talk_s / nonsense"
            self.assertIn("There is no measure “nonsense”", form.problem)
            self.assertFalse(form.preview)
            form.formula = "median(talk_s)"
            form.unit = "duration"
            self.assertEqual(form.preview, "You: not measured. The company: 1 min 00 s.")
            self.assertIn("talk_s", form.measures)
        # of fewer people it is a person's figure
        self.calls("c").user_id = self.calls("c").leg_ids.user_id = self.tom
        self.calls("c")._productivity_changed()
        self.Stale._catch_up()
        metric = self.as_admin("crm.productivity.metric").search([("code", "=", "own_talk")])
        metric.invalidate_recordset()
        self.assertEqual(metric.preview, "You: not measured.")

    def test_versions_are_told(self):
        with freeze_time("2026-11-02 12:00"):
            metric = self.as_admin("crm.productivity.metric").create(
                {"name": "Effort", "code": "effort", "meaning": "-", "computation": "-", "formula": "calls_made"}
            )
        with freeze_time("2026-11-05 12:00"):
            metric.formula = "calls_made + taken"
            metric.formula = "calls_made + taken + meetings"  # nobody has seen the one before
            self.assertEqual(metric.version, 2)
        with freeze_time("2026-11-09 12:00"):
            metric.unit = "amount"
        versions = metric.version_ids
        self.assertEqual(versions.mapped("version"), [3, 2, 1])
        self.assertEqual(versions.mapped("since"), [date(2026, 11, 9), date(2026, 11, 5), False])
        between = metric._versions_between
        self.assertEqual(between("effort", date(2026, 11, 1), date(2026, 11, 4)).mapped("version"), [1])
        self.assertEqual(between("effort", date(2026, 11, 4), date(2026, 11, 5)).mapped("version"), [1, 2])
        self.assertEqual(between("effort", date(2026, 11, 5), date(2026, 11, 30)).mapped("version"), [2, 3])
        note = metric._definition_note(date(2026, 11, 1), date(2026, 11, 8))
        self.assertEqual(note, "Before 11/05/2026 it was: calls_made")
        self.assertFalse(metric._definition_note(date(2026, 11, 1), date(2026, 11, 4)))
        self.assertFalse(metric._definition_note(date(2026, 11, 9), date(2026, 11, 30)))
        self.assertEqual(metric.history, "Before 11/09/2026 it was: calls_made + taken + meetings")
        # what was shown once is not deleted, and a copy is another metric
        with self.assertRaises(ValidationError):
            metric.unlink()
        self.assertEqual(metric.copy().code, "effort_copy")

    # --- thresholds ---

    def test_a_threshold_holds_from_its_day_on(self):
        metric = self.env.ref("crm_productivity.metric_conversations").with_company(self.company)
        self.deliver(answered("a", seconds=50), answered("b", seconds=50, start=START.replace(day=4)))
        of = {"first": DAY, "last": date(2026, 11, 4)}
        self.assertMetrics(self.tom, of=of, conversations=0)
        self.assertEqual(metric.thresholds, "A conversation has at least 60 seconds of talk.")
        self.assertFalse(metric._definition_note(*of.values(), self.company))
        with freeze_time("2026-11-04 12:00"):
            self.env["res.config.settings"].with_company(self.company).create(
                {"crm_productivity_conversation_s": 45}
            ).execute()
        # the 2nd keeps the 60 seconds, the 4th has 45; also when all is reckoned anew
        self.assertMetrics(self.tom, of=of, conversations=1)
        self.assertMetrics(self.tom, conversations=0)
        self.Stale._mark_everything()
        self.assertMetrics(self.tom, of=of, conversations=1)
        metric.invalidate_recordset()
        self.assertEqual(metric.thresholds, "A conversation has at least 45 seconds of talk.")
        self.assertEqual(
            metric._definition_note(*of.values(), self.company),
            "Before 11/04/2026: A conversation has at least 60 seconds of talk.",
        )
        # other companies keep theirs
        self.assertFalse(metric._definition_note(*of.values(), self.env.ref("base.main_company")))
        # set back on the same day: nothing was
        with freeze_time("2026-11-04 13:00"):
            self.company.crm_productivity_conversation_s = 60
        self.assertFalse(metric._definition_note(*of.values(), self.company))
        self.assertMetrics(self.tom, of=of, conversations=0)

    def test_each_threshold_is_said_beside_its_numbers(self):
        for code, words in (
            ("solved_at_once", "within 7 days"),
            ("calls_per_topic", "within 7 days"),
            ("service_level", "within 20 seconds"),
            ("abandoned", "within 5 seconds"),
        ):
            metric = self.env.ref(f"crm_productivity.metric_{code}")
            self.assertIn(words, metric._definition(), code)

    def test_settings_refuse_nonsense(self):
        for name, value in (
            ("crm_productivity_conversation_s", 0),
            ("crm_productivity_level_s", -1),
            ("crm_productivity_short_s", -1),
            ("crm_productivity_repeat_days", 0),
            ("crm_productivity_repeat_days", 400),
        ):
            with self.assertRaises(CheckViolation), self.cr.savepoint(), mute_logger("odoo.sql_db"):
                self.company[name] = value
                self.env.flush_all()
            self.company.invalidate_recordset()
