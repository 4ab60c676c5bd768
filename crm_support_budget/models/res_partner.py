from odoo import models
from odoo.tools import SQL

#: what has a customer, which is that of its contact
FOLLOWING = ("crm_support_contact", "crm_support_entry", "crm_support_request")


class ResPartner(models.Model):
    """Help follows the person: who had it counts for the company that the person is of now."""

    _inherit = "res.partner"

    def write(self, vals):
        done = super().write(vals)
        if {"parent_id", "is_company"} & vals.keys():
            self._crm_support_follow()
        return done

    def _crm_support_follow(self):
        """Bring the customers of help in line with the contacts that had it."""
        family = self.with_context(active_test=False).search([("id", "child_of", self.ids)])
        family.flush_recordset(["commercial_partner_id"])
        if family.with_context(active_test=False).user_ids:
            # whose rules name their company: they are kept in memory as they were
            self.env.registry.clear_cache()
        Meter = self.env["crm.support.meter"]
        for table in FOLLOWING:
            model = table.replace("_", ".")
            self.env[model].flush_model()
            moved = self.env.execute_query(
                SQL(
                    """UPDATE %(table)s AS one SET partner_id = partner.commercial_partner_id
                         FROM res_partner AS partner, %(table)s AS before
                        WHERE partner.id = one.contact_id AND before.id = one.id AND partner.id = ANY(%(family)s)
                          AND one.partner_id IS DISTINCT FROM partner.commercial_partner_id
                    RETURNING before.partner_id, one.partner_id""",
                    table=SQL.identifier(table),
                    family=family.ids,
                )
            )
            if moved:
                self.env[model].invalidate_model(["partner_id"])
                if table == "crm_support_entry":
                    Meter._stale(self.browse({customer for both in moved for customer in both if customer}))
