"""`python3 -m kit COMMAND …`: what the small scripts in setup/ start; `COMMAND_command.py` does it."""

import importlib
import os
import sys

from . import processes
from .screen import Trouble, say


def main() -> int:
    """Run one command; its status. Nothing that it started is left when this returns."""
    name, *arguments = sys.argv[1:]
    # It was for finding this package; what is started from here has paths of its own.
    os.environ.pop("PYTHONPATH", None)
    try:
        with processes.everything_stopped():
            return importlib.import_module(f".{name}_command", __package__).main(arguments) or 0
    except Trouble as trouble:
        say(f"\n{trouble}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
