from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..lib.overlap import covered
from .res_company import LOOK_BACK

#: records that are read in one go
CHUNK = 1000
#: what is read again, because a transaction that began earlier may end later
AGAIN = timedelta(minutes=30)
#: up to which moment each kind was read
SEEN = "crm_support_budget.seen_%s"
#: a call of a day and a timesheet of a day are this near to each other
NEAR = timedelta(days=2)


class CrmSupportContact(models.Model):
    """Chats and timesheets, where those apps are installed: pulled, and never depended on."""

    _inherit = "crm.support.contact"

    # --- chats ---

    @api.model
    def _has_chats(self):
        return "livechat_operator_id" in self.env["discuss.channel"]._fields

    @api.model
    def _prepare_chat_vals(self, ids):
        """:return: the model, and ``{chat id: values}`` of chats with a technician; who is not logged in is no known customer"""
        technicians, vals = self._technicians(), {}
        # sudo: chats are read by whoever takes part in them, and followed up here for all
        for chat in self.env["discuss.channel"].sudo().browse(ids).exists() if self._has_chats() else ():
            user = chat.livechat_operator_id.user_ids.filtered(lambda one: one in technicians)[:1]
            person, end = chat.livechat_customer_partner_ids[:1], chat.livechat_end_dt
            if user and chat.channel_type == "livechat":
                vals[chat.id] = {
                    "company_id": user.company_id.id,
                    "contact_id": person.id,
                    "partner_id": person.commercial_partner_id.id,
                    "user_id": user.id,
                    "at": chat.create_date,
                    "minutes": max((end - chat.create_date).total_seconds() / 60, 0) if end else False,
                    "is_support": bool(end and person),
                }
        return "discuss.channel", vals

    # --- timesheets ---

    @api.model
    def _has_timesheets(self):
        return "account.analytic.line" in self.env and "project_id" in self.env["account.analytic.line"]._fields

    @api.model
    def _prepare_timesheet_vals(self, ids):
        """:return: the model, and ``{line id: values}`` of what technicians wrote for customers"""
        technicians, vals = self._technicians(), {}
        # sudo: lines of all are followed up, and shown as all entries are
        for line in self.env["account.analytic.line"].sudo().browse(ids).exists() if self._has_timesheets() else ():
            noon = fields.Datetime.to_datetime(line.date).replace(hour=12)
            person = line.partner_id
            vals[line.id] = {
                "company_id": line.company_id.id,
                "contact_id": person.id,
                "partner_id": person.commercial_partner_id.id,
                "user_id": line.user_id.id,
                # no time of the day is known: noon of the company's day
                "at": noon - line.company_id._crm_voip_zone().utcoffset(noon),
                "minutes": max(line.unit_amount, 0) * 60,
                "is_support": bool(
                    line.project_id and person and line.user_id in technicians and 0 < line.unit_amount <= 24
                ),
            }
        return "account.analytic.line", vals

    def _with_neighbours(self):
        """:return: these, and the lines of timesheets of which more or less is left because of them"""
        if not self or not self._has_timesheets():
            return self
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT sheet.id
                     FROM (SELECT company_id, user_id, at FROM crm_support_contact WHERE id = ANY(%(ids)s)
                            UNION
                           SELECT company_id, user_id, at FROM crm_support_entry
                            WHERE support_contact_id = ANY(%(ids)s)) AS known
                     JOIN crm_support_contact AS sheet ON sheet.source = 'timesheet' AND sheet.user_id = known.user_id
                          AND sheet.company_id = known.company_id
                          AND sheet.at BETWEEN known.at - %(near)s AND known.at + %(near)s""",
                ids=self.ids,
                near=NEAR,
            )
        )
        return self | self.browse(contact_id for (contact_id,) in rows)

    def _covered(self):
        """:return: ``{contact id: minutes of a line of a timesheet that were counted with a call or a chat}``"""
        sheets = self.filtered(lambda one: one.source == "timesheet" and one.partner_id and one.user_id)
        if not sheets:
            return {}
        around = self.search_fetch(
            [
                ("source", "in", ("timesheet", "call", "chat")),
                ("company_id", "in", sheets.company_id.ids),
                ("partner_id", "in", sheets.partner_id.ids),
                ("user_id", "in", sheets.user_id.ids),
                ("at", ">=", min(sheets.mapped("at")) - NEAR),
                ("at", "<=", max(sheets.mapped("at")) + NEAR),
                ("is_support", "=", True),
            ]
        )
        lines, talked = {}, {}
        for contact in around:
            day = contact.at.astimezone(contact.company_id._crm_voip_zone()).date()
            same_work = contact.company_id, contact.partner_id, contact.user_id, day
            if contact.source == "timesheet":
                lines.setdefault(same_work, []).append((contact.id, contact.minutes or 0.0))
            else:
                talked[same_work] = talked.get(same_work, 0.0) + (contact.minutes or 0.0)
        found = {}
        for same_work, some in lines.items():
            found |= covered(some, talked.get(same_work, 0.0))
        return found

    # --- the scheduled actions ---

    @api.model
    def _cron_pull(self):
        """Follow up messages, chats and timesheets."""
        more = self._pull_messages() == CHUNK
        # sudo: see _threads
        self.env["crm.support.request"].sudo()._ask_for_unanswered()
        if self._has_chats():
            more |= self._pull("chat", "discuss.channel", [("channel_type", "=", "livechat")])
        if self._has_timesheets():
            more |= self._pull("timesheet", "account.analytic.line", [("project_id", "!=", False)])
        self._forget_deleted("message", "mail.message")
        self.env["ir.cron"]._commit_progress(1, remaining=int(more))

    @api.model
    def _pull(self, source, model, domain):
        """Read what changed since the last time, and what is no more.

        :return: whether there is more
        """
        # sudo: the ledger follows from what happened, whoever sees it
        parameters = self.env["ir.config_parameter"].sudo()
        seen = fields.Datetime.to_datetime(parameters.get_param(SEEN % source))
        # sudo: see above
        records = self.env[model].sudo().with_context(active_test=False)
        since = seen - AGAIN if seen else fields.Datetime.now() - timedelta(days=LOOK_BACK)
        found = records.search([*domain, ("write_date", ">=", since)], order="write_date, id", limit=CHUNK)
        more = len(found) == CHUNK and found[-1].write_date > since
        if more:
            # all of the last moment together, or a thousand of one moment would be read for ever
            found |= records.search([*domain, ("write_date", "=", found[-1].write_date)])
        self._take(source, found.ids)
        if found:
            parameters.set_param(
                SEEN % source, fields.Datetime.to_string(found[-1].write_date + (AGAIN if more else timedelta()))
            )
        self._forget_deleted(source, model)
        return more

    @api.model
    def _forget_deleted(self, source, model):
        """Contacts of the last weeks whose record was deleted cost nothing any more."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT contact.id FROM crm_support_contact AS contact
                     LEFT JOIN %s AS record ON record.id = contact.res_id
                    WHERE contact.source = %s AND contact.res_model = %s AND contact.is_support AND record.id IS NULL
                      AND contact.company_id = ANY(%s) AND contact.at >= %s""",
                SQL.identifier(self.env[model]._table),
                source,
                model,
                # sudo: of all companies; named, so that the index on company and time serves
                self.env["res.company"].sudo().with_context(active_test=False).search([("id", "!=", False)]).ids,
                fields.Datetime.now() - timedelta(days=LOOK_BACK),
            )
        )
        # sudo: see _take
        gone = self.sudo().browse(contact_id for (contact_id,) in rows)
        gone.write({"is_support": False})
        gone._settle(self.env._("It was deleted.") if gone else None)

    @api.model
    def _cron_look_back(self):
        """Take the calls of the last weeks, so that the dry run shows something at once; then never again."""
        taken, remaining = self._look_back()
        self.env["ir.cron"]._commit_progress(taken, remaining=remaining, deactivate=not remaining)

    @api.model
    def _look_back(self):
        """:return: how many calls were taken, and how many are left"""
        # sudo: see _pull
        parameters = self.env["ir.config_parameter"].sudo()
        calls = self.env["crm.voip.call"].sudo()
        since = fields.Datetime.now() - timedelta(days=LOOK_BACK)
        last = int(parameters.get_param(SEEN % "call", 0))
        found = calls.search([("id", ">", last), ("started_at", ">=", since)], order="id", limit=CHUNK)
        self._take("call", found.ids)
        if found:
            parameters.set_param(SEEN % "call", found[-1].id)
        remaining = calls.search_count([("id", ">", found[-1].id), ("started_at", ">=", since)]) if found else 0
        return len(found), remaining
