from . import test_installed, test_ledger, test_meter
