from odoo.tests import HttpCase, no_retry, tagged


def job(name):
    """:return: the id that hoot gives a suite or a test of this name"""
    value = 0
    for character in name:
        value = ((value << 5) - value + ord(character)) & 0xFFFFFFFF
    return f"{value:08x}"


def not_hoot(message):
    """Whether a line on the browser's console is an error of its own; hoot ends with one for all failures."""
    return "[HOOT]" not in message


@tagged("-at_install", "post_install", "js")
class TestJavaScript(HttpCase):
    """This addon's suites in static/tests, in a real browser."""

    def _run_suites(self, preset):
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset={preset}&timeout=15000&id={job('@crm_voip_bridge')}",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=not_hoot,
        )

    @no_retry
    def test_desktop(self):
        self._run_suites("desktop")

    @no_retry
    def test_mobile(self):
        self.browser_size = "375x667"
        self.touch_enabled = True
        self._run_suites("mobile")
