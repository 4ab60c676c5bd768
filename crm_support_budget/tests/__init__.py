from . import test_installed, test_meter
