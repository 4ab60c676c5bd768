"""Who serves a queue now, as Asterisk's manager interface says it.

The answer to QueueStatus lists all members of all queues; afterwards QueueMemberAdded, QueueMemberRemoved and
QueueMemberPause tell what changes, as agents log in, log out and take a break.
Source: https://docs.asterisk.org/Asterisk_22_Documentation/API_Documentation/AMI_Events/QueueMember/
"""

from .ami import Block
from .phone import extension_of
from .scope import Scope

#: most queues and members of one that are kept in mind; more is nonsense or an attack
MOST = 1000


class QueueMembers:
    """The members of the queues of one PBX. Feed it every block; :meth:`served` is right once :attr:`complete`."""

    def __init__(self):
        #: whether a whole list has come
        self.complete = False
        self._queues: dict[str, dict[str, bool]] = {}
        self._listed: dict[str, dict[str, bool]] | None = None

    def see(self, block: Block) -> None:
        """Take in a block; all but a few say nothing of queues."""
        work = _MEANINGS.get(block.get("event", "").lower())
        if work:
            work(self, block)

    def served(self, scope: Scope) -> dict[str, list[str]]:
        """Who serves which queue, as Odoo may know it.

        :return: all queues, of their members the ticked extensions that do not take a break
        """
        served = {}
        for queue, members in sorted(self._queues.items()):
            numbers = {_number(interface, scope) for interface, paused in members.items() if not paused}
            served[queue] = sorted(numbers & scope.ticked)
        return served

    def _list_begins(self, block: Block) -> None:
        # in a list of its own: what changes meanwhile is told, too
        if self._listed is None:
            self._listed = {}
        if len(self._listed) < MOST:
            self._listed.setdefault(block.get("queue", ""), {})

    def _listed_member(self, block: Block) -> None:
        if self._listed is None:
            self._listed = {}
        self._put(self._listed, block)

    def _list_ends(self, _block: Block) -> None:
        self._queues, self._listed = self._listed or {}, None
        self.complete = True

    def _changed(self, block: Block) -> None:
        self._put(self._queues, block)
        if self._listed is not None:
            self._put(self._listed, block)

    def _removed(self, block: Block) -> None:
        for queues in filter(None, (self._queues, self._listed)):
            queues.get(block.get("queue", ""), {}).pop(_interface(block), None)

    @staticmethod
    def _put(queues: dict[str, dict[str, bool]], block: Block) -> None:
        name, interface = block.get("queue", ""), _interface(block)
        if not name or not interface or (name not in queues and len(queues) >= MOST):
            return
        members = queues.setdefault(name, {})
        if interface in members or len(members) < MOST:
            members[interface] = block.get("paused", "0") == "1"


def _interface(block: Block) -> str:
    """What the queue dials: ``Interface`` in events, ``Location`` in the list."""
    return block.get("interface") or block.get("location") or ""


def _number(interface: str, scope: Scope) -> str | None:
    """The extension behind ``PJSIP/201``, ``Local/201@agents/n`` or ``Agent/201``."""
    technology, _slash, rest = interface.partition("/")
    if technology.lower() in ("local", "agent"):
        # a pipe is named after what is dialled through it
        technology, rest = "PJSIP", rest.partition("@")[0].partition("/")[0]
    return extension_of(f"{technology}/{rest}", "", scope.site)


_MEANINGS = {
    "queueparams": QueueMembers._list_begins,
    "queuemember": QueueMembers._listed_member,
    "queuestatuscomplete": QueueMembers._list_ends,
    "queuememberadded": QueueMembers._changed,
    "queuememberpause": QueueMembers._changed,
    "queuememberpaused": QueueMembers._changed,
    "queuememberremoved": QueueMembers._removed,
}
