from odoo.http import HttpDispatcher

#: the type of routes to which machines post
RAW = "crm_voip_raw"


class RawDispatcher(HttpDispatcher):
    """Hands a request over as it came.

    Odoo would read a form first: then its bytes, which may be what is signed, are gone, every field is a
    warning in the log, and one that is called ``self`` ends in a traceback.
    """

    routing_type = RAW

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry["ir.http"]._dispatch(endpoint)
