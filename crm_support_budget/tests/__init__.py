from . import (
    test_card,
    test_installed,
    test_ledger,
    test_meter,
    test_next,
    test_notice,
    test_portal,
    test_request,
    test_rights_matrix,
)
