from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL


class CrmVoipPbx(models.Model):
    """How complete the log is: the PBX's own record against it, as numbers and as a line."""

    _inherit = "crm.voip.pbx"

    completeness_ids = fields.One2many("crm.voip.completeness", "pbx_id", string="PBX record against log")
    completeness_day = fields.Date("Last day compared", compute="_compute_completeness")
    completeness = fields.Char(
        compute="_compute_completeness",
        help="Of the last day compared: calls by the PBX's own record, those logged, those that may not be recorded.",
    )
    difference_count = fields.Integer("Differences", compute="_compute_difference_count")

    @api.depends("completeness_ids.state", "state_ids.event_at")
    @api.depends_context("lang")
    def _compute_completeness(self):
        for pbx in self:
            # sudo: numbers of a whole PBX are for whoever sees the PBX
            row = (
                pbx.sudo()
                .env["crm.voip.completeness"]
                .search([("pbx_id", "in", pbx.ids), ("checked_at", "!=", False)], limit=1)
            )
            day = row.day or (pbx._today() if pbx.ids else False)
            pbx.completeness_day = day
            pbx.completeness = pbx._origin._completeness_line(day, day) if pbx.ids else False

    @api.depends("completeness_ids.difference_ids.solved_at")
    def _compute_difference_count(self):
        # sudo: a number of a whole PBX
        counts = dict(
            self.env["crm.voip.difference"]
            .sudo()
            ._read_group([("pbx_id", "in", self.ids), ("solved_at", "=", False)], ["pbx_id"], ["__count"])
        )
        for pbx in self:
            pbx.difference_count = counts.get(pbx._origin.sudo(), 0)

    # --- for reports ---

    def _completeness(self, day_from, day_to):
        """How complete the log of one PBX is.

        :param day_from: first day, by the company's clock; likewise ``day_to``, the last
        :return: ``{"days": int, "compared": int, "pbx": int | None, "logged": int, "outside": int, "open": int,
            "differences": int, "last_event_s": float | None, "problem": str}``. ``pbx`` is None where no day was compared
            with the PBX's own record; where some were, all numbers are of these. ``problem`` says in a word why not:
            "none" (no record), "kind" (this kind of PBX keeps none), or what the bridge says
        """
        self.ensure_one()
        # sudo: numbers of a whole PBX are for whoever sees the PBX
        own = self.sudo()
        rows = own.env["crm.voip.completeness"].search(
            [("pbx_id", "=", self.id), ("day", ">=", day_from), ("day", "<=", day_to)]
        )
        compared = rows.filtered(lambda row: row.checked_at and row.source)
        last = max((at for at in own.state_ids.mapped("event_at") if at), default=None)
        numbers = {
            "days": (day_to - day_from).days + 1,
            "compared": len(compared),
            "pbx": sum(compared.mapped("pbx_count")) if compared else None,
            "differences": sum(rows.mapped("difference_count")),
            "last_event_s": (fields.Datetime.now() - last).total_seconds() if last else None,
            "problem": "" if compared else (rows[:1].problem or "") if own.can_history else "kind",
        }
        if compared:
            names = {"logged": "logged_count", "outside": "outside_count", "open": "open_count"}
            return {**numbers, **{name: sum(compared.mapped(field)) for name, field in names.items()}}
        return {**numbers, **own._completeness_of_log(day_from, day_to)}

    def _completeness_of_log(self, day_from, day_to):
        """What is known without the PBX's own record."""
        bounds = self.env["crm.voip.completeness"]._bounds
        begins_at, ends_at = bounds(self, day_from)[0], bounds(self, day_to)[1]
        self.env["crm.voip.call"].flush_model(["pbx_id", "company_id", "started_at", "disposition"])
        [(logged, still_open)] = self.env.execute_query(
            SQL(
                """SELECT count(*), count(*) FILTER (WHERE disposition = 'in_progress') FROM crm_voip_call
                    WHERE pbx_id = %s AND company_id = ANY(%s) AND started_at >= %s AND started_at < %s""",
                self.id,
                self._companies(),
                begins_at,
                ends_at,
            )
        )
        [(outside,)] = self.env.execute_query(
            SQL(
                "SELECT COALESCE(sum(count), 0) FROM crm_voip_outside WHERE pbx_id = %s AND day BETWEEN %s AND %s",
                self.id,
                day_from,
                day_to,
            )
        )
        return {"logged": logged, "outside": int(outside), "open": still_open}

    def _completeness_line(self, day_from, day_to, last_event=True):
        """:return: the numbers of :meth:`_completeness` as one line, in the user's language"""
        numbers = self._completeness(day_from, day_to)
        if numbers["pbx"] is not None:
            parts = [self.env._("PBX %s", numbers["pbx"])]
        elif numbers["problem"] == "kind":
            parts = [self.env._("This kind of PBX keeps no record to compare with")]
        elif numbers["problem"] == "none":
            parts = [self.env._("The bridge knows of no record of the PBX to compare with")]
        elif numbers["problem"]:
            parts = [self.env._("The PBX's record cannot be read")]
        else:
            parts = [self.env._("Not compared yet")]
        parts += [
            self.env._("logged %s", numbers["logged"]),
            self.env._("outside scope %s", numbers["outside"]),
            self.env._("open %s", numbers["open"]),
        ]
        if numbers["differences"]:
            parts.append(self.env._("differences %s", numbers["differences"]))
        if numbers["pbx"] is not None and numbers["compared"] < numbers["days"]:
            parts.append(
                self.env._("%(compared)s of %(days)s days compared", compared=numbers["compared"], days=numbers["days"])
            )
        if last_event and numbers["last_event_s"] is not None:
            parts.append(self.env._("last event %s ago", self._ago(numbers["last_event_s"])))
        return " · ".join(parts)

    def _ago(self, seconds):
        """:return: a length of time in its largest unit"""
        seconds = max(int(seconds), 0)
        if seconds < 120:
            return self.env._("%s s", seconds)
        if seconds < 2 * 3600:
            return self.env._("%s min", seconds // 60)
        if seconds < 2 * 86400:
            return self.env._("%s h", seconds // 3600)
        return self.env._("%s days", seconds // 86400)

    # --- asking ---

    def action_compare(self):
        """Compare yesterday and what is over of today with the PBX's own record."""
        self.check_access("write")
        # sudo: nobody edits these; who asks has been checked
        rows = self.env["crm.voip.completeness"].sudo()
        for pbx in self:
            for day in (pbx._today() - timedelta(days=1), pbx._today()):
                rows |= rows._ask(pbx.sudo(), day)
        asked = self.env._("The bridge is asked with its next sign of life, within a minute.")
        early = self.env._("There is nothing to compare yet: the bridge began to report less than a minute ago.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info" if rows else "warning",
                "message": asked if rows else early,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_view_differences(self):
        """What PBX and log do not agree on."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_difference_action")
        return {**action, "domain": [("pbx_id", "=", self.id)], "context": {"search_default_open": 1}}

    # --- inside ---

    def _heard_since(self):
        """:return: when a bridge first reported, None if that was before anybody noted it"""
        moments = self.state_ids.mapped("heard_since")
        return min(moments) if moments and all(moments) else None

    def _companies(self):
        """:return: ids of the companies that this PBX's calls can be of"""
        return sorted({self.company_id.id, *self.line_ids.company_id.ids})

    def _scope(self):
        """Beside what may be recorded, what is asked about the PBX's own record; both name the version."""
        scope = super()._scope()
        asked = self.env["crm.voip.completeness"]._open_of(self)
        if asked:
            scope["audit"] = asked
            scope["version"] += "~" + ",".join(question["id"] for question in asked)
        return scope
