"""The gate for who cannot keep one in memory: a web server, to which each report of a call comes alone.

What :class:`~lib.scope.Gate` knows of a call is told to it anew each time: what was kept, what waits,
and what was forgotten. So the same rules decide as in the bridge, and only the memory is elsewhere.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .events import Event
from .scope import Gate, Scope


@dataclass(frozen=True)
class Sifted:
    """What became of the events of some calls.

    :param kept: those that may be kept from now on
    :param waiting: those that are not decided yet, new ones and earlier ones
    :param forgotten: ``(ids, legs)`` of each call that is forgotten, earlier ones included
    :param outside: calls forgotten now: UTC day (ISO) -> number
    :param discovered: internal numbers that the scope does not know
    """

    kept: list[Event]
    waiting: list[Event]
    forgotten: list[tuple[set[str], set[str]]]
    outside: dict[str, int]
    discovered: set[str]


def sift(
    scope: Scope,
    *,
    kept: Iterable[Event] = (),
    held: Iterable[tuple[float, Event]] = (),
    forgotten: Iterable[tuple[Collection[str], Collection[str]]] = (),
    new: Iterable[Event] = (),
    now: float,
    settle: float,
) -> Sifted:
    """Decide what may be kept of some calls.

    :param kept: events of these calls that were kept earlier
    :param held: those that wait, each with the time of its arrival
    :param forgotten: as in :class:`Sifted`
    :param new: what came now
    :param now: seconds, of the same clock as the arrivals
    :param settle: seconds after its last word that a call which seems to be over may still surprise
    """
    gate = Gate(scope, settle=settle)
    for calls, legs in forgotten:
        gate.restore_forgotten(calls, legs, now)
    for event in kept:
        gate.restore(event, now)
    out = []
    for arrived, event in sorted(held, key=lambda pair: pair[0]):
        out += gate.feed(event, arrived)
    for event in new:
        out += gate.feed(event, now)
    out += gate.tick(now)
    waiting = gate.pending()  # before the outcasts are asked for, which wait for nothing
    return Sifted(out, waiting, gate.forgotten(), gate.outside, gate.discovered)
