"""pytest plugin: tells the kinds of Odoo tests apart, and keeps core's linters to our addons.

Loaded with `-p kit.pytest_kinds`. What opens the browser on the page of JavaScript suites is a
JavaScript test; what opens it elsewhere is a browser test. That is seen when it happens, so no
tag can be forgotten. For a JavaScript test, the suites' own count is what matters.
"""

import logging
import re
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest

from kit.places import TOP, addons

_HOOT = re.compile(r"(?:Passed (?P<all>\d+) tests|Failed (?P<failed>\d+) tests \((?P<passed>\d+) passed)")
_item = None


def pytest_addoption(parser):
    """Options that setup/test gives."""
    parser.addoption("--no-browser", action="store_true", help="skip what would open a browser")
    parser.addoption("--only-our-addons", action="store_true", help="show core's linters nothing else")


def pytest_sessionstart(session):
    """Wrap what is to be observed, now that Odoo is configured."""
    from odoo.tests.common import HttpCase

    if session.config.getoption("--only-our-addons"):
        _only_our_addons()
    open_browser = HttpCase.browser_js

    def browser_js(self, url_path, *args, **kwargs):
        kind = "JavaScript" if url_path.startswith("/web/tests") else "browser"
        _item.user_properties.append(("kind", kind))
        if session.config.getoption("--no-browser"):
            self.skipTest("setup/test --fast opens no browser")
        with _suite_counts(self):
            return open_browser(self, url_path, *args, **kwargs)

    HttpCase.browser_js = browser_js


def pytest_runtest_setup(item):
    """Remember which test is running."""
    global _item
    _item = item


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Two of core's linters look at all that Odoo is made of: here at our addons instead."""
    with ExitStack() as narrowed:
        if item.config.getoption("--only-our-addons"):
            import odoo.addons
            from odoo import tools

            folders = [str(TOP / name) for name in addons()]
            if item.name == "test_pylint":
                narrowed.enter_context(mock.patch.object(tools.config, "root_path", folders[0]))
            if item.name == "test_conflict_markers":
                narrowed.enter_context(mock.patch.object(odoo.addons, "__path__", folders))
                narrowed.enter_context(mock.patch.object(odoo, "__path__", []))
        yield


class _suite_counts(logging.Handler):
    """Reads from a test's browser log how many JavaScript tests passed and failed."""

    def __init__(self, test):
        super().__init__()
        self.logger = logging.getLogger(type(test).__module__)

    def __enter__(self):
        self.before = self.logger.level
        self.logger.setLevel(logging.INFO)
        self.logger.addHandler(self)

    def __exit__(self, *_error):
        self.logger.removeHandler(self)
        self.logger.setLevel(self.before)

    def emit(self, record):
        found = _HOOT.search(record.getMessage())
        if found:
            passed, failed = int(found["all"] or found["passed"]), int(found["failed"] or 0)
            _item.user_properties.append(("suites", f"{passed} {failed}"))


def _only_our_addons():
    from odoo.modules import Manifest

    every = Manifest.all_addon_manifests

    def ours():
        return [manifest for manifest in every() if Path(manifest.path).parent == TOP]

    Manifest.all_addon_manifests = staticmethod(ours)
