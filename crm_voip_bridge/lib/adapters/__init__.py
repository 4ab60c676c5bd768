"""Hosted PBXs that post what happens: one class for each, found by its name.

A further one, from any addon: derive :class:`~lib.adapters.base.Adapter`, :func:`register` an instance when
the addon is loaded, and add its name to the selection ``kind`` of ``crm.voip.pbx``.
"""

import re

from .base import Adapter
from .freeswitch import FreeSwitch
from .generic import Generic
from .ringcentral import RingCentral
from .telnyx import Telnyx
from .threecx import ThreeCx
from .twilio import Twilio
from .yeastar import Yeastar

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,20}\Z")

#: kind of the PBX, and what follows ``replay --format`` -> its adapter
ADAPTERS: dict[str, Adapter] = {}


def register(adapter: Adapter) -> None:
    """Make an adapter known; one of the same name is replaced.

    :raise ValueError: its name is none that can be stored with an event
    """
    if not _NAME.match(adapter.name) or adapter.name in ("ami", "cel", "cdr", "odoo", "asterisk", "journal"):
        raise ValueError(f"'{adapter.name}' cannot be the name of an adapter")
    ADAPTERS[adapter.name] = adapter


# in the order in which they are shown
for _adapter in (Generic(), ThreeCx(), Yeastar(), Twilio(), FreeSwitch(), RingCentral(), Telnyx()):
    register(_adapter)
