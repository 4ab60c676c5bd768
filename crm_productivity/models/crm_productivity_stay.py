from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.tools import SQL

from ..lib import stages

#: opportunities whose tracked changes are read at once
CHUNK = 2000


class CrmProductivityStay(models.Model):
    """How long an opportunity was in a stage, and how that ended (:mod:`lib.stages`).

    Replaced as a whole whenever the opportunity changes. Whose opportunity it is, is under the rule about single persons.
    """

    _name = "crm.productivity.stay"
    _inherit = ["crm.voip.own", "crm.productivity.total"]
    _description = "Time in a stage"
    _order = "entered_at desc, id desc"
    _rec_name = "lead_id"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "looked_at"
    _people_teams = "team_id"

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    lead_id = fields.Many2one("crm.lead", "Opportunity", required=True, index=True, ondelete="cascade")
    stage_id = fields.Many2one("crm.stage", index=True, ondelete="set null", help="Empty: the stage was deleted.")
    next_stage_id = fields.Many2one("crm.stage", "Went to", index=True, ondelete="set null")
    team_id = fields.Many2one("crm.team", "Sales team", index=True, ondelete="set null")
    user_id = fields.Many2one("res.users", "Salesperson", index=True, ondelete="set null")
    entered_at = fields.Datetime("Entered", help="Empty: not measured, nothing tells when it came here.")
    left_at = fields.Datetime("Left")
    looked_at = fields.Datetime(required=True, help="When it entered, or else when the opportunity began.")
    seconds = Measured(
        "Time in the stage (s)", help="Empty: it is still there, or nothing tells how long.", aggregator="avg"
    )
    ended = fields.Selection(
        [("open", "Still there"), ("moved", "Went to another stage"), ("lost", "Lost or archived"), ("won", "Won")],
        "How it ended",
        required=True,
    )
    is_last = fields.Boolean("Last time in this stage", help="An opportunity that came back is counted once.")
    amount = fields.Monetary("Expected revenue", currency_field="currency_id")

    _looked_idx = models.Index(
        "(company_id, looked_at, team_id) INCLUDE (stage_id, next_stage_id, ended, is_last, seconds)"
    )
    _outside_idx = models.Index("(company_id, user_id) WHERE team_id IS NULL")
    _open_idx = models.Index("(company_id, team_id, stage_id) WHERE ended = 'open'")

    @api.model
    def _reckon(self, model, ids):
        """Replace what is known of some opportunities by what was tracked of them."""
        self.env.flush_all()
        for start in range(0, len(ids), CHUNK):
            self._reckon_some(ids[start : start + CHUNK])
        self.invalidate_model()

    def _reckon_some(self, ids):
        self.env.cr.execute(SQL("DELETE FROM crm_productivity_stay WHERE lead_id = ANY(%s)", ids))
        leads = self.env.execute_query(
            SQL(
                """SELECT lead.id, COALESCE(lead.company_id, person.company_id), lead.team_id, lead.user_id, lead.stage_id,
                          lead.create_date, lead.date_conversion, lead.date_last_stage_update, lead.date_closed,
                          lead.active, lead.expected_revenue
                     FROM crm_lead lead LEFT JOIN res_users person ON person.id = lead.user_id
                    WHERE lead.id = ANY(%s) AND lead.type = 'opportunity'""",
                ids,
            )
        )
        changes = self._changes([lead[0] for lead in leads])
        [(there, won)] = self.env.execute_query(
            SQL("SELECT array_agg(id), array_agg(id) FILTER (WHERE is_won) FROM crm_stage")
        )
        there, won = set(there or ()), frozenset(won or ())
        rows = []
        for lead_id, company_id, team_id, user_id, stage_id, made, converted, entered, closed, active, amount in leads:
            if not company_id or not made:
                continue
            began = max(filter(None, (made, converted)))
            found = stages.stays(changes[lead_id], began, stage_id or 0, entered, closed, not active, won)
            rows += [
                (
                    company_id, lead_id, team_id, user_id, stay.stage if stay.stage in there else None,
                    stay.next_stage if stay.next_stage in there else None, stay.entered_at, stay.left_at,
                    stay.entered_at or began, stay.seconds, stay.ended, stay.last, amount,
                )
                for stay in found
            ]  # fmt: skip
        if rows:
            self.env.cr.execute_values(
                """INSERT INTO crm_productivity_stay
                          (company_id, lead_id, team_id, user_id, stage_id, next_stage_id, entered_at, left_at, looked_at,
                           seconds, ended, is_last, amount) VALUES %s""",
                rows,
                page_size=1000,
            )

    def _changes(self, lead_ids):
        """:return: ``{lead id: [lib.stages.Change, …]}``"""
        rows = self.env.execute_query(
            SQL(
                """SELECT message.res_id, message.date, field.name, value.old_value_integer, value.new_value_integer
                     FROM mail_message message
                     JOIN mail_tracking_value value ON value.mail_message_id = message.id
                     JOIN ir_model_fields field ON field.id = value.field_id
                    WHERE message.model = 'crm.lead' AND message.res_id = ANY(%s) AND field.model = 'crm.lead'
                      AND field.name IN ('stage_id', 'active')
                    ORDER BY message.date, value.id""",
                lead_ids,
            )
        )
        found = defaultdict(list)
        for lead_id, at, name, old, new in rows:
            found[lead_id].append(stages.Change(at, "stage" if name == "stage_id" else "active", old or 0, new or 0))
        return found

    @api.model
    def _funnel(self, company, start, end, where):
        """What became of the opportunities that came to each stage in a period.

        :param where: SQL condition on ``stay``
        :return: ``{stage id: {...}}``: ``reached``, ``onward``, ``back``, ``lost``, ``here``, ``median``, ``timed``
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT stay.stage_id, count(*) FILTER (WHERE stay.is_last) AS reached,
                          count(*) FILTER (WHERE stay.is_last AND (stay.ended = 'won'
                              OR stay.ended = 'moved' AND COALESCE(following.is_won OR following.sequence >= stage.sequence, TRUE))) AS onward,
                          count(*) FILTER (WHERE stay.is_last AND stay.ended = 'moved'
                              AND NOT (following.is_won OR following.sequence >= stage.sequence)) AS back,
                          count(*) FILTER (WHERE stay.is_last AND stay.ended = 'lost') AS lost,
                          count(*) FILTER (WHERE stay.is_last AND stay.ended = 'open') AS here,
                          percentile_disc(0.5) WITHIN GROUP (ORDER BY stay.seconds) AS median,
                          count(stay.seconds) AS timed
                     FROM crm_productivity_stay stay
                     LEFT JOIN crm_stage stage ON stage.id = stay.stage_id
                     LEFT JOIN crm_stage following ON following.id = stay.next_stage_id
                    WHERE stay.company_id = %s AND stay.looked_at >= %s AND stay.looked_at < %s AND %s
                    GROUP BY stay.stage_id""",
                company.id,
                start,
                end,
                where,
            )
        )
        names = ("reached", "onward", "back", "lost", "here", "median", "timed")
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}

    #: days up to which an open opportunity is of an age; the last one has no end
    AGES = (30, 90, 180)

    @api.model
    def _ageing(self, company, where):
        """How long open opportunities have been in their stage, and what is expected of them.

        :return: ``{stage id: [(number, amount), …]}``: one for each of :attr:`AGES`, one for older, one for not measured
        """
        now = fields.Datetime.now()
        edges = [now - timedelta(days=days) for days in self.AGES]
        case = SQL(" ").join(SQL("WHEN stay.entered_at >= %s THEN %s", edge, place) for place, edge in enumerate(edges))
        rows = self.env.execute_query(
            SQL(
                """SELECT stay.stage_id, CASE WHEN stay.entered_at IS NULL THEN %(unknown)s %(case)s ELSE %(older)s END AS age,
                          count(*), COALESCE(sum(stay.amount), 0)
                     FROM crm_productivity_stay stay
                    WHERE stay.company_id = %(company)s AND stay.ended = 'open' AND %(where)s GROUP BY 1, 2""",
                case=case,
                older=len(edges),
                unknown=len(edges) + 1,
                company=company.id,
                where=where,
            )
        )
        found = defaultdict(lambda: [(0, 0.0)] * (len(edges) + 2))
        for stage_id, age, number, amount in rows:
            found[stage_id][age] = (number, float(amount))
        return found
