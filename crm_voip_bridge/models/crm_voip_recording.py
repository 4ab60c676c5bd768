import hashlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..lib.events import parse_time
from ..lib.sound import ENDINGS, sound_of
from .crm_voip_call import naive
from .measured import Measured

#: recordings deleted in one transaction by the scheduled action
CHUNK = 100


class NotTaken(Exception):
    """Why a file of the bridge is not kept: ``call``, ``gone`` or ``sound``, as readme/PROTOCOL describes."""


class CrmVoipRecording(models.Model):
    """The sound of a call, sent by the bridge, kept for some days.

    The file is an attachment that nobody reads but through the route
    ``/crm_voip_bridge/recording/<id>``, where rights are checked and listening is noted. What is deleted
    leaves its row: it says when and why, and keeps the bridge from bringing the file again.
    """

    _name = "crm.voip.recording"
    _description = "Recording of a call"
    _order = "recorded_at, id"
    _rec_name = "recorded_at"

    pbx_id = fields.Many2one("crm.voip.pbx", "PBX", required=True, ondelete="restrict")
    call_id = fields.Many2one("crm.voip.call", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", related="call_id.company_id", store=True, index=True)
    file_ref = fields.Char(
        required=True, groups=fields.NO_ACCESS, help="Tells the file from all others of the PBX, also when it is gone."
    )
    # the names that PBXs give to their files hold people's numbers
    file_name = fields.Char(groups=fields.NO_ACCESS)
    leg_ref = fields.Char("Id at the PBX", groups=fields.NO_ACCESS)
    recorded_at = fields.Datetime("Recorded", required=True)
    content = fields.Binary(attachment=True, groups=fields.NO_ACCESS)
    mimetype = fields.Char("Kind of file", required=True, help="Told from its content, whatever it is called.")
    is_played = fields.Boolean("Plays in a browser")
    size = fields.Integer("Size (bytes)")
    seconds = Measured("Length (s)")
    expires_on = fields.Date("Kept until", required=True)
    state = fields.Selection(
        [("kept", "Kept"), ("expired", "Its time was over"), ("deleted", "Deleted on request")],
        required=True,
        default="kept",
    )
    gone_at = fields.Datetime("Deleted")
    gone_by_id = fields.Many2one("res.users", "Deleted by")
    reason = fields.Char()
    can_listen = fields.Boolean("May be listened to", compute="_compute_can_listen")

    _file_unique = models.UniqueIndex("(pbx_id, file_ref)")
    _expires_idx = models.Index("(expires_on) WHERE state = 'kept'")

    @api.depends("state")
    @api.depends_context("uid")
    def _compute_can_listen(self):
        allowed = self.env.user.has_group("crm_voip_bridge.group_recordings")
        for recording in self:
            recording.can_listen = allowed and recording.state == "kept"

    # --- taking in ---

    @api.model
    def _find_call(self, pbx, about):
        """The call that a file belongs to, before the file itself is looked at.

        :param about: what the bridge says of it: ``call``, ``leg``, ``file``, ``at``
        :return: the call, an empty recordset of a file that is here already
        :raise NotTaken: it is not wanted, or not yet
        """
        known = self.search([("pbx_id", "=", pbx.id), ("file_ref", "=", self._file_ref(about))])
        if known:
            if known.state != "kept":
                raise NotTaken("gone")
            return self.env["crm.voip.call"]
        ref = self.env["crm.voip.call.ref"].search(
            [("pbx_id", "=", pbx.id), ("ref", "=", about["call"]), ("is_leg", "=", False)]
        )
        if not ref.call_id:
            raise NotTaken("call")
        if self._expiry(pbx, ref.call_id, about) < pbx._today():
            raise NotTaken("gone")
        return ref.call_id

    @api.model
    def _take(self, pbx, about, data):
        """Keep a file.

        :param about: see :meth:`_find_call`
        :param data: its bytes
        :return: the recording, an empty recordset if it is here already
        :raise NotTaken: see :meth:`_find_call`
        """
        call = self._find_call(pbx, about)
        if not call:
            return self.browse()
        sound = sound_of(data)
        if not sound:
            raise NotTaken("sound")
        recording = self.create(self._prepare_recording_vals(pbx, call, about, data, sound))
        # not through the field, which would hold it in memory once more, as base64
        self.env["ir.attachment"].create(
            {
                "name": f"recording.{sound.ending}",
                "res_model": self._name,
                "res_field": "content",
                "res_id": recording.id,
                "raw": data,
                "mimetype": sound.mimetype,
            }
        )
        return recording

    def _prepare_recording_vals(self, pbx, call, about, data, sound):
        """Values of a new recording.

        :param sound: :class:`lib.sound.Sound`
        """
        return {
            "pbx_id": pbx.id,
            "call_id": call.id,
            "file_ref": self._file_ref(about),
            "file_name": about["file"],
            "leg_ref": about["leg"],
            "recorded_at": self._moment(call, about),
            "mimetype": sound.mimetype,
            "is_played": sound.played,
            "size": len(data),
            "seconds": sound.seconds,
            "expires_on": self._expiry(pbx, call, about),
        }

    @api.model
    def _file_ref(self, about):
        return hashlib.sha256(f"{about['leg'] or about['call']}\x1f{about['file']}".encode()).hexdigest()[:32]

    @api.model
    def _moment(self, call, about):
        """:return: when the recording began; the PBX's clock may be ahead of ours"""
        said = parse_time(about["at"])
        return min(naive(said) or call.started_at or fields.Datetime.now(), fields.Datetime.now())

    @api.model
    def _expiry(self, pbx, call, about):
        """:return: the last day on which it is kept"""
        return self._moment(call, about).date() + timedelta(days=pbx.recording_days)

    # --- listening ---

    def _listened(self):
        """Whoever is logged in listens: each person who is to be heard finds it in their log."""
        self.ensure_one()
        # sudo: who took part is noted, also where the listener would not be told
        call = self.sudo().call_id
        legs = call.leg_ids.filtered(lambda leg: leg.answered_at or leg.role == "caller")
        self.env["crm.voip.call"]._people_log(legs.user_id | call.user_id, "listen", call)

    def _download_name(self):
        """:return: a name for the file that tells no number of anybody"""
        self.ensure_one()
        ending = {"audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/x-gsm": "gsm"}.get(self.mimetype)
        ending = ending or self.mimetype.rpartition("/")[2]
        moment = fields.Datetime.context_timestamp(self, self.recorded_at).strftime("%Y-%m-%d-%H%M")
        return f"call-{moment}-{self.id}.{ending if ending in ENDINGS else 'bin'}"

    # --- deleting ---

    def action_delete(self):
        """Ask for the reason."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Delete recording"),
            "res_model": "crm.voip.recording.delete",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_recording_ids": [Command.set(self.ids)]},
        }

    def _delete_on_request(self, reason):
        """Delete the files, on behalf of whoever is logged in; a line in the chatter of each call says so.

        :raise AccessError: not an administrator of calls
        """
        self.check_access("read")
        if not self.env.user.has_group("crm_voip_bridge.group_manager"):
            raise AccessError(self.env._("Only an administrator of calls deletes recordings."))
        if not (reason or "").strip():
            raise UserError(self.env._("Say why the recording is deleted."))
        kept = self.filtered(lambda recording: recording.state == "kept")
        kept._forget("deleted", gone_by_id=self.env.uid, reason=reason.strip())
        for call in kept.call_id:
            call.message_post(body=self.env._("A recording of this call was deleted: %s", reason.strip()))

    def _forget(self, state, **vals):
        """Delete the files and what their names tell; the rows stay."""
        attachments = (
            self.env["ir.attachment"]
            # sudo: nobody reaches the files but by this model
            .sudo()
            .search([("res_model", "=", self._name), ("res_field", "=", "content"), ("res_id", "in", self.ids)])
        )
        attachments.unlink()
        self.sudo().write(
            {"state": state, "gone_at": fields.Datetime.now(), "file_name": False, "leg_ref": False, **vals}
        )
        self.invalidate_recordset(["content"])

    @api.model
    def _cron_expire(self):
        """Delete the files whose time is over; their calls stay."""
        domain = [("state", "=", "kept"), ("expires_on", "<", fields.Date.today())]
        left = self.search_count(domain)
        while left and (recordings := self.search(domain, limit=CHUNK, order="expires_on, id")):
            recordings._forget("expired")
            left = max(left - len(recordings), 0)
            if not self.env["ir.cron"]._commit_progress(len(recordings), remaining=left):
                return
