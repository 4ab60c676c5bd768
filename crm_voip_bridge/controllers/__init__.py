from . import bridge_file
from . import main
from . import recording
