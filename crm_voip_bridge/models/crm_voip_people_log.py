from odoo import api, fields, models
from odoo.tools import SQL


class CrmVoipPeopleLog(models.Model):
    """Who looked at what a single person did; read by that person alone."""

    _name = "crm.voip.people.log"
    _description = "Who looked at my calls"
    _order = "at desc, id desc"
    _rec_name = "how"
    _log_access = False

    person_id = fields.Many2one("res.users", required=True, index=True, readonly=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", "Who looked", required=True, readonly=True, ondelete="cascade")
    at = fields.Datetime("When", required=True, readonly=True)
    how = fields.Selection(
        [
            ("call", "Opened a call"),
            ("record", "Read the PBX record of a call"),
            ("listen", "Listened to the recording of a call"),
            ("list", "Listed calls with the persons"),
            ("filter", "Filtered by a person"),
            ("group", "Grouped by person"),
            ("export", "Exported calls with the persons"),
        ],
        required=True,
        readonly=True,
    )
    call_id = fields.Many2one("crm.voip.call", index="btree_not_null", readonly=True, ondelete="set null")

    _person_idx = models.Index("(person_id, at DESC)")

    @api.model
    def _note(self, persons, how, call=None):
        """Note that the present user looked; the same look within an hour is noted once.

        Reading a list runs on a cursor that may not write where there is a replica; then the note has a
        transaction of its own.
        """
        query = SQL(
            """INSERT INTO crm_voip_people_log (person_id, user_id, at, how, call_id)
               SELECT person, %(user)s, now() AT TIME ZONE 'UTC', %(how)s, %(call)s
                 FROM unnest(%(persons)s) AS person
                WHERE NOT EXISTS (
                      SELECT FROM crm_voip_people_log
                       WHERE person_id = person AND user_id = %(user)s AND how = %(how)s
                         AND call_id IS NOT DISTINCT FROM %(call)s
                         AND at > now() AT TIME ZONE 'UTC' - interval '1 hour')""",
            user=self.env.uid,
            how=how,
            call=call.id if call else None,
            persons=persons.ids,
        )
        if self.env.cr.readonly:
            with self.env.registry.cursor() as cr:
                cr.execute(query)
        else:
            self.env.cr.execute(query)
