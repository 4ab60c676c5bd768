from odoo.tests import TransactionCase, tagged

from .stories import STORIES


@tagged("-at_install", "post_install")
class TestMetricStories(TransactionCase):
    """No number is shown that nobody has worked out by hand."""

    def of_this_app(self):
        data = self.env["ir.model.data"].search(
            [("model", "=", "crm.productivity.metric"), ("module", "=", "crm_productivity")]
        )
        return (
            self.env["crm.productivity.metric"].with_context(active_test=False).browse(data.mapped("res_id")).exists()
        )

    def test_each_metric_has_a_story(self):
        metrics = self.of_this_app()
        self.assertGreater(len(metrics), 40)
        self.assertFalse(sorted(set(metrics.mapped("code")) - STORIES.keys()), "Give these a test with @story")

    def test_each_metric_is_explained(self):
        day = self.env["crm.productivity.day"]._measures()
        for metric in self.of_this_app():
            with self.subTest(metric=metric.code):
                self.assertTrue(metric.meaning and metric.computation and metric.provenance and metric.direction)
                self.assertFalse(metric.problem)
                if metric.unit == "percent":
                    measures = day if metric.scope == "day" else metric._measures_of(metric.scope)[0]
                    self.assertTrue(metric.basis in measures or metric.code == "win_rate")
                if metric.may_be_target and metric.code == "calls_made":
                    self.assertTrue(metric.counterweight_id)

    def test_nothing_measured_is_nothing(self):
        """Without any call or record no metric divides by zero, and none says nought where nothing was measured."""
        nothing = dict.fromkeys(self.env["crm.productivity.day"]._measures())
        for metric in self.of_this_app():
            with self.subTest(metric=metric.code):
                self.assertIsNone(metric._value(nothing, {}))
                self.assertEqual(metric._shown(None), "not measured")
        # and with a day of noughts, shares are empty
        noughts = dict.fromkeys(nothing, 0)
        for metric in self.of_this_app().filtered(lambda one: one.unit == "percent"):
            self.assertIsNone(metric._value(noughts, {}), metric.code)
