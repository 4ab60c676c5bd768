"""setup/test itself: what must never pass for a passed test."""

import pytest
from kit import test_command
from kit.test_command import JAVASCRIPT, ODOO, Result

REPORT = """\
<testsuites><testsuite>
 <testcase classname="a" name="good" time="1.5"/>
 <testcase classname="a" name="bad"><failure message="no">a line</failure></testcase>
 <testcase classname="a" name="broken"><error message="no">a line</error></testcase>
 <testcase classname="a" name="left_out"><skipped message="there is no telephone"/></testcase>
 <testcase classname="a" name="forgotten"><skipped message=""/></testcase>
 <testcase classname="a" name="suites" time="2"><properties>
   <property name="kind" value="JavaScript"/><property name="suites" value="7 2"/>
 </properties><failure message="no">two failed</failure></testcase>
</testsuite></testsuites>
"""


def test_what_pytest_wrote_is_counted_by_kind(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    results = {kind: Result(kind) for kind in (ODOO, JAVASCRIPT)}
    test_command._count(report, results)
    server, script = results[ODOO], results[JAVASCRIPT]
    # A skipped test that gives no reason is a failed one.
    assert (server.passed, server.failed, server.skipped) == (1, 3, 1)
    assert (script.passed, script.failed, script.skipped) == (7, 2, 0)


def test_a_kind_without_tests_fails(capsys):
    assert test_command._report([Result(ODOO, passed=3), Result(JAVASCRIPT)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed, 1 failed, 0 skipped"


def test_all_well(capsys):
    assert test_command._report([Result(ODOO, passed=3), Result(JAVASCRIPT, passed=2, skipped=1)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("status", [2, 3, 5])
def test_pytest_that_did_not_run_is_a_failure(monkeypatch, tmp_path, status):
    monkeypatch.setattr(test_command, "RUN", tmp_path)
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {status}\n")
    program.chmod(0o755)
    monkeypatch.setattr(test_command, "PYTHON", program)
    assert test_command._pytest(ODOO, [], {})[ODOO].failed == 1
