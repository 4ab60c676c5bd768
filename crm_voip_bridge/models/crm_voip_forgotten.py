import secrets

from odoo import api, fields, models, tools
from odoo.tools import SQL

from ..lib.events import format_time, parse_time
from ..lib.scope import Scope, never_hash

#: why an event is not taken, told to the bridge and shown on the PBX's form
FORGOTTEN = "it is of somebody who was anonymised since"


class CrmVoipForgotten(models.Model):
    """A number of somebody who was anonymised: calls of the time before are not taken, from wherever they come.

    The number itself is not kept, but a keyed hash of it. The key is a column of the PBX that the ORM does not know,
    and stays the same when the database moves: the secret from which other keys are made does not.
    """

    _name = "crm.voip.forgotten"
    _inherit = "crm.voip.scope"
    _description = "Forgotten number"
    _order = "until desc, id desc"
    _rec_name = "until"
    _log_access = False

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, index=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="pbx_id.company_id")
    digest = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    until = fields.Datetime("Anonymised", required=True, readonly=True, help="Calls that began later are kept.")
    author_id = fields.Many2one("res.users", "By", readonly=True, ondelete="set null")

    _digest_unique = models.UniqueIndex("(pbx_id, digest)")

    def init(self):
        self.env.cr.execute("ALTER TABLE crm_voip_pbx ADD COLUMN IF NOT EXISTS forgotten_key varchar")

    @api.model
    def _remember_to_forget(self, pbx, numbers, until):
        """:param numbers: in E.164, or as the PBX says them
        :param until: naive UTC
        """
        key = self._key(pbx)
        digests = sorted({never_hash(key, number) for number in numbers})
        known = self.search([("pbx_id", "=", pbx.id), ("digest", "in", digests)])
        known.write({"until": until, "author_id": self.env.uid})
        self.create(
            [
                {"pbx_id": pbx.id, "digest": digest, "until": until, "author_id": self.env.uid}
                for digest in digests
                if digest not in known.mapped("digest")
            ]
        )

    @api.model
    def _key(self, pbx):
        """:return: the key of a PBX's hashes, made when it is first needed"""
        self.env.cr.execute(
            SQL(
                "UPDATE crm_voip_pbx SET forgotten_key = %s WHERE id = %s AND forgotten_key IS NULL",
                secrets.token_hex(32),
                pbx.id,
            )
        )
        [(key,)] = self.env.execute_query(SQL("SELECT forgotten_key FROM crm_voip_pbx WHERE id = %s", pbx.id))
        return key


class CrmVoipPbx(models.Model):
    _inherit = "crm.voip.pbx"

    forgotten_ids = fields.One2many("crm.voip.forgotten", "pbx_id", "Anonymised people")

    def _scope_people(self):
        scope = super()._scope_people()
        # sudo: what the bridge is told is everybody's rule and nobody's to read
        forgotten = self.env["crm.voip.forgotten"].sudo().search([("pbx_id", "=", self.id)], order="digest")
        if forgotten:
            numbers = [{"hash": one.digest, "until": format_time(_utc(one.until))} for one in forgotten]
            scope["forgotten"] = {"key": forgotten._key(self), "numbers": numbers}
        return scope

    @tools.ormcache("self.id")
    def _forgotten_until(self):
        """:return: until when anybody is forgotten, in UTC; None if nobody is"""
        # sudo: see _scope_people
        last = self.env["crm.voip.forgotten"].sudo().search([("pbx_id", "=", self.id)], order="until desc", limit=1)
        return _utc(last.until) if last else None

    def _sift_forgotten(self, events, refused):
        """Leave out calls with somebody who is forgotten, if Odoo does not have them.

        Of such a call nothing is taken, now or later: what does not name the number would make a call of nobody.

        :param refused: gets ``(event, reason)``
        :return: the other events
        """
        until = self._forgotten_until()
        old = [event for event in events if until and event.at and event.at <= until]
        if not old:
            return events
        scope = Scope.from_answer(self._scope())
        calls = {event.call for event in old if scope.recalls(event)}
        # one that went on while the person was anonymised is a later one
        calls -= {
            ref
            for (ref,) in self.env.execute_query(
                SQL(
                    "SELECT ref FROM crm_voip_call_ref WHERE pbx_id = %s AND ref = ANY(%s) AND NOT is_leg",
                    self.id,
                    sorted(calls),
                )
            )
        }
        if calls:
            self.env["crm.voip.compacted"]._close(self, calls)
            refused += [(event, FORGOTTEN) for event in events if event.call in calls]
        return [event for event in events if event.call not in calls]


def _utc(moment):
    return parse_time(moment.isoformat())
