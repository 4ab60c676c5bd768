from markupsafe import Markup

from odoo import models
from odoo.tools.misc import clean_context


class MailActivity(models.Model):
    """Activities that a call closes, so that it can be undone; and those of callbacks, which people may close, too."""

    _inherit = "mail.activity"

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(("active", "date_deadline", "user_id")):
            self._crm_voip_callbacks()._follow_activity()
        return result

    def unlink(self):
        callbacks = self._crm_voip_callbacks()
        # what refers to a deleted row is emptied by the database, behind the ORM's back
        if callbacks:
            callbacks.activity_id = False
        result = super().unlink()
        callbacks._decide("done")
        return result

    def _crm_voip_callbacks(self):
        """:return: the open callbacks that these activities stand for"""
        # sudo: the callback follows its activity, whoever may see it
        return self.env["crm.voip.callback"].sudo().search([("activity_id", "in", self.ids), ("state", "=", "open")])

    def _crm_voip_done(self, user, feedback, call):
        """Mark an activity done as somebody would by hand.

        :param user: who did it
        :param feedback: text
        :param call: to which the message in the chatter links
        :return: JSON values from which :meth:`_crm_voip_undone` restores it
        """
        self.ensure_one()
        # sudo: who did it by telephone need not have the right to write where it was planned
        activity = self.with_user(user).with_context(clean_context(self.env.context), lang=user.lang).sudo()
        attachments = activity.env["ir.attachment"].search([("res_model", "=", self._name), ("res_id", "=", self.id)])
        trace = {"feedback": activity.feedback, "attachments": attachments.ids}
        messages, following = activity._action_done(feedback=feedback)
        for message in messages if call else ():
            message.body += Markup('<p><a href="#" data-oe-model="crm.voip.call" data-oe-id="%s">%s</a></p>') % (
                call.id,
                activity.env._("The call"),
            )
        return {**trace, "messages": messages.ids, "following": following.ids}

    def _crm_voip_undone(self, trace):
        """Restore an activity that was marked done, and take away what that left behind.

        :param trace: what :meth:`_crm_voip_done` returned
        """
        self.ensure_one()
        messages = self.env["mail.message"].browse(trace.get("messages", ())).exists()
        attachments = self.env["ir.attachment"].browse(trace.get("attachments", ())).exists()
        messages.attachment_ids -= attachments
        attachments.write({"res_model": self._name, "res_id": self.id})
        messages.unlink()
        self.browse(trace.get("following", ())).exists().filtered("active").unlink()
        self.write({"active": True, "feedback": trace.get("feedback", False)})
