from collections import defaultdict
from datetime import datetime

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..lib.terms import Agreement, timeline

#: the first version of something holds for all time before
EVER = datetime(1970, 1, 1)
#: what of a policy is remembered
REMEMBERED = (
    "period",
    "minutes",
    "contacts",
    "reserve_minutes",
    "reserve_contacts",
    "carry_minutes",
    "carry_contacts",
    "day_minutes",
    "day_contacts",
    "priority",
    "used_up",
    "message_minutes",
    "rate",
    "rounding",
)


class CrmSupportTerms(models.Model):
    """What held since when: versions of policies, of agreements, and of what customers without agreement have.

    Only appended to. A meter is worked out from it, so nothing of what held in the past is changed by what is decided today.
    """

    _name = "crm.support.terms"
    _description = "Terms of support since a moment"
    _order = "since, id"
    _log_access = False

    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade", index="btree_not_null")
    policy_id = fields.Many2one("crm.support.policy", readonly=True, ondelete="cascade", index="btree_not_null")
    agreement_id = fields.Many2one("crm.support.agreement", readonly=True, ondelete="cascade", index="btree_not_null")
    since = fields.Datetime(required=True, readonly=True)
    said = fields.Json(required=True, readonly=True)

    _one_thing = models.Constraint(
        "CHECK (num_nonnulls(company_id, policy_id, agreement_id) = 1)", "A version is of one thing."
    )

    def write(self, vals):
        if vals:
            raise UserError(self.env._("What held in the past is not changed: a change is a new version."))
        return super().write(vals)

    @api.model
    def _remember(self, field, said):
        """Keep a version of some things, where it differs from the last one.

        :param field: ``company_id``, ``policy_id`` or ``agreement_id``
        :param said: ``{id: values}``
        """
        known = {}
        # sudo: versions follow from what somebody may decide
        for one in self.sudo().search([(field, "in", list(said))]):
            known[one[field].id] = one.said
        now = fields.Datetime.now()
        fresh = [
            {field: ident, "since": now if ident in known else EVER, "said": values}
            for ident, values in said.items()
            if known.get(ident) != values
        ]
        self.sudo().create(fresh)  # sudo: as above
        if fresh:
            self.env.registry.clear_cache()

    @api.model
    @tools.ormcache()
    def _policies(self):
        """:return: ``{policy id: ((since, values), …)}`` of all companies"""
        found = defaultdict(list)
        # sudo: the terms of a policy are worked with by whoever helps
        for one in self.sudo().search([("policy_id", "!=", False)]):
            found[one.policy_id.id].append((one.since, one.said))
        return {ident: tuple(versions) for ident, versions in found.items()}

    @api.model
    @tools.ormcache("company_id")
    def _default(self, company_id):
        """:return: ``((since, {"policy": id}), …)`` of customers without agreement"""
        # sudo: see _policies
        return tuple((one.since, one.said) for one in self.sudo().search([("company_id", "=", company_id)]))

    @api.model
    def _timelines(self, customers, company):
        """What held for some customers since when.

        :param customers: ids of commercial entities
        :return: ``{customer id: result of lib.terms.timeline}``
        """
        self.env["crm.support.agreement"].flush_model()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT agreement.partner_id, agreement.id, agreement.date_from, agreement.date_until,
                          jsonb_agg(jsonb_build_array(terms.since, terms.said) ORDER BY terms.since, terms.id)
                     FROM crm_support_agreement AS agreement
                     JOIN crm_support_terms AS terms ON terms.agreement_id = agreement.id
                    WHERE agreement.company_id = %s AND agreement.partner_id = ANY(%s) AND agreement.active
                    GROUP BY agreement.id""",
                company.id,
                list(customers),
            )
        )
        agreements = defaultdict(list)
        for customer, ident, first, last, versions in rows:
            start, _same = company._crm_voip_bounds(first, first)
            end = company._crm_voip_bounds(last, last)[1] if last else None
            said = [(datetime.fromisoformat(since), values) for since, values in versions]
            agreements[customer].append(Agreement(ident, start, end, said))
        policies, default = self._policies(), self._default(company.id)
        begins = company._crm_support_since()
        without = None
        found = {}
        for customer in customers:
            if customer in agreements:
                used = {said["policy"] for one in agreements[customer] for _since, said in one.versions}
                used |= {said["policy"] for _since, said in default}
                found[customer] = timeline(
                    begins, default, agreements[customer], {one: policies.get(one, ()) for one in used if one}
                )
            else:
                without = without or timeline(
                    begins,
                    default,
                    (),
                    {said["policy"]: policies.get(said["policy"], ()) for _since, said in default if said["policy"]},
                )
                found[customer] = without
        return found
