"""Whether Odoo has every call that the telephones made, once, and right to a second; and the PBX's own records agree.

A call that the PBX dropped because it died may have no end, for nobody saw one: then it must be there, finished, and
its end empty, or true.
"""

from collections import Counter
from dataclasses import dataclass, field

from . import proof

TOLERANCE_S = 1.0
# So long after its last word a call may still lose what the PBX did not get to write down.
LATE_S = 2.0
# When SIP has sent a request three times: after 0.5, 1 and 2 s (RFC 3261, 17.1.1.2).
AGAIN_S = 3.5
FACTS = ("direction", "from_number", "to_number", "disposition", "started", "answered", "ended", *proof.SECONDS)
LEG_FACTS = ("number", "role", "outcome", "talk_s")


@dataclass
class Verdict:
    """What came of the comparison; texts are for people."""

    calls: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    # Of the calls: ended with the PBX, with an end that nobody knows; not recorded; unknown to the PBX itself.
    end_unknown: int = 0
    outside: int = 0
    never_there: int = 0
    # Ids in Odoo of the calls that are wrong or double.
    suspects: list[int] = field(default_factory=list)
    kinds: Counter = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.double or self.wrong) and self.calls > 0


def judge(told: list[dict], rows: list[dict], history, gone: list[tuple[float, float]]) -> Verdict:
    """Hold what Odoo has against what happened.

    `told`: what chaos_calls.py said; `rows`: of proof.CALLS; `history`: a proof.History; `gone`: when the PBX was away.
    """
    verdict, left = Verdict(), list(rows)
    for one in sorted(told, key=lambda one: one["n"]):
        meant = one.get("truth") or one["cut"]
        name = f"call {one['n']} ({one['kind']}, {meant.get('from_number')} → {meant.get('to_number')})"
        if not meant.get("from_number"):
            continue  # it was not even begun
        verdict.calls += 1
        verdict.kinds[one["kind"]] += 1
        own = _rows_of(one, meant, left)
        for row in own:
            left.remove(row)
        if not meant.get("recorded", True) or one["kind"] == "unrecorded":
            verdict.outside += 1
            if own:
                verdict.wrong.append(f"{name}: is in Odoo, and may not be")
            continue
        if not own:
            # two phones of ours call each other again and again: only the time tells which call it was
            if _is_cut(one, gone) and not history.knows(meant, None if one["number"] else _started(meant)):
                verdict.never_there += 1
            else:
                verdict.lost.append(name)
            continue
        if len(own) > 1:
            verdict.double.append(f"{name}: {len(own)} times")
        found, unknown = _differences(one, own[0], history, gone)
        verdict.end_unknown += unknown
        if found:
            verdict.wrong.append(f"{name}: {'; '.join(found)}")
        if found or len(own) > 1:
            verdict.suspects += [row["id"] for row in own]
    verdict.double += [f"a call that nobody made: {proof.line(proof.facts_stored(row))}" for row in left]
    return verdict


def _rows_of(one: dict, meant: dict, rows: list[dict]) -> list[dict]:
    """The rows that are this call: all with its number; without one, the nearest in time."""
    if one["number"]:
        return [row for row in rows if one["number"] in (row["from_number"], row["to_number"])]
    started = _started(meant)
    same = [row for row in rows if (row["from_number"], row["to_number"]) == (meant["from_number"], meant["to_number"])]
    near = [row for row in same if row["started"] and started and abs(row["started"] - started) <= TOLERANCE_S]
    return sorted(near, key=lambda row: abs(row["started"] - started))


def _differences(one: dict, row: dict, history, gone) -> tuple[list[str], bool]:
    """What is wrong about a call, and whether its end is rightly unknown."""
    cut = _is_cut(one, gone)
    found = []
    if "truth" in one:
        found = compare(one["truth"], row)
        found += [] if cut else history.check(one["truth"], TOLERANCE_S)
        if not found or not cut:
            return found, False
    return compare_cut(_as_cut(one), row), row["ended"] is None


def compare(truth: dict, row: dict) -> list[str]:
    """What differs between a whole call and its row."""
    told = {key: value for key, value in proof.facts_told(truth).items() if key in FACTS}
    stored = {key: row[key] for key in FACTS}
    told_legs = [{key: leg[key] for key in LEG_FACTS} for leg in proof.facts_told(truth)["legs"]]
    if stored["hold_s"] is None:
        # Nobody listened all the time, and Odoo says so: then talk is the time connected.
        hold = told.pop("hold_s", 0) or 0
        if "talk_s" in told:
            told["talk_s"] += hold
        for leg in told_legs:
            leg["talk_s"] += hold if leg["talk_s"] else 0
    told["legs"] = told_legs
    stored["legs"] = row["legs"]
    return proof.compare(told, stored, TOLERANCE_S)


def compare_cut(cut: dict, row: dict) -> list[str]:
    """What is wrong about a call that the PBX dropped."""
    found = [
        f"{key}: {row[key]}, not {cut[key]}"
        for key in ("direction", "from_number", "to_number")
        if row[key] != cut[key]
    ]
    if row["disposition"] == "in_progress":
        found.append("still goes on")
    # dialled while the PBX was away: what was sent once more arrives when it is back, and nobody is on the line any more
    unheard = cut["ended"] is not None and cut["ended"] - cut["started"] < 0.05
    late = AGAIN_S if unheard else 0
    if row["started"] is None or not -TOLERANCE_S <= row["started"] - cut["started"] <= TOLERANCE_S + late:
        found.append(f"started: {row['started']}, not {cut['started']}")
    if row["answered"] and cut["answered"] and abs(row["answered"] - cut["answered"]) > TOLERANCE_S:
        found.append(f"answered: {row['answered']}, not {cut['answered']}")
    if row["ended"] and not unheard and abs(row["ended"] - cut["ended"]) > TOLERANCE_S:
        found.append(f"ended: {row['ended']}, not {cut['ended']}")
    return found


def _as_cut(one: dict) -> dict:
    if "cut" in one:
        return one["cut"]
    truth = one["truth"]
    times = {key: proof._epoch(truth[f"{key}_at"]) for key in ("started", "answered", "ended")}
    return {**{key: truth[key] for key in ("direction", "from_number", "to_number")}, **times}


def _started(meant: dict) -> float | None:
    return meant["started"] if "started" in meant else proof._epoch(meant["started_at"])


def _is_cut(one: dict, gone: list[tuple[float, float]]) -> bool:
    """Whether the PBX went away while the call went on, or before it could write down all of it."""
    cut = _as_cut(one)
    if cut["started"] is None or cut["ended"] is None:
        return True
    return any(cut["started"] - LATE_S <= until and since <= cut["ended"] + LATE_S for since, until in gone)
