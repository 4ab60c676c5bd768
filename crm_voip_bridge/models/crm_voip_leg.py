from odoo import api, fields, models
from odoo.fields import Domain

from .crm_voip_call import naive
from .measured import Measured
from .planner import count_each


class CrmVoipLeg(models.Model):
    """A phone of ours that called, rang or took part in a call, and whose it was then.

    Per person there is offered and taken: nobody has a missed call if a colleague took it.
    """

    _name = "crm.voip.leg"
    _inherit = ["crm.voip.people", "crm.voip.folded"]
    _description = "Who rang"
    _order = "call_id, offered_at, id"
    _rec_name = "number"

    _people_fields = ("user_id", "extension_id", "number")
    _people_user = "user_id"

    call_id = fields.Many2one("crm.voip.call", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, index=True)
    ref = fields.Char("Id at the PBX", required=True)
    number = fields.Char("Extension number")
    role = fields.Selection([("caller", "Caller"), ("called", "Called"), ("consulted", "Consulted")], required=True)
    extension_id = fields.Many2one("crm.voip.extension", index="btree_not_null", ondelete="restrict")
    user_id = fields.Many2one("res.users", "Person")
    started_at = fields.Datetime("Call started", help="Of the whole call.")
    offered_at = fields.Datetime("Rang")
    answered_at = fields.Datetime("Answered")
    left_at = fields.Datetime("Left")
    talk_s = Measured("Talk time (s)")
    outcome = fields.Selection(
        [
            ("answered", "Answered"),
            ("no_answer", "No answer"),
            ("busy", "Busy"),
            ("declined", "Declined"),
            ("cancelled", "Caller gave up"),
            ("elsewhere", "A colleague took it"),
            ("failed", "Failed"),
        ]
    )

    _user_idx = models.Index("(user_id, started_at) WHERE user_id IS NOT NULL")

    def init(self):
        result = super().init()
        count_each(self.env.cr, self._table, "user_id")
        return result

    @api.depends("number", "extension_id", "role")
    def _compute_display_name(self):
        labels = dict(self._fields["role"]._description_selection(self.env))
        for leg in self:
            # without the person: a name is asked for many records at once
            leg.display_name = labels.get(leg.role, "")

    @api.model
    def _plan(self, pbx, calls):
        """Values of the legs of some calls.

        Phones that are not ticked are left out, as the bridge does; one that was ticked when its leg was
        stored stays.

        :param calls: ``[(the record that it was or an empty one, lib.call.Call), …]``
        :return: for each a list of values, None of a call that is only unticked phones'
        """
        extensions = self.env["crm.voip.extension"]._of_pbx(pbx)
        known = self.search_fetch([("call_id", "in", [record.id for record, _call in calls if record])], order="id")
        stored = {(leg.call_id.id, leg.ref) for leg in known}
        plans = []
        for record, call in calls:
            day = pbx._day_of(call.started_at)
            rows = []
            for leg in call.legs:
                extension = next(
                    (one for one in extensions.get(leg.number, ()) if not day or one._is_valid_on(day)),
                    self.env["crm.voip.extension"],
                )
                if extension.recorded or (record.id, leg.ref) in stored:
                    rows.append(self._prepare_leg_vals(call, leg, extension))
            plans.append(None if call.legs and not rows and not record else rows)
        return plans

    def _prepare_leg_vals(self, call, leg, extension):
        """Values of a leg, but for its call.

        :param call: :class:`lib.call.Call`
        :param leg: :class:`lib.call.Leg`
        :param extension: whose number it was at the call's time, may be empty
        """
        return {
            "ref": leg.ref,
            "number": leg.number or False,
            "role": leg.role,
            "extension_id": extension.id,
            "user_id": extension.user_id.id,
            "started_at": naive(call.started_at),
            "offered_at": naive(leg.offered_at),
            "answered_at": naive(leg.answered_at),
            "left_at": naive(leg.left_at),
            "talk_s": leg.talk_s,
            "outcome": leg.outcome or False,
        }

    @api.model
    def _store(self, calls):
        """Bring the legs of some calls to their values.

        :param calls: ``[(call record, [values]), …]``
        :return: the calls of which a leg was created, written or deleted
        """
        existing = self.search_fetch(Domain("call_id", "in", [call.id for call, _rows in calls]), order="id")
        left = {}
        for leg in existing:
            left.setdefault((leg.call_id.id, leg.ref), []).append(leg)
        new, changed = [], self.env["crm.voip.call"]
        for call, rows in calls:
            for vals in rows:
                vals = {**vals, "call_id": call.id, "company_id": call.company_id.id}
                same = left.get((call.id, vals["ref"]))
                if not same:
                    new.append(vals)
                    continue
                leg = same.pop(0)
                if differing := leg._differing(vals):
                    leg.write(differing)
                    changed |= call
        gone = self.browse(leg.id for legs in left.values() for leg in legs)
        changed |= gone.call_id
        gone.unlink()
        return changed | self.create(new).call_id
