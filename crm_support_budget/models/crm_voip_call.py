from odoo import api, models

#: minutes beyond which a call is a clock's error
ABSURD = 24 * 60


class CrmVoipCall(models.Model):
    """A call as help that a customer had, or waits for."""

    _inherit = "crm.voip.call"

    def _after_fold(self):
        result = super()._after_fold()
        ended = self.filtered(lambda call: call.disposition != "in_progress" and call.direction != "internal")
        if ended:
            rules = self.env["crm.support.rule"]._decide(ended)
            self.env["crm.support.contact"]._take("call", ended.ids, rules=rules)
            # sudo: a request follows from a call, whoever rang
            known = ended.sudo().filtered(lambda call: call.partner_id and rules[call.id].is_support)
            self.env["crm.support.request"].sudo()._follow(known)
        return result

    def unlink(self):
        # a call that became part of another one is no contact of its own any more
        gone = self.env["crm.support.contact"].sudo().search([("call_id", "in", self.ids)])
        done = super().unlink()
        gone.write({"is_support": False})
        gone._settle(self.env._("The call is part of another one.") if gone else None)
        return done

    @api.model
    def _crm_support_running(self, company, customers=None):
        """Support calls that are being talked now.

        :param customers: commercial entities; all if not given
        :return: ``[{"call": id, "customer": id, "user": id, "since": naive UTC}]``
        """
        domain = [
            ("pbx_id.company_id", "=", company.id),
            ("disposition", "=", "in_progress"),
            ("answered_at", "!=", False),
            ("partner_id", "!=", False),
            ("direction", "!=", "internal"),
        ]
        # sudo: what runs counts for the meter, whoever took it
        calls = self.sudo().search(domain)
        if customers is not None:
            calls = calls.filtered(lambda call: call.partner_id.commercial_partner_id in customers)
        rules = self.env["crm.support.rule"]._decide(calls) if calls else {}
        return [
            {
                "call": call.id,
                "customer": call.partner_id.commercial_partner_id.id,
                "user": call.user_id.id,
                "since": call.answered_at,
            }
            for call in calls
            if rules[call.id].is_support
        ]


class CrmSupportContact(models.Model):
    _inherit = "crm.support.contact"

    @api.model
    def _prepare_call_vals(self, ids, rules=None):
        """:param rules: what decides on these calls, where it is known already
        :return: the model, and ``{call id: values of its contact}`` of calls in which a person of ours talked
        """
        calls = self.env["crm.voip.call"].browse(ids)
        talked = calls.filtered(
            lambda call: (
                call.disposition == "answered"
                and call.direction != "internal"
                and call.started_at
                and call.talk_s is not False
                and 0 <= call.talk_s / 60 <= ABSURD
            )
        )
        rules = self.env["crm.support.rule"]._decide(talked) if rules is None else rules
        return "crm.voip.call", {
            call.id: {
                "company_id": call.company_id.id,
                "call_id": call.id,
                "contact_id": call.partner_id.id,
                "partner_id": call.partner_id.commercial_partner_id.id,
                "user_id": call.user_id.id,
                "at": call.answered_at or call.started_at,
                "minutes": call.talk_s / 60,
                "is_support": rules[call.id].is_support,
                "rule_id": rules[call.id].id,
            }
            for call in talked
        }
