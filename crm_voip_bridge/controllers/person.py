from werkzeug.exceptions import NotFound

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import content_disposition, request

MODELS = ("res.partner", "crm.lead", "res.users")


class CrmVoipPerson(http.Controller):
    """What is held of a person, for an access request. It is made for this answer, and stored nowhere."""

    # not readonly: what is exported is noted for whom it is of
    @http.route(
        "/crm_voip_bridge/person/<string:model>/<int:record_id>.zip",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=False,
    )
    def crm_voip_bridge_person(self, model, record_id):
        env = request.env
        if model not in MODELS or not env.user._is_internal():
            raise NotFound
        record = env[model].browse(record_id).exists()
        try:
            person = env["crm.voip.person"]._of(record) if record else None
        except AccessError:
            person = None
        if person is None:  # who may not see a record does not learn whether there is one
            raise NotFound
        if record._name == "res.users":
            env["crm.voip.call"]._people_log(record, "export")
        # sudo: whose data it is has been checked; a name shows fields of the contact, too
        name = record.sudo().display_name
        sound = env.user.has_group("crm_voip_bridge.group_recordings")
        content = env["crm.voip.person"]._archive(person, name, sound)
        return request.make_response(
            content,
            headers=[
                ("Content-Type", "application/zip"),
                ("Content-Disposition", content_disposition(f"call-data-{record.id}.zip")),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
