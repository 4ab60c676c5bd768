import hashlib
import secrets

from odoo import api, fields, models
from odoo.tools import SQL

from ..lib.health import Gauge


class CrmVoipHealth(models.Model):
    """A token with which a monitoring tool may ask how a company's PBXs are; only its checksum is kept."""

    _name = "crm.voip.health"
    _description = "Token of a monitoring tool"
    _order = "id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    digest = fields.Char(required=True, readonly=True, copy=False)

    _digest_unique = models.UniqueIndex("(digest)")

    @api.model
    def _generate(self, company):
        """:return: a new token, for this one time; earlier ones of the company are worthless from now on"""
        # sudo: a token is made here and nowhere else, so nobody has a right to create one
        tokens = self.sudo()
        tokens.search([("company_id", "=", company.id)]).unlink()
        token = secrets.token_urlsafe(32)
        tokens.create({"company_id": company.id, "digest": self._digest(token)})
        return token

    @api.model
    def _digest(self, token):
        # random and long, so that a plain checksum cannot be turned round
        return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

    @api.model
    def _company_of(self, token):
        """:return: the id of the company whose token this is, None if it is nobody's"""
        rows = self.env.execute_query(
            SQL("SELECT company_id FROM crm_voip_health WHERE digest = %s", self._digest(token))
        )
        return rows[0][0] if rows else None

    @api.model
    def _gauges(self, company_id):
        """How the PBXs of a company are; reads only, and by few queries.

        :return: list of :class:`lib.health.Gauge`
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT pbx.id, pbx.name,
                          extract(epoch FROM %(now)s - max(state.seen_at)),
                          extract(epoch FROM %(now)s - max(state.event_at)),
                          count(*) FILTER (WHERE state.seen_at > %(now)s - interval '3 minutes'),
                          count(*) FILTER (
                              WHERE state.seen_at > %(now)s - interval '3 minutes' AND state.pbx_says = 'connected'),
                          sum(state.waiting),
                          (array_agg(state.clock_difference ORDER BY state.seen_at DESC NULLS LAST))[1],
                          (SELECT count(*) FROM crm_voip_refused AS one WHERE one.pbx_id = pbx.id),
                          (SELECT count(*) FROM crm_voip_call_ref AS one WHERE one.pbx_id = pbx.id AND one.dirty),
                          (SELECT count(*) FROM crm_voip_difference AS one
                            WHERE one.pbx_id = pbx.id AND one.solved_at IS NULL),
                          (SELECT extract(epoch FROM %(now)s - max(one.checked_at)) FROM crm_voip_completeness AS one
                            WHERE one.pbx_id = pbx.id AND one.source IS NOT NULL),
                          (SELECT count(*) FROM crm_voip_call AS one
                            WHERE one.pbx_id = pbx.id AND one.disposition = 'in_progress')
                     FROM crm_voip_pbx AS pbx LEFT JOIN crm_voip_pbx_state AS state ON state.pbx_id = pbx.id
                    WHERE pbx.company_id = %(company)s AND pbx.active GROUP BY pbx.id ORDER BY pbx.id""",
                now=fields.Datetime.now(),
                company=company_id,
            )
        )
        gauges = [
            Gauge("crm_voip_last_heard_seconds", "Seconds since a bridge of the PBX last reported."),
            Gauge("crm_voip_last_event_seconds", "Seconds since the last event of the PBX arrived."),
            Gauge("crm_voip_bridges", "Bridges that reported within three minutes."),
            Gauge("crm_voip_bridges_connected", "Those of them that are connected with the PBX."),
            Gauge("crm_voip_waiting_events", "Events that bridges keep because Odoo has not taken them yet."),
            Gauge("crm_voip_clock_difference_seconds", "The bridge's clock less Odoo's."),
            Gauge("crm_voip_refused_events", "Events that Odoo could not use, as kept."),
            Gauge("crm_voip_uncalculated_calls", "Calls that wait to be calculated."),
            Gauge("crm_voip_differences", "Calls on which the PBX's record and the log do not agree."),
            Gauge("crm_voip_compared_seconds", "Seconds since the log was last compared with the PBX's record."),
            Gauge("crm_voip_open_calls", "Logged calls that are not over."),
        ]
        for ident, name, *values in rows:
            labels = {"pbx": str(ident), "name": name}
            for gauge, value in zip(gauges, values, strict=True):
                gauge.samples.append((labels, value))
        return gauges


class CrmVoipHealthShow(models.AbstractModel):
    """Shows a token once; it has no table."""

    _name = "crm.voip.health.show"
    _description = "New token of a monitoring tool"

    # the web client asks for the defaults of a form by its fields, id among them
    id = fields.Id()
    url = fields.Char("Address", readonly=True)
    token = fields.Char(readonly=True)


class CrmVoipPbx(models.Model):
    _inherit = "crm.voip.pbx"

    def action_new_health_token(self):
        """Make a token for monitoring the company's PBXs, and show it once."""
        self.ensure_one()
        self.check_access("write")
        token = self.env["crm.voip.health"]._generate(self.company_id)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Monitoring"),
            "res_model": "crm.voip.health.show",
            "views": [(False, "form")],
            "target": "new",
            # the token travels in this one answer and is stored in no record that anybody reads
            "context": {"default_url": f"{self.get_base_url()}/crm_voip_bridge/health", "default_token": token},
        }
