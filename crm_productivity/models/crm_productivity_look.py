from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: days that are looked through again each night: calls come late
RECENT_DAYS = 3
#: most cases that are kept with a find; the number stays whole
MOST_CASES = 500
#: longest comment
LONGEST = 2_000


class CrmProductivityLook(models.Model):
    """Something worth a look, for the person whose it is, and for nobody else.

    It says what it may innocently be; the person looks at the cases and can write what it was. Whoever leads sees how
    many there were in the team (:class:`CrmProductivityLookTeam`), not whose.
    """

    _name = "crm.productivity.look"
    _inherit = ["crm.voip.own"]
    _description = "Worth a look"
    _order = "day desc, id desc"
    _rec_name = "pattern_id"
    _log_access = False

    _people_fields = ("user_id",)
    _people_user = "user_id"
    _people_time = "found_at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    team_id = fields.Many2one("crm.team", "Sales team", readonly=True, ondelete="set null")
    user_id = fields.Many2one("res.users", "Person", required=True, readonly=True, index=True, ondelete="cascade")
    pattern_id = fields.Many2one(
        "crm.productivity.pattern", "What", required=True, readonly=True, index=True, ondelete="cascade"
    )
    day = fields.Date(required=True, readonly=True)
    found_at = fields.Datetime("Found", required=True, readonly=True)
    key = fields.Char(readonly=True)
    number = fields.Integer("How many", readonly=True)
    cases = fields.Json(readonly=True, groups=fields.NO_ACCESS)
    meaning = fields.Text(related="pattern_id.meaning", related_sudo=True)
    innocent = fields.Text(related="pattern_id.innocent", related_sudo=True)
    threshold = fields.Char(related="pattern_id.threshold", related_sudo=True)
    comment = fields.Text("What it was", help="As: a wrong number that I dialled again. Nobody else reads it.")
    is_explained = fields.Boolean("Explained", compute="_compute_is_explained", store=True)

    _unique = models.UniqueIndex("(pattern_id, user_id, day, key)")
    _day_idx = models.Index("(company_id, day)")

    @api.depends("comment")
    def _compute_is_explained(self):
        for look in self:
            look.is_explained = bool(look.comment and look.comment.strip())

    def _has_field_access(self, field, operation):
        # what was found is nobody's to edit; what it was, the person says
        if operation == "write" and not self.env.su and field.name != "comment":
            return False
        return super()._has_field_access(field, operation)

    def write(self, vals):
        if vals.get("comment"):
            vals = {**vals, "comment": str(vals["comment"]).replace("\0", "")[:LONGEST]}
        return super().write(vals)

    def action_cases(self):
        """The very records, as far as one may see them."""
        self.ensure_one()
        self.check_access("read")
        if self.user_id != self.env.user:
            raise UserError(self.env._("The cases are shown to the person whose they are."))
        # sudo: the field has no readers but this
        pattern, cases = self.sudo().pattern_id, self.sudo().cases
        return {
            "type": "ir.actions.act_window",
            "name": pattern.name,
            "res_model": pattern.res_model,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", cases or [])],
            "context": {"active_test": False, "create": False},
        }

    # --- finding ---

    @api.model
    def _cron_find(self):
        """Look through the last days of the companies that want it, and forget what is old."""
        Cron = self.env["ir.cron"]
        companies = self.env["res.company"].search([("crm_productivity_look", "=", True)])
        Cron._commit_progress(remaining=len(companies))
        for company in companies:
            yesterday = self.env["crm.productivity.stale"]._today(company) - timedelta(days=1)
            self._find(company, yesterday - timedelta(days=RECENT_DAYS - 1), yesterday)
            Cron._commit_progress(1)
        self._forget()

    @api.model
    def _forget(self):
        """Delete what is older than its company keeps it; of one that turned it off, too."""
        for company in self.env["res.company"].with_context(active_test=False).search([("id", "!=", False)]):
            last = self.env["crm.productivity.stale"]._today(company)
            old = last - timedelta(days=company.crm_productivity_look_days)
            self.search([("company_id", "=", company.id), ("day", "<", old)]).unlink()

    @api.model
    def _find(self, company, first, last):
        """Bring what is worth a look of some days to what is known now; comments stay."""
        stale = self.env["crm.productivity.stale"]
        start, end = stale._bounds(company, first, last)
        zone = str(stale._zone(company))
        self.env.flush_all()
        known = Domain("company_id", "=", company.id) & Domain("day", ">=", first) & Domain("day", "<=", last)
        began = fields.Datetime.now()
        found = set()
        for pattern in self.env["crm.productivity.pattern"].search([("active", "=", True)]):
            rows = self.env.execute_query(
                SQL(
                    """INSERT INTO crm_productivity_look (company_id, team_id, user_id, pattern_id, day, found_at, key,
                                                          number, cases, is_explained)
                       SELECT %(company)s, %(team)s, found.user_id, %(pattern)s, found.day, %(now)s, found.key, found.number,
                              to_jsonb(found.cases[:%(most)s]), false
                         FROM (%(found)s) AS found (user_id, day, key, cases, number)
                        WHERE found.day BETWEEN %(first)s AND %(last)s
                           ON CONFLICT (pattern_id, user_id, day, key)
                           DO UPDATE SET number = EXCLUDED.number, cases = EXCLUDED.cases
                       RETURNING id""",
                    company=company.id,
                    team=self.env["crm.productivity.member"]._team_sql(SQL("found.user_id"), SQL("found.day")),
                    pattern=pattern.id,
                    now=began,
                    most=MOST_CASES,
                    found=getattr(pattern, f"_find_{pattern.code}")(company, start, end, zone),
                    first=first,
                    last=last,
                )
            )
            found |= {look_id for (look_id,) in rows}
        self.invalidate_model()
        # what is no more, unless somebody explained it
        self.search(known & Domain("id", "not in", found) & Domain("is_explained", "=", False)).unlink()


