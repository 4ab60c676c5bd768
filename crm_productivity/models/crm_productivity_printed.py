from odoo import api, models
from odoo.addons.crm_voip_bridge.models.crm_voip_people import SMALL_TEAM
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

#: characters of a sentence that are printed, and of each where there are many; the rest is in "What the numbers mean"
LONGEST, SHORT = 330, 170


class CrmProductivityPrinted(models.AbstractModel):
    """What the weekly report and the board page have in common: numbers beside earlier ones, each with its two sentences."""

    _name = "crm.productivity.printed"
    _description = "What is printed"

    @api.model
    def _today(self):
        return self.env["crm.productivity.stale"]._today(self.env.company)

    # --- whose totals ---

    def _check_reader(self):
        """:raise AccessError: the present user may not see what the numbers are of"""
        self.check_access("read")
        if self.company_id not in self.env.user.company_ids:
            raise AccessError(self.env._("This is not a company of yours."))
        self._check_whose()

    def _check_whose(self):
        """Hook: whether the present user may see the numbers of these people."""

    @api.model
    def _sees_all(self):
        return self.env.user.has_group("crm_voip_bridge.group_all")

    @api.model
    def _led_teams(self, company):
        # sudo: who leads a team knows it, whatever lists they may read
        teams = self.env["crm.team"].sudo()
        return teams.search([("user_id", "=", self.env.uid), ("company_id", "in", [False, company.id])])

    @api.model
    def _may_see_totals(self, company):
        leads = self.env["crm.productivity.team"].has_access("read")
        return bool(company in self.env.user.company_ids and leads and (self._sees_all() or self._led_teams(company)))

    @api.model
    def _shown_teams(self, company, first, last):
        """:return: teams whose totals the present user may see, and that did something in the days"""
        found = (
            self.env["crm.productivity.team"]
            .with_context(allowed_company_ids=company.ids)
            ._read_group(
                [("company_id", "=", company.id), ("day", ">=", first), ("day", "<=", last), ("team_id", "!=", False)],
                ["team_id"],
            )
        )
        return self.env["crm.team"].browse([team.id for (team,) in found])

    @api.model
    def _scope(self, company, first, last):
        """Totals that the present user may see: the company's, or those of the teams they lead. Never single persons.

        :return: ``(model of days, domain)`` to be added up; no domain where it would be a person's figure
        """
        day = self.env["crm.productivity.day"].with_context(allowed_company_ids=company.ids)
        of_company = Domain("company_id", "=", company.id)
        if not self._sees_all():
            # sudo: totals of teams that one may see, without persons
            return day.sudo(), of_company & Domain("team_id", "in", self._shown_teams(company, first, last).ids)
        if not day._people_decided() and 0 < self._count_people(company, first, last) < SMALL_TEAM:
            return day, None
        # sudo: the total of a whole company is no single person's figure
        return day.sudo(), of_company

    @api.model
    def _count_people(self, company, first, last):
        """:return: how many people did something"""
        self.env["crm.productivity.day"].flush_model()
        [(count,)] = self.env.execute_query(
            SQL(
                "SELECT count(DISTINCT user_id) FROM crm_productivity_day WHERE company_id = %s AND day BETWEEN %s AND %s",
                company.id,
                first,
                last,
            )
        )
        return count

    @api.model
    def _totals_of(self, day, domain, periods):
        """:return: what ``_totals`` says of each period"""
        if domain is None:
            return [({}, {}) for _period in periods]
        return [day._totals(domain & Domain("day", ">=", first) & Domain("day", "<=", last)) for first, last in periods]

    # --- numbers ---

    @api.model
    def _printed_rows(self, metrics, periods, now, before, company, of_team=False):
        """Numbers of two periods, ready to be printed.

        :param periods: first and last day of each of the two
        :param now: ``(measures, histograms)`` of the period; likewise ``before``, the earlier one
        :param of_team: whether they are of several people
        :return: a dictionary for each metric, see ``_prepare_printed_row``
        """
        codes = metrics.mapped("code")
        # each period has the definition that held at its end
        held = [metrics._of_codes(codes, last) for _first, last in periods]
        rows = []
        for metric in metrics:
            versions = [found.get(metric.code) or metric for found in held]
            row = self._prepare_printed_row(metric, versions, now, before, company.currency_id)
            note = versions[0]._definition_note(periods[1][0], periods[0][1], company)
            row["changed"] = note.replace("\n", " ")
            row["meaning"] = self._shortened((of_team and versions[0].team_meaning) or versions[0].meaning)
            rows.append(row)
        return rows

    def _prepare_printed_row(self, metric, versions, now, before, currency):
        this, earlier = versions
        value, was = this._value(*now), earlier._value(*before)
        cases = this.basis and now[0].get(this.basis)
        change = this._change(value, was, currency)
        return {
            "code": metric.code,
            "metric": metric,
            "name": metric.name,
            "unit": metric.unit,
            "measured": value is not None,
            "value": this._shown(value, currency),
            "before": "–" if was is None else earlier._shown(was, currency),
            "change": change,
            # what rounds to nothing is neither better nor worse
            "trend": change != self.env._("as before") and this._trend(value, was),
            "cases": self.env._("from %s", f"{cases:.0f}") if cases and metric.unit != "count" else False,
            "computation": self._shortened(this._definition()),
            "provenance": dict(metric._fields["provenance"]._description_selection(self.env))[this.provenance],
            "version": self._version_text(this),
            "target": False,
            "comments": [],
        }

    def _version_text(self, metric):
        if metric.since:
            return self.env._(
                "version %(number)s since %(day)s", number=metric.version, day=format_date(self.env, metric.since)
            )
        return self.env._("version %s", metric.version)

    @api.model
    def _shortened(self, text, longest=LONGEST):
        text = " ".join((text or "").split())
        return text if len(text) <= longest else text[: longest - 1].rsplit(" ", 1)[0] + " …"

    @api.model
    def _fit(self, rows, most):
        """Shorten what the sentences of some numbers say, where an administrator wrote more than a page has room for.

        :param most: characters that fit in the usual letters
        :return: whether small letters are needed
        """

        def length():
            return sum(len(row["meaning"]) + len(row["computation"]) for row in rows)

        if length() <= most:
            return False
        if length() > 1.4 * most:
            for row in rows:
                row["meaning"] = self._shortened(row["meaning"], SHORT)
                row["computation"] = self._shortened(row["computation"], SHORT)
        return True

    @api.model
    def _printed_target(self, target):
        """:return: how far a target is, with the widths of its bar"""
        known = target.percent is not False
        return {
            "name": target.metric_id.name,
            "whose": target.team_id.name or target.user_id.name,
            "period": self._printed_days(target.date_from, target.date_to),
            "shown": target.shown,
            "percent": f"{target.percent:.0f} %" if known else self.env._("not measured"),
            "bar": min(max(round(target.percent), 0), 100) if known else 0,
            "pace": target.pace is not False and f"{target.pace:.0f} %",
            "mark": min(max(round(target.pace or 0), 0), 100),
            "state": target.state,
            "beside": target.metric_id.counterweight_id and target.beside,
        }

    @api.model
    def _printed_days(self, first, last):
        return self.env._("%(first)s – %(last)s", first=format_date(self.env, first), last=format_date(self.env, last))

    @api.model
    def _printed_direction(self):
        return self.env["res.lang"]._get_data(code=self.env.lang or "en_US").direction or "ltr"
