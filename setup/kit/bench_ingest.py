"""Calls delivered to a running Odoo for some seconds: DATABASE ADDRESS KEY SECRET SWITCHES SECONDS.

With Odoo's own Python; prints how many calls a second were taken in, from signed request to committed call. `SWITCHES`:
as `delivered`, or `all` on. One call of five is missed, so that callbacks have something to do.
"""

import itertools
import json
import sys
from datetime import datetime, timedelta, timezone

import odoo.tools
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from . import bench_odoo, bench_scale

#: calls of a request; a bridge that catches up sends 500 events
BATCH = 42
SWITCHES = ("chatter", "card", "live", "callbacks", "planned", "dial", "outcomes", "typed", "supervisor_notes")
DELIVERED = {"callbacks"}


def main():
    """Deliver for so long."""
    database, address, key, secret, switches, seconds = sys.argv[1:]
    odoo.tools.config.parse_config(["-d", database, "--log-level=warn"])
    registry = Registry(database)
    from odoo.addons.crm_voip_bridge.lib.client import OdooClient

    with registry.cursor() as cr:
        company = api.Environment(cr, SUPERUSER_ID, {}).company
        for name in SWITCHES:
            company[f"crm_voip_{name}"] = switches == "all" or name in DELIVERED
    send = bench_odoo.Sender(OdooClient(address, key, secret, database, timeout=600))
    # recent, so that callbacks follow from them
    bench_odoo.START = datetime.now(timezone.utc) - timedelta(days=3)
    calls = bench_odoo.Calls(registry, bench_scale.CONTACTS)
    took, count = 0.0, -BATCH
    while took < float(seconds):
        batch = [_missed(events) if place % 5 == 0 else events for place, events in enumerate(calls.take(BATCH))]
        spent = send(list(itertools.chain(*batch)))
        count += BATCH
        took += spent if count else 0  # the first one warms up
    print(json.dumps(count / took))


def _missed(events):
    """The same call, of which nobody took the phone."""
    return [event for event in events if event["type"] not in ("answered", "bridged")]


if __name__ == "__main__":
    main()
