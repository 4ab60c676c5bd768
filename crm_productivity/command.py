"""``odoo-bin crm_productivity -d DATABASE``: the figures of some days, made anew in the foreground."""

import sys
from datetime import date

from psycopg2 import OperationalError

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main(arguments, parser):
    """Reckon days until none is left, with a line for each month; 1 if that was not possible.

    Each month is committed at once: stopped in between, Odoo's scheduled action goes on where it was.
    """
    parser.add_argument("-d", "--database", required=True)
    parser.add_argument("-c", "--config", help="Odoo's configuration file")
    parser.add_argument(
        "--from", dest="first", type=_date, metavar="YYYY-MM-DD", help="default: the first day there is"
    )
    parser.add_argument("--to", dest="last", type=_date, metavar="YYYY-MM-DD", help="default: today")
    options = parser.parse_args(arguments)
    more = ["-c", options.config] if options.config else []
    config.parse_config(["--no-http", "--log-level=warn", "-d", options.database, *more], setup_logging=True)
    try:
        registry = Registry(options.database)
    except OperationalError as problem:
        return _say(f"{options.database} cannot be opened: {str(problem).strip().splitlines()[-1]}", failed=True)
    if "crm.productivity.stale" not in registry:
        return _say(f"crm_productivity is not installed in {options.database}.", failed=True)
    with registry.cursor() as cr:
        return _recompute(api.Environment(cr, SUPERUSER_ID, {}), options.first, options.last)


def _recompute(env, first, last):
    Stale, Touched = env["crm.productivity.stale"], env["crm.productivity.touched"]
    if first or last:
        for company in env["res.company"].search([("id", "!=", False)]):
            Stale._mark_days(company, first, last)
    else:
        Stale._mark_everything()
    env.cr.commit()  # pylint: disable=unknown-option-value,invalid-commit
    looked_at = 0
    while some := Touched._reckon_some():
        env.cr.commit()  # pylint: disable=unknown-option-value,invalid-commit
        looked_at += some
        _say(f"{looked_at} records looked at")
    while left := Stale._waiting():
        if not Stale._reckon_some():
            return _say("Odoo itself is reckoning at this moment, and does the rest.")
        env.cr.commit()  # pylint: disable=unknown-option-value,invalid-commit
        _say(f"{left - Stale._waiting()} days recalculated, {Stale._waiting()} left")
    return 0


def _date(text):
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("not a date") from None


_date.__name__ = "date"  # argparse names it to the user


def _say(text, *, failed=False):
    """:return: the exit status that goes with it"""
    stream = sys.stderr if failed else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()
    return int(failed)
