from odoo import api, models

from .crm_support_terms import REMEMBERED


class CrmSupportPolicy(models.Model):
    """What a customer reads of their policy, besides what it gives."""

    _inherit = "crm.support.policy"

    @api.model
    def _told(self, reading):
        """What holds for a customer, in words.

        :param reading: of their meter
        :return: ``{"gives": [sentences], "description": text, "order": [sentences], "counts": [(reason, description)],
            "free": the same, "bars": see _bars}``
        """
        # sudo: what was agreed is the customer's to read
        policy = self.sudo().browse(reading.policy or []).exists()
        agreement = self.env["crm.support.agreement"].sudo().browse(reading.agreement or []).exists()
        said = {name: policy[name] for name in REMEMBERED} if policy else None
        if said and agreement:
            said |= agreement._own()
        reasons = self.env["crm.support.reason"].sudo().search([("id", "!=", False)])
        return {
            "gives": self._words(said) if said else [],
            "bars": self._bars(reading, said) if said else [],
            "description": policy.description,
            "order": self._order_in_words(reading),
            "counts": [self._reason_told(one) for one in reasons if one.factor and not one.exempt],
            "free": [self._reason_told(one) for one in reasons if one.exempt or not one.factor],
        }

    @api.model
    def _bars(self, reading, said):
        """:return: what is left of what can be saved up: ``[(amount, left, most, percent)]`` of each that is limited"""
        bars = []
        for amount, left in (("minutes", reading.minutes_left), ("contacts", reading.contacts_left)):
            most = said[f"reserve_{amount}"] + said[f"carry_{amount}"]
            if left is not None and most:
                bars.append((amount, round(left), round(most), round(max(min(left / most, 1), 0) * 100)))
        return bars

    @api.model
    def _reason_told(self, reason):
        name = reason.name
        if reason.factor not in (0, 1) and not reason.exempt:
            name = self.env._("%(reason)s (counts %(factor)g times)", reason=name, factor=reason.factor)
        return name, reason.description

    @api.model
    def _order_in_words(self, reading):
        """:return: in which order customers are helped, in sentences"""
        words = [
            self.env._("Of those who wait, whoever had the least help lately comes first."),
            self.env._("Of two who have had the same, whoever waits longer comes first."),
            self.env._("What somebody pays has no part in it."),
        ]
        if reading.priority != 1:
            words.append(
                self.env._(
                    "Your priority is %(priority)g: a minute of your help counts as %(part).2g of a minute.",
                    priority=reading.priority,
                    part=1 / reading.priority,
                )
            )
        return words
