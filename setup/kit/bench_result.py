"""How the programs that measure tell what they found: a line of JSON each."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """A line of the table. `beside` is the ratio to a peer or to the raw limit; `met` says whether `aim` is reached."""

    section: str
    what: str
    figure: str
    beside: str = ""
    aim: str = ""
    met: bool | None = None


def result(*values) -> None:
    """Tell a result."""
    print(json.dumps(asdict(Result(*values))), flush=True)
