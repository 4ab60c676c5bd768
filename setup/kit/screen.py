"""What is said while something takes its time.

On a terminal the running line counts its seconds; elsewhere (CI, a file) there is one line
when a step begins and one when it ends.
"""

import os
import sys
import threading
import time
from contextlib import contextmanager

_TERMINAL = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
# The steps that take their time now, each a function that gives its line; several where work is done side by side.
_steps: list = []


class Trouble(Exception):
    """Something the person has to know or do; its text is all that is shown."""


def say(text: str = "") -> None:
    """Print one line at once."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line that should not be overlooked."""
    say(f"  ! {text}")


@contextmanager
def step(text: str):
    """Show `text` and the seconds it takes. Gives a function that changes the text."""
    current = [text]
    started = time.monotonic()
    ended = threading.Event()

    def line(mark: str) -> str:
        return f"  {mark} {current[0]} ({time.monotonic() - started:.0f} s)"

    def tick():
        while not ended.wait(1):
            if _steps and _steps[0] is own:
                print(f"\r\033[K{''.join(one() for one in list(_steps))}", end="", flush=True)

    def own() -> str:
        return line("·")

    def change(new_text: str) -> None:
        current[0] = new_text

    ticker = threading.Thread(target=tick, daemon=True)
    _steps.append(own)
    if _TERMINAL:
        print(f"  · {text}", end="", flush=True)
        ticker.start()
    else:
        say(f"  · {text} …")
    mark = "x"
    try:
        yield change
        mark = "✓"
    finally:
        ended.set()
        _steps.remove(own)
        if _TERMINAL:
            ticker.join()
            print("\r\033[K", end="")
        say(line(mark))
