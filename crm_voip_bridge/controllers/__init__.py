from . import bridge_file
from . import main
from . import recording
from . import webhook
from . import person
from . import health
