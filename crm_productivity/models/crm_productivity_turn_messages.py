from collections import defaultdict
from datetime import datetime

from odoo import SUPERUSER_ID, api, models
from odoo.tools import SQL

from ..lib import answers


class CrmProductivityTurn(models.Model):
    """What conversations are made of: messages of Odoo and of others, and whose they were."""

    _inherit = "crm.productivity.turn"

    @api.model
    def _outside_sql(self):
        """:return: SQL of whether a row ``message`` went to somebody who is none of us"""
        # not EXISTS: the planner would read the notifications of all messages there are
        return SQL(
            """(message.outgoing_email_to IS NOT NULL OR (
                SELECT TRUE FROM mail_notification told
                 WHERE told.mail_message_id = message.id AND told.notification_type != 'inbox'
                   AND (told.res_partner_id IS NULL
                        OR told.res_partner_id NOT IN (SELECT partner_id FROM res_users WHERE NOT share)) LIMIT 1) IS TRUE)"""
        )

    @api.model
    def _machines(self):
        """:return: ids of contacts as which machines write: the bots of live chat"""
        if "chatbot.script" not in self.env:
            return []
        # sudo: who is a bot is no secret
        return (
            self.env["chatbot.script"]
            .sudo()
            .with_context(active_test=False)
            .search([("id", "!=", False)])
            .operator_partner_id.ids
        )

    @api.model
    def _thread_sql(self, ids, ends):
        """:return: SQL of ``thread (id, since)``: of which conversations what is looked at, after which moment"""
        return SQL(
            "unnest(%s::integer[], %s::timestamp[]) AS thread (id, since)",
            list(ids),
            [ends.get(one, datetime(1, 1, 1)) for one in ids],
        )

    @api.model
    def _messages(self, model, ids, ends):
        """:param ends: of which conversations only what is after a moment
        :return: ``{thread id: [lib.answers.Message, …]}``

        A message of ours is an answer if it went to somebody outside: a note to oneself answers nobody. What was
        logged, internal, or made by the system is no message.
        """
        Channel = self.env["crm.productivity.channel"]
        is_chat = model == "discuss.channel"
        rows = self.env.execute_query(
            SQL(
                """SELECT message.res_id, message.date, staff.id, message.message_type, message.crm_productivity_kind,
                          message.author_id
                     FROM %(threads)s JOIN mail_message message ON message.res_id = thread.id
                     LEFT JOIN mail_message_subtype subtype ON subtype.id = message.subtype_id
                     LEFT JOIN LATERAL (SELECT id FROM res_users WHERE partner_id = message.author_id AND NOT share
                                         ORDER BY active DESC, id LIMIT 1) staff ON TRUE
                    WHERE message.model = %(model)s AND message.date > thread.since
                      AND message.message_type IN ('email', 'comment', 'email_outgoing', 'auto_comment', 'sms')
                      AND message.is_internal IS NOT TRUE AND subtype.internal IS NOT TRUE
                      AND (staff.id IS NULL OR %(is_chat)s OR %(outside)s)
                    ORDER BY message.date, message.id""",
                model=model,
                threads=self._thread_sql(self._chats(ids) if is_chat else ids, ends),
                is_chat=is_chat,
                outside=self._outside_sql(),
            )
        )
        found = defaultdict(list)
        machines = set(self._machines()) if is_chat else ()
        kinds = {"chat"} if is_chat else {"sms" if row[3] == "sms" else "mail" for row in rows}
        channels = {kind: Channel._of_kind(kind) for kind in kinds}
        for res_id, date, user_id, kind, written_by, author_id in rows:
            if kind == "auto_comment" or written_by == "automatic" or author_id in machines or user_id == SUPERUSER_ID:
                by = answers.AUTOMATIC
            elif user_id or kind != "email" or written_by:
                by = answers.PERSON
            else:
                by = answers.UNKNOWN
            side = answers.US if user_id or kind in ("email_outgoing", "auto_comment", "sms") else answers.CUSTOMER
            channel = channels["chat" if is_chat else "sms" if kind == "sms" else "mail"]
            found[res_id].append(answers.Message(date, side, by, user_id, channel))
        if not is_chat:
            self._add_others(model, ids, found)
        self._add_settled(model, ids, found)
        for one, moment in ends.items():
            found[one] = [message for message in found[one] if message.at > moment]
        return found

    @api.model
    def _chats(self, ids):
        """:return: those of some discussions that are live chats with visitors"""
        chats = self.env["discuss.channel"].sudo().search([("id", "in", list(ids)), ("channel_type", "=", "livechat")])
        return chats.ids  # sudo: upkeep

    @api.model
    def _add_others(self, model, ids, found):
        """Add what other systems told of the same contacts and opportunities."""
        whose = SQL("lead_id") if model == "crm.lead" else SQL("partner_id")
        rows = self.env.execute_query(
            SQL(
                """SELECT %(whose)s, at, incoming, automatic, user_id, channel_id FROM crm_productivity_message
                    WHERE %(whose)s = ANY(%(ids)s) AND (lead_id IS NULL OR %(is_lead)s) ORDER BY at, id""",
                whose=whose,
                ids=list(ids),
                is_lead=model == "crm.lead",
            )
        )
        for res_id, at, incoming, automatic, user_id, channel_id in rows:
            side = answers.CUSTOMER if incoming else answers.US
            kind = answers.AUTOMATIC if automatic else answers.PERSON
            found[res_id].append(answers.Message(at, side, kind, user_id, channel_id))

    @api.model
    def _add_settled(self, model, ids, found):
        rows = self.env.execute_query(
            SQL(
                """SELECT res_id, at, user_id FROM crm_productivity_settled
                    WHERE res_model = %s AND res_id = ANY(%s) ORDER BY at, id""",
                model,
                list(ids),
            )
        )
        for res_id, at, user_id in rows:
            if res_id in found:
                found[res_id].append(answers.Message(at, answers.US, answers.SETTLED, user_id))

    @api.model
    def _assignments(self, records):
        """:return: ``{thread id: [lib.answers.Assignment, …]}`` from what was tracked of the salesperson"""
        found = defaultdict(list)
        if records._name == "discuss.channel":
            for chat in records:
                if operator := self._operator_of(chat):
                    found[chat.id].append(answers.Assignment(datetime.min, operator.id))
            return found
        rows = self.env.execute_query(
            SQL(
                """SELECT message.res_id, message.date, value.old_value_integer, value.new_value_integer
                     FROM mail_tracking_value value
                     JOIN mail_message message ON message.id = value.mail_message_id
                    WHERE message.model = %s AND message.res_id = ANY(%s) AND value.field_id = %s
                    ORDER BY message.date, value.id""",
                records._name,
                records.ids,
                self.env["ir.model.fields"]._get(records._name, "user_id").id,
            )
        )
        tracked = defaultdict(list)
        for res_id, *row in rows:
            tracked[res_id].append(row)
        for record in records:
            own = tracked[record.id]
            first = own[0][1] if own else record.user_id.id
            if first:
                found[record.id].append(answers.Assignment(datetime.min, first))
            found[record.id] += [answers.Assignment(date, new or None) for date, _old, new in own]
        return found
