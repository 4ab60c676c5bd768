"""``python3 crm_voip_bridge/bridge COMMAND``, and the start of the downloadable file."""

import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 (whoever runs it may have an older one)
    sys.exit("The bridge needs Python 3.10 or newer")

here = Path(__file__).resolve().parent
if here.is_dir():  # within the downloadable file, everything is beside us already
    sys.path.insert(0, str(here.parent))

try:
    from lib.commands import main
except ModuleNotFoundError as error:
    sys.exit(f"The Python package '{error.name}' is missing: pip install -r {here / 'requirements.txt'}")

if __name__ == "__main__":
    sys.exit(main())
