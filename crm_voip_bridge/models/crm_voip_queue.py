import json

from odoo import api, fields, models
from odoo.tools import SQL


class CrmVoipQueue(models.Model):
    """A queue of a PBX and who serves it now, as the bridge says it; written in plain SQL.

    Only recorded extensions are told, and none that takes a break. Each bridge speaks for the queues
    of its own server; what a bridge that is gone said last counts no more.
    """

    _name = "crm.voip.queue"
    _inherit = "crm.voip.export"
    _description = "Queue"
    _order = "pbx_id, name, id"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    bridge = fields.Char(required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)
    numbers = fields.Json("Extensions", readonly=True)
    members = fields.Char("Served by", compute="_compute_members")

    _name_unique = models.UniqueIndex("(pbx_id, bridge, name)")

    @api.depends("numbers")
    def _compute_members(self):
        for queue in self:
            queue.members = ", ".join(queue.numbers or ())

    @api.model
    def _note(self, pbx, bridge, queues):
        """Keep what a bridge says of the queues.

        :param bridge: its id
        :param queues: ``{name: [internal number, …]}``, all that there are
        """
        told = {name: sorted(set(numbers)) for name, numbers in queues.items()}
        known = self.env.execute_query(
            SQL("SELECT bridge, name, numbers FROM crm_voip_queue WHERE pbx_id = %s", pbx.id)
        )
        if {name: numbers for owner, name, numbers in known if owner == bridge} == told and {bridge} >= {
            owner for owner, _name, _numbers in known
        }:
            return
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_voip_queue AS queue WHERE pbx_id = %(pbx)s AND (
                       bridge = %(bridge)s AND name != ALL(%(names)s)
                       OR bridge != %(bridge)s AND NOT EXISTS (
                           SELECT FROM crm_voip_pbx_state AS state
                            WHERE state.pbx_id = queue.pbx_id AND state.bridge = queue.bridge
                              AND state.seen_at > now() AT TIME ZONE 'UTC' - interval '1 hour'))""",
                pbx=pbx.id,
                bridge=bridge,
                names=list(told),
            )
        )
        for name, numbers in sorted(told.items()):
            self.env.cr.execute(
                SQL(
                    """INSERT INTO crm_voip_queue (pbx_id, bridge, name, numbers) VALUES (%s, %s, %s, %s::jsonb)
                       ON CONFLICT (pbx_id, bridge, name) DO UPDATE SET numbers = EXCLUDED.numbers""",
                    pbx.id,
                    bridge,
                    name,
                    json.dumps(numbers),
                )
            )
        self.invalidate_model(flush=False)

    @api.model
    def _servers(self, pbxs, names):
        """Who serves which queue now.

        :param names: of queues
        :return: ``{(pbx id, name of the queue): users}``, in superuser mode
        """
        # sudo: who serves a queue is told by the PBX; whom it concerns is decided by who asks
        queues = self.sudo().search([("pbx_id", "in", pbxs.ids), ("name", "in", list(names))])
        numbers = {number for queue in queues for number in queue.numbers or ()}
        domain = [("pbx_id", "in", pbxs.ids), ("number", "in", list(numbers)), ("recorded", "=", True)]
        today = fields.Date.today()
        extensions = self.env["crm.voip.extension"].sudo().search(domain)
        valid = extensions.filtered(lambda one: one.user_id and one._is_valid_on(today))
        users = {}
        for queue in queues:
            key = (queue.pbx_id.id, queue.name)
            own = valid.filtered(
                lambda one, queue=queue: one.pbx_id == queue.pbx_id and one.number in (queue.numbers or ())
            )
            users[key] = users.get(key, self.env["res.users"].sudo()) | own.user_id
        return users
