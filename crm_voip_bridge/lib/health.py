"""Numbers for monitoring tools, in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_IN_VALUE = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass
class Gauge:
    """One thing that is measured.

    :param samples: ``(labels, value)``; a value of None was not measured, and is left out
    """

    name: str
    help: str
    samples: list[tuple[Mapping[str, str], float | int | None]] = field(default_factory=list)


def exposition(gauges: Iterable[Gauge]) -> str:
    """The text that a monitoring tool fetches."""
    lines = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {gauge.help.translate(_IN_HELP)}", f"# TYPE {gauge.name} gauge"]
        for labels, value in gauge.samples:
            if value is not None:
                said = ",".join(f'{name}="{_plain(text)}"' for name, text in labels.items())
                lines.append(f"{gauge.name}{{{said}}} {value:.15g}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    # a carriage return, or a half of a surrogate pair, breaks some readers' lines
    text = "".join(char if char == "\n" or char.isprintable() else "\ufffd" for char in str(text))
    return text.translate(_IN_VALUE)
