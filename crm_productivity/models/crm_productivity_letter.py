import base64
import logging
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: how often a mail is tried that could not be made
ATTEMPTS = 3
#: so long the mails wait for days that are still being reckoned
PATIENCE = timedelta(hours=6)
#: weekdays from which on the mail is about the week that is ending, not the one before
ENDING = 3


class CrmProductivityLetter(models.Model):
    """That a week's mail was made for a person: so that it is made once, whatever happens.

    The row and the mail in Odoo's queue are written in one transaction. It says nothing of the numbers.
    """

    _name = "crm.productivity.letter"
    _description = "Weekly report that was sent"
    _order = "monday desc, id desc"
    _rec_name = "user_id"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", "Person", required=True, readonly=True, index=True, ondelete="cascade")
    monday = fields.Date("Week of", required=True, readonly=True)
    until = fields.Date(required=True, readonly=True, help="The last day that was counted.")
    state = fields.Selection(
        [("sent", "Sent"), ("nothing", "Nothing to tell"), ("failed", "Could not be made")],
        required=True,
        readonly=True,
        default="failed",
    )
    at = fields.Datetime("When", readonly=True)
    attempts = fields.Integer(readonly=True)
    with_pdf = fields.Boolean("With PDF", readonly=True)
    problem = fields.Char(readonly=True)

    _week_unique = models.UniqueIndex("(company_id, monday, user_id)")

    # --- when ---

    @api.model
    def _due(self, company):
        """:return: ``(moment, monday, until)`` of the mail that was last to be sent, None if none was since it is on"""
        zone = self.env["crm.productivity.stale"]._zone(company)
        now = pytz.utc.localize(fields.Datetime.now()).astimezone(zone)
        weekday = int(company.crm_productivity_letter_weekday)
        day = now.date() - timedelta(days=(now.weekday() - weekday) % 7)
        moment = self._moment(company, zone, day)
        if moment > fields.Datetime.now():
            day -= timedelta(days=7)
            moment = self._moment(company, zone, day)
        since = company.crm_productivity_letter_since
        if not since or moment < since:
            return None
        monday = day - timedelta(days=weekday)
        if weekday < ENDING:
            monday -= timedelta(days=7)
        return moment, monday, min(monday + timedelta(days=6), now.date())

    @api.model
    def _moment(self, company, zone, day):
        hours = int(company.crm_productivity_letter_hour)
        # an hour that the clock leaves out in spring is the one after it
        local = zone.normalize(zone.localize(datetime.combine(day, time(hours))))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    # --- to whom ---

    @api.model
    def _recipients(self, company):
        """:return: who gets a mail: people who sell for the company, and did not turn theirs off"""
        group = self.env.ref("sales_team.group_sale_salesman")
        return self.env["res.users"].search(
            [
                ("all_group_ids", "in", group.ids),
                ("company_ids", "in", company.ids),
                ("share", "=", False),
                ("crm_productivity_letter", "=", True),
            ],
            order="id",
        )

    @api.model
    def _waiting(self, company, monday):
        """:return: who is to get the week's mail still"""
        done = self.search(
            [
                ("company_id", "=", company.id),
                ("monday", "=", monday),
                "|",
                ("state", "!=", "failed"),
                ("attempts", ">=", ATTEMPTS),
            ]
        )
        return self._recipients(company) - done.user_id

    # --- sending ---

    @api.model
    def _cron_send(self):
        """Send what is due: once to each person and week, and once after the server was down."""
        work = []
        for company in self.env["res.company"].search([("crm_productivity_letters", "=", True)]):
            due = self._due(company)
            if due and not self._is_reckoning(company, *due):
                work += [(company, user, due) for user in self._waiting(company, due[1])]
        Cron = self.env["ir.cron"]
        Cron._commit_progress(remaining=len(work))
        for company, user, (_moment, monday, until) in work:
            self._send_once(user, company, monday, until)
            if not Cron._commit_progress(1):
                break

    @api.model
    def _is_reckoning(self, company, moment, monday, until):
        """Whether days of the week are still being reckoned: better late than wrong, but not for ever."""
        if fields.Datetime.now() > moment + PATIENCE:
            return False
        stale = self.env["crm.productivity.stale"]
        first = monday - timedelta(days=7)
        # today is always being reckoned
        last = min(until, stale._today(company) - timedelta(days=1))
        return bool(
            stale.search_count([("company_id", "=", company.id), ("day", ">=", first), ("day", "<=", last)], limit=1)
        )

    @api.model
    def _send_once(self, user, company, monday, until):
        """Send a week's mail to a person, unless somebody did; what goes wrong is noted and stops nobody else."""
        [(letter_id, state)] = self.env.execute_query(
            SQL(
                """INSERT INTO crm_productivity_letter AS letter
                          (company_id, user_id, monday, until, state, at, attempts, with_pdf)
                   VALUES (%s, %s, %s, %s, 'failed', %s, 1, FALSE)
                   ON CONFLICT (company_id, monday, user_id) DO UPDATE
                      SET attempts = letter.attempts + 1, at = EXCLUDED.at
                   RETURNING id, state""",
                company.id, user.id, monday, until, fields.Datetime.now(),
            )
        )  # fmt: skip
        letter = self.browse(letter_id)
        letter.invalidate_recordset()
        if state != "failed":
            return
        try:
            with self.env.cr.savepoint():
                with_pdf = self._mail(user, company, until)
        except Exception as problem:
            # whatever it is, the next person gets theirs
            _logger.warning("The weekly report for user %s could not be made", user.id, exc_info=True)
            letter.problem = str(problem)[:200] or type(problem).__name__
        else:
            state = "nothing" if with_pdf is None else "sent"
            letter.write({"state": state, "with_pdf": bool(with_pdf), "problem": False})

    @api.model
    def _mail(self, user, company, day, even_empty=False):
        """Make a person's mail, with that person's rights, in their language, and put it into Odoo's queue.

        :param day: in the week that it is about
        :param even_empty: whether somebody without any number gets one
        :return: whether it has the PDF; None if there was nothing to tell
        """
        if not user.email:
            raise UserError(self.env._("%s has no mail address.", user.name))
        # not a context of whoever asks: the reader's own
        reader = self.env(
            user=user,
            su=False,
            context={"lang": user.lang, "tz": user.tz, "allowed_company_ids": company.ids},
        )
        paper = reader["crm.productivity.paper"].create({"company_id": company.id, "week": day})
        papers = paper._letter_papers()
        if not papers and not even_empty:
            return None
        template = reader.ref("crm_productivity.mail_template_letter")
        subject, body = (
            template._render_field(name, paper.ids, **options)[paper.id]
            for name, options in (("subject", {}), ("body_html", {"options": {"post_process": True}}))
        )
        pdfs = self._pdfs(papers or paper)
        # sudo: the queue is the system's; there is no record behind the mail, whose readers would read it, too
        mail = self.env["mail.mail"].sudo().create(self._prepare_mail_vals(user, company, subject, body))
        for name, content in pdfs:
            mail.attachment_ids += mail.env["ir.attachment"].create(
                {
                    "name": name,
                    "datas": base64.b64encode(content),
                    "mimetype": "application/pdf",
                    "res_model": "mail.message",
                    "res_id": mail.mail_message_id.id,
                }
            )
        if not pdfs:
            self._tell_no_pdf(company)
        # sudo: so that it does not wait for the queue's next hour
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return bool(pdfs)

    def _prepare_mail_vals(self, user, company, subject, body):
        return {
            "subject": subject,
            "body_html": body,
            "email_from": company.email_formatted or self.env.user.email_formatted,
            "email_to": user.email_formatted,
            "author_id": company.partner_id.id,
            "auto_delete": True,
            "headers": {"X-Auto-Response-Suppress": "OOF"},
            "state": "outgoing",
        }

    # --- the PDF ---

    @api.model
    def _has_pdf_engine(self):
        """Whether the server can make PDFs: wkhtmltopdf is there, and Odoo can answer it meanwhile."""
        return self.env["ir.actions.report"].get_wkhtmltopdf_state() == "ok"

    @api.model
    def _pdfs(self, papers):
        """:return: ``[(name of the file, content), …]``, empty where there is nothing that makes PDFs"""
        if not self._has_pdf_engine():
            return []
        pdfs = []
        for paper in papers:
            content, kind = paper.env["ir.actions.report"]._render_qweb_pdf(
                "crm_productivity.report_paper", res_ids=paper.ids
            )
            if kind == "pdf":
                pdfs.append((f"{paper.title} {paper.monday}.pdf", content))
        return pdfs

    @api.model
    def _tell_no_pdf(self, company):
        """Tell the administrators of calls once that mails go without PDF."""
        # sudo: whoever asked for a sample may not write the company
        company = company.sudo()
        if company.crm_productivity_pdf_told:
            return
        company.crm_productivity_pdf_told = True
        group = self.env.ref("crm_voip_bridge.group_manager")
        # sudo: who administers calls is found whoever asked
        administrators = self.env["res.users"].sudo().search(
            [("all_group_ids", "in", group.ids), ("company_ids", "in", company.ids), ("share", "=", False)]
        )  # fmt: skip
        for user in administrators:
            told = self.with_context(lang=user.lang).sudo()
            told.env["mail.thread"].message_notify(
                partner_ids=user.partner_id.ids,
                subject=told.env._("Weekly reports go without PDF"),
                body=told.env._(
                    "The program that makes PDFs (wkhtmltopdf 0.12 or newer) is not on the server, or Odoo runs with "
                    "one worker only. The mails of the weekly report have everything in their text. Once it is there, "
                    "the PDF comes by itself."
                ),
            )
