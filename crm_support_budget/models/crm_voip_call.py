from odoo import api, models


class CrmVoipCall(models.Model):
    _inherit = "crm.voip.call"

    @api.model
    def _crm_support_running(self, company, customers=None):
        """Support calls that are being talked now.

        :param customers: commercial entities; all if not given
        :return: ``[{"call": id, "customer": id, "user": id, "since": naive UTC}]``
        """
        return []
