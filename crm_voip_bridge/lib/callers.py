"""Who waits in which queue of Asterisk now, and under which channel name.

Odoo knows a caller by the id of the channel. The action that moves a caller wants the channel's name, which only the PBX
knows, so what it says of those who come and go is kept here.
Source: https://docs.asterisk.org/Asterisk_22_Documentation/API_Documentation/AMI_Actions/QueueChangePriorityCaller/
"""

from .ami import Block

#: most callers that are kept in mind; more is nonsense or an attack
MOST = 5000


class QueueCallers:
    """The callers who wait. Feed it every block; after a login the answer to QueueStatus tells who waits already."""

    def __init__(self):
        self._places: dict[str, tuple[str, str]] = {}

    def see(self, block: Block) -> None:
        """Take in a block; all but a few say nothing of waiting callers."""
        event, leg = block.get("event", "").lower(), block.get("uniqueid", "")
        if event in ("queuecallerleave", "hangup"):
            self._places.pop(leg, None)
        elif event in ("queuecallerjoin", "queueentry"):
            queue, channel = block.get("queue", ""), block.get("channel", "")
            if leg and queue and channel and (leg in self._places or len(self._places) < MOST):
                self._places[leg] = queue, channel

    def place(self, leg) -> tuple[str, str] | None:
        """:return: queue and name of the channel, None if nobody with this id waits"""
        return self._places.get(leg) if isinstance(leg, str) else None

    def forget(self) -> None:
        """The connection is gone: who waits is asked anew."""
        self._places.clear()
