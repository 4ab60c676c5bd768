from . import test_installed, test_ledger, test_meter, test_next, test_notice, test_portal, test_request