class CrmProductivityLookTeam(models.Model):
    """How often there was something worth a look in a team in a week; without persons, without cases."""

    _name = "crm.productivity.look.team"
    _inherit = ["crm.productivity.totals"]
    _description = "Worth a look: the team"
    _order = "week desc, team_id, pattern_id, id"
    _rec_name = "week"
    _auto = False
    _log_access = False
    _depends = {"crm.productivity.look": ["company_id", "team_id", "day", "pattern_id", "is_explained"]}

    pattern_id = fields.Many2one("crm.productivity.pattern", "What", readonly=True)
    week = fields.Date(readonly=True, help="Its Monday.")
    number = fields.Integer("How often", readonly=True)
    explained = fields.Integer("Of these explained", readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """SELECT min(id) AS id, company_id, team_id, team_id IS NULL AS is_loose, pattern_id,
                      date_trunc('week', day)::date AS week, count(*)::integer AS number,
                      (count(*) FILTER (WHERE is_explained))::integer AS explained
                 FROM crm_productivity_look GROUP BY company_id, team_id, pattern_id, date_trunc('week', day)"""
        )


class CrmVoipPerson(models.AbstractModel):
    """What is worth a look is the person's own, and goes with them."""

    _inherit = "crm.voip.person"

    def _tell_colleague(self, person, oneself):
        sections = super()._tell_colleague(person, oneself)
        if oneself:  # read by that person alone
            own = Domain("user_id", "in", person.users.ids)
            sections["worth_a_look"] = (
                self.env._("Worth a look"),
                self._rows(self._search_all("crm.productivity.look", own), ("day", "pattern_id", "number", "comment")),
            )
            sections["screens"] = (
                self.env._("Screens with figures that were opened"),
                self._rows(self._search_all("crm.productivity.opened", own), ("at", "code")),
            )
        return sections

    def _erase(self, person):
        result = super()._erase(person)
        own = Domain("user_id", "in", person.users.ids)
        # sudo: whoever may erase a person erases these, too, without reading them
        self.env["crm.productivity.look"].sudo().search(own | Domain("key", "in", sorted(person.numbers))).unlink()
        self.env["crm.productivity.opened"].sudo().search(own).unlink()
        return result
