from werkzeug.exceptions import Gone, NotFound

from odoo import http
from odoo.http import request


class Recording(http.Controller):
    """Where recordings are listened to."""

    @http.route("/crm_voip_bridge/recording/<int:recording_id>", type="http", auth="user", methods=["GET"])
    def recording(self, recording_id, download=None):
        """The file, whole or a part of it; that somebody listens is noted.

        To whoever may not hear it, it does not exist.
        """
        recording = request.env["crm.voip.recording"]
        if request.env.user.has_group("crm_voip_bridge.group_recordings") and recording.has_access("read"):
            recording = recording.search([("id", "=", recording_id)])
        if not recording or not recording.call_id.has_access("read"):
            raise NotFound()
        if recording.state != "kept":
            raise Gone()
        # sudo: nobody may read the file itself, so that nobody listens by another way
        stream = request.env["ir.binary"]._get_stream_from(
            recording.sudo(), "content", filename=recording._download_name(), mimetype=recording.mimetype
        )
        recording._listened()
        response = stream.get_response(as_attachment=bool(download) or not recording.is_played)
        # neither a proxy nor the disk of the browser's machine is where a recording is kept
        response.headers["Cache-Control"] = "private, no-store"
        return response
