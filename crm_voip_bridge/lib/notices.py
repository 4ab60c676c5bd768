"""The log of a process that runs for years: each trouble one line, said again only now and then."""

import logging
import re
import time

_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-]{3,}[0-9]")


def masked(text: str, most: int = 200) -> str:
    """Foreign text without what could be somebody's number, on one line."""
    text = "".join(char if char.isprintable() else " " for char in str(text)[: most * 4])
    return _NUMBER.sub("…", text)[:most]


class Notices:
    """Says things once, and again at most every ``repeat`` seconds.

    What is said must hold no secret and no number of a person: say what to do, and pass
    foreign text through :func:`masked`.

    :param clock: seconds, monotonic
    """

    def __init__(self, log=None, repeat: float = 900.0, clock=time.monotonic):
        self.log = log or logging.getLogger("crm_voip_bridge")
        self.repeat, self.clock = repeat, clock
        self._said: dict[str, tuple[float, int]] = {}  # topic -> logged when, left out since

    def say(self, topic: str, text: str, level: int = logging.WARNING) -> bool:
        """Log the line, unless one of the same topic was logged a short while ago.

        :param topic: what it is about, as ``odoo.tls`` or ``pbx.login``
        :return: whether it was logged
        """
        now = self.clock()
        since, count = self._said.get(topic, (None, 0))
        if since is not None and now - since < self.repeat:
            self._said[topic] = since, count + 1
            return False
        self._said[topic] = now, 0
        self.log.log(level, "%s%s", text, f" ({count} more times meanwhile)" if count else "")
        return True

    def over(self, topic: str, text: str) -> None:
        """What was said of ``topic`` and ``topic.…`` holds no more: log it, if anything was said."""
        ended = [name for name in self._said if name == topic or name.startswith(topic + ".")]
        for name in ended:
            del self._said[name]
        if ended:
            self.log.info("%s", text)
