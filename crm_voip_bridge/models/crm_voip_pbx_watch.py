from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from .crm_voip_pbx import SILENCE
from .transaction import in_own_transaction
from .working_time import WorkingTime

#: seconds of working time after which the administrators are told
PATIENCE = 600
ACTIVITY = "crm_voip_bridge.mail_activity_type_bridge"


class CrmVoipPbxState(models.Model):
    """Since when something is wrong with a bridge, and whether that was told."""

    _inherit = "crm.voip.pbx.state"

    trouble = fields.Selection(
        [("silent", "Silent"), ("pbx", "No connection to the PBX")], readonly=True, help="Empty: all is well."
    )
    trouble_since = fields.Datetime(readonly=True)
    trouble_told_at = fields.Datetime(readonly=True)

    @api.model
    def _cron_watch(self):
        """Tell the administrators of bridges that are silent or without their PBX in working time, and take it back.

        One activity for each of them and PBX, however long it lasts. It closes itself.
        """
        changed = in_own_transaction(self.env, lambda env: env[self._name]._note_trouble())
        over = self.env["crm.voip.pbx"].browse({pbx_id for pbx_id, trouble in changed if not trouble})
        for pbx in over:
            in_own_transaction(self.env, lambda env, pbx=pbx: pbx.with_env(env)._close_alarm())
        for state in self.search([("trouble", "!=", False), ("trouble_told_at", "=", False)]):
            now = fields.Datetime.now()
            working = WorkingTime(state.pbx_id.company_id, [], state.trouble_since, now)
            if working.worked(False, state.trouble_since, now) >= PATIENCE:
                in_own_transaction(self.env, lambda env, state=state: state.with_env(env)._alarm())
        self.invalidate_model()

    @api.model
    def _note_trouble(self):
        """Write down what is wrong with whom since when.

        :return: ``[(id of the PBX, trouble), …]`` of those where that changed
        """
        self.flush_model()
        return self.env.execute_query(
            SQL(
                """UPDATE crm_voip_pbx_state AS state
                      SET trouble = new.trouble,
                          trouble_since = CASE
                              WHEN new.trouble IS NULL THEN NULL
                              WHEN state.trouble IS NOT NULL THEN state.trouble_since
                              WHEN new.trouble = 'silent' THEN state.seen_at
                              ELSE %(now)s END,
                          trouble_told_at = CASE WHEN new.trouble IS NOT NULL THEN state.trouble_told_at END
                     FROM (SELECT one.id, CASE
                                      -- hosted PBXs post when there is something to say; nobody is to report
                                      WHEN NOT pbx.active OR one.event_at IS NULL OR pbx.kind <> 'asterisk' THEN NULL
                                      WHEN one.seen_at < %(silent)s THEN 'silent'
                                      WHEN one.pbx_says <> 'connected' THEN 'pbx' END AS trouble
                             FROM crm_voip_pbx_state AS one JOIN crm_voip_pbx AS pbx ON pbx.id = one.pbx_id) AS new
                    WHERE new.id = state.id AND state.trouble IS DISTINCT FROM new.trouble
                RETURNING state.pbx_id, state.trouble""",
                now=fields.Datetime.now(),
                silent=fields.Datetime.now() - timedelta(seconds=SILENCE),
            )
        )

    def _alarm(self):
        """Give each administrator one activity, unless they have one of this PBX already."""
        self.pbx_id._open_alarm(self)
        self.flush_model()
        self.env.cr.execute(
            SQL("UPDATE crm_voip_pbx_state SET trouble_told_at = %s WHERE id = %s", fields.Datetime.now(), self.id)
        )
        self.invalidate_recordset(flush=False)


class CrmVoipPbx(models.Model):
    _name = "crm.voip.pbx"
    _inherit = ["crm.voip.pbx", "mail.thread", "mail.activity.mixin"]

    def _administrators(self):
        """:return: who administers the calls of this PBX's company"""
        group = self.env.ref("crm_voip_bridge.group_manager")
        return self.env["res.users"].search(
            [("all_group_ids", "in", group.ids), ("company_ids", "in", self.company_id.ids), ("share", "=", False)]
        )

    def _open_alarm(self, state):
        open_ones = self.activity_search([ACTIVITY])
        for user in self._administrators() - open_ones.user_id:
            # in the language and zone of who reads it
            vals = self.with_context(lang=user.lang, tz=user.tz)._prepare_alarm_vals(state)
            self.activity_schedule(ACTIVITY, user_id=user.id, **vals)

    def _prepare_alarm_vals(self, state):
        """:return: summary and note of the activity"""
        since = format_datetime(self.env, state.trouble_since, dt_format="short")
        if state.trouble == "silent":
            return {
                "summary": self.env._(
                    "%(pbx)s: nothing heard from the bridge since %(since)s", pbx=self.name, since=since
                ),
                "note": self.env._(
                    "No call is lost: it keeps them, or catches up. On its machine, ask: systemctl status crm-voip-bridge. "
                    "If this bridge was replaced by another one, mark this as done."
                ),
            }
        return {
            "summary": self.env._(
                "%(pbx)s: the bridge has no connection to it since %(since)s", pbx=self.name, since=since
            ),
            "note": self.env._("The bridge says: %s", state.pbx_says),
        }

    def _close_alarm(self):
        """The last trouble of this PBX is over: so is what was told of it."""
        if not any(self.state_ids.mapped("trouble")):
            self.activity_feedback([ACTIVITY], feedback=self.env._("It closed itself: the bridge reports again."))
