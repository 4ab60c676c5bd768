from . import portal, portal_ledger, portal_requests
