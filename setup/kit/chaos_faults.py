"""What setup/chaos does to the parts: each fault breaks something, waits, and puts it right again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .chaos_ground import Floor, Ground

FAULTS: dict[str, "Fault"] = {}


@dataclass(frozen=True)
class Fault:
    """`do(struck, random)` breaks something and mends it; it returns what it did, in words."""

    name: str
    text: str
    do: Callable[["Struck", Random], str] = field(repr=False)


@dataclass
class Struck:
    """What faults work on, and what whoever compares has to know of them."""

    ground: Ground
    floor: Floor
    # When the PBX was gone: (from, until), in epoch seconds. Calls that were going on then may have no end.
    gone: list[tuple[float, float]] = field(default_factory=list)


def fault(do):
    """Make a function a fault; its docstring is what people read about it."""
    name = do.__name__
    FAULTS[name] = Fault(name, " ".join(do.__doc__.split()), do)
    return do


def _pause(random: Random, least: float, most: float) -> str:
    seconds = random.uniform(least, most)
    time.sleep(seconds)
    return f"{seconds:.1f} s"


@fault
def bridge_killed(struck, random):
    """kill -9 of a bridge"""
    number = random.randrange(len(struck.ground.bridges))
    struck.ground.stop_bridge(number, kill=True)
    away = _pause(random, 0, 4)
    struck.ground.start_bridge(number)
    return f"number {number}, away for {away}"


@fault
def pbx_killed(struck, random):
    """Asterisk dies as in a power cut"""
    return _restart_pbx(struck, random, kill=True)


@fault
def pbx_restarted(struck, random):
    """Asterisk is restarted with calls on it"""
    return _restart_pbx(struck, random, kill=False)


def _restart_pbx(struck, random, kill):
    begin = time.time()
    struck.ground.pbx.stop(kill=kill)
    struck.floor.order("lost")
    away = _pause(random, 0, 1.5)
    struck.ground.start_pbx()
    struck.gone.append((begin, time.time()))
    struck.floor.order("back")
    return f"away for {away}"


@fault
def postgres_stopped(struck, random):
    """PostgreSQL stops and starts again"""
    how = random.choice(("fast", "immediate"))
    struck.ground.cluster.stop(how)
    away = _pause(random, 0.5, 4)
    struck.ground.cluster.start()
    return f"{how}, away for {away}"


@fault
def odoo_stopped(struck, random):
    """Odoo stops and starts again"""
    kill = random.random() < 0.5
    struck.ground.stop_odoo(kill)
    away = _pause(random, 0, 2)
    struck.ground.start_odoo()
    return f"{'killed' if kill else 'asked to stop'}, away for {away}"


@fault
def odoo_cut(struck, random):
    """the connection between bridge and Odoo is cut"""
    return _spoil(struck.ground.odoo_line, random)


@fault
def pbx_cut(struck, random):
    """the connection between bridge and PBX is cut"""
    return _spoil(struck.ground.ami_line, random)


def _spoil(line, random):
    mode = random.choice(("closed", "mute", "deaf"))
    line.be(mode)
    away = _pause(random, 1, 5)
    line.be("open")
    return f"{mode} for {away}"


@fault
def disk_full(struck, random):
    """the disk of the spool is full"""
    struck.ground.fill_disk()
    away = _pause(random, 2, 5)
    struck.ground.empty_disk()
    return f"for {away}"


@fault
def clock_wrong(struck, random):
    """the bridge's clock is wrong"""
    number = random.randrange(len(struck.ground.bridges))
    # Beyond five minutes Odoo believes nothing that is said.
    off = random.choice((-250, -40, 45, 200, 900))
    struck.ground.stop_bridge(number)
    struck.ground.start_bridge(number, off)
    lasted = _pause(random, 4, 7)
    struck.ground.stop_bridge(number)
    struck.ground.start_bridge(number)
    return f"by {off:+} s, for {lasted}"


@fault
def backup_restored(struck, random):
    """Odoo's database is put back to an older copy"""
    ground = struck.ground
    taken, ground.backed_up = ground.backed_up, None
    ground.stop_odoo()
    if taken:
        ground.restore()
    else:
        ground.back_up()
        ground.backed_up = time.time()
    ground.start_odoo()
    return f"one of {time.time() - taken:.0f} s ago" if taken else "first the copy is taken"


@fault
def batches_repeated(struck, random):
    """old batches once more, in any order"""
    told = struck.ground.odoo_line.repeat(20, random)
    return ", ".join(f"{count} answered with {status}" for status, count in sorted(told.items())) or "there were none"
