"""Which terms held for a customer since when: their agreements', else what the company gives everybody.

Everything is remembered as versions, ``(since, values)`` in any order: what a policy said, what an agreement changed of it,
and which policy customers without agreement have. The first version of something holds for all time before, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Versions = Sequence[tuple[datetime, Mapping]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement of a customer.

    :param start: naive UTC, from when it holds
    :param end: until when, not included; None: it goes on
    :param versions: ``{"policy": id, "suspended": bool, "own": {name: value}}``
    """

    ident: int
    start: datetime
    end: datetime | None
    versions: Versions


def timeline(
    begins: datetime, default: Versions, agreements: Iterable[Agreement], policies: Mapping[int, Versions]
) -> list[tuple[datetime, dict | None]]:
    """What held since when.

    :param begins: before it, only agreements hold
    :param default: ``{"policy": id or None}``
    :param policies: id -> versions of the values of a policy
    :return: in order, each different from the one before; values with ``policy``, ``agreement`` and all that the policy
        says, None where nothing held. Nothing at all: the empty list
    """
    agreements = list(agreements)
    moments = {begins, *(since for since, _values in default if since > begins)}
    for agreement in agreements:
        moments |= {agreement.start, *({agreement.end} if agreement.end else ())}
        moments |= {since for since, _values in agreement.versions if since > agreement.start}
    for versions in policies.values():
        moments |= {since for since, _values in versions}
    first = min((begins, *(agreement.start for agreement in agreements)))
    found = []
    for moment in sorted(one for one in moments if one >= first):
        values = _holding(moment, begins, default, agreements, policies)
        if not found or found[-1][1] != values:
            found.append((moment, values))
    return found


def last_run(found: Sequence[tuple[datetime, dict | None]], amount: str, now: datetime) -> list[tuple[datetime, dict]]:
    """Of a :func:`timeline`, the terms since which an amount was limited without a break, up to ``now``.

    :param amount: ``minutes`` or ``contacts``; 0 is no limit
    """
    run: list[tuple[datetime, dict]] = []
    for since, values in found:
        if since > now:
            break
        if values and values[amount]:
            run.append((since, values))
        else:
            run = []
    return run


def held_at(found: Sequence[tuple[datetime, dict | None]], moment: datetime) -> dict | None:
    """Of a :func:`timeline`, what held at a moment; None where nothing did."""
    return next((values for since, values in reversed(found) if since <= moment), None)


def version(versions: Versions, moment: datetime) -> Mapping | None:
    """What holds at a moment: the last version until then, of one moment the later one; else the first one."""
    before = [one for one in versions if one[0] <= moment]
    chosen = (
        max(reversed(before), key=lambda one: one[0]) if before else min(versions, key=lambda one: one[0], default=None)
    )
    return chosen and chosen[1]


def _holding(moment, begins, default, agreements, policies):
    held = [one for one in agreements if one.start <= moment and (one.end is None or moment < one.end)]
    # after two customers were merged there may be several: the one that began last holds
    for agreement in sorted(held, key=lambda one: (one.start, one.ident), reverse=True):
        said = version(agreement.versions, moment)
        policy = said and not said["suspended"] and version(policies.get(said["policy"], ()), moment)
        if policy:
            return {**policy, **said["own"], "policy": said["policy"], "agreement": agreement.ident}
    said = version(default, moment) if moment >= begins else None
    policy = said and said["policy"] and version(policies.get(said["policy"], ()), moment)
    return {**policy, "policy": said["policy"], "agreement": None} if policy else None
