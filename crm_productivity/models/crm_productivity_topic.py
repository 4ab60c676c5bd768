from odoo import api, models
from odoo.tools import SQL

#: what a call is about -> the field that says so
TOPICS = ("lead_id", "partner_id", "outside_e164")
#: what of a day a call of another day changes
CONTACTS = "contacts"


class CrmProductivityStale(models.Model):
    """Whether a customer came back is seen on the day of the first call: another call makes that day stale, too."""

    _inherit = "crm.productivity.stale"

    @api.model
    def _mark_topics(self, topics):
        """Remember that calls about these came, went or moved.

        :param topics: ``{(company id, naive UTC datetime, lead id, contact id, number), …}``
        """
        self.env.cr.precommit.data.setdefault("crm.productivity.topics", set()).update(topics)

    def _write_marks(self):
        topics = self.env.cr.precommit.data.pop("crm.productivity.topics", ())
        result = super()._write_marks()
        for company_id in {topic[0] for topic in topics}:
            self._write_topics(
                self.env["res.company"].browse(company_id), [topic[1:] for topic in topics if topic[0] == company_id]
            )
        return result

    def _write_topics(self, company, topics):
        self.env["crm.voip.call"].flush_model()
        near = SQL(
            "interval '1 day' * %s",
            self.env["crm.productivity.threshold"]._most(company, "crm_productivity_repeat_days"),
        )
        same = [
            SQL(
                """SELECT call.started_at FROM changed JOIN crm_voip_call call ON call.company_id = %s
                      AND call.direction = 'inbound' AND call.%s = changed.%s
                      AND call.started_at BETWEEN changed.at - %s AND changed.at + %s""",
                company.id,
                SQL.identifier(name),
                SQL.identifier(name),
                near,
                near,
            )
            for name in TOPICS
        ]
        moments = self.env.execute_query(
            SQL(
                """WITH changed AS (SELECT * FROM unnest(%s::timestamp[], %s::integer[], %s::integer[], %s::varchar[])
                                        AS changed (at, lead_id, partner_id, outside_e164))
                   SELECT DISTINCT (found.at AT TIME ZONE 'UTC' AT TIME ZONE %s)::date FROM (%s) AS found (at)""",
                *(list(column) for column in zip(*topics, strict=True)),
                str(self._zone(company)),
                SQL(" UNION ALL ").join(same),
            )
        )
        self._insert({(company.id, day, CONTACTS) for (day,) in moments})


class CrmProductivityDay(models.Model):
    """A call of today changes of an earlier day only whether somebody came back: the rest of that day is left alone."""

    _inherit = "crm.productivity.day"

    @api.model
    def _parts(self):
        """:return: what of a day can be reckoned by itself: ``{part: (source of facts, its measures)}``; none with a histogram"""
        return {CONTACTS: ("_facts_of_contacts", ("contacts", "repeats", "contacts_settled", "contacts_returned"))}

    @api.model
    def _reckon_part(self, company, days, part):
        """Replace some measures of these days.

        :return: false if somebody else is reckoning this company's days at this moment
        """
        days = self._to_reckon(company, days)
        if not days:
            return days is not None
        source, measures = self._parts()[part]
        sums, _buckets = self._added_up(company, days, [source])
        rows = {
            (day, team_id, user_id): ident
            for ident, day, team_id, user_id in self.env.execute_query(
                SQL(
                    "SELECT id, day, team_id, user_id FROM crm_productivity_day WHERE company_id = %s AND day = ANY(%s)",
                    company.id,
                    days,
                )
            )
        }
        if whole := sorted({key[0] for key in sums if key not in rows}):
            # somebody who had nothing that day until now
            return self._reckon(company, whole) and self._reckon_part(
                company, [one for one in days if one not in whole], part
            )
        if rows:
            names = [SQL.identifier(name) for name in measures]
            self.env.cr.execute(
                SQL(
                    "UPDATE crm_productivity_day AS day SET %s FROM (VALUES %s) AS said (id, %s) WHERE day.id = said.id",
                    SQL(", ").join(SQL("%s = said.%s", name, name) for name in names),
                    SQL(", ").join(
                        SQL("%s", (ident, *(int(sums.get(key, {}).get(name, 0)) for name in measures)))
                        for key, ident in sorted(rows.items(), key=str)
                    ),
                    SQL(", ").join(names),
                )
            )
        self.invalidate_model()
        return True


class CrmVoipCall(models.Model):
    _inherit = "crm.voip.call"

    def _productivity_changed(self):
        result = super()._productivity_changed()
        topics = set()
        # sudo: figures are kept whoever changes what they are made of
        for call in self.sudo():
            topic = (call.lead_id.id or None, call.partner_id.id or None, call.outside_e164 or None)
            if call.direction == "inbound" and call.started_at and any(topic):
                topics.add((call.company_id.id, call.started_at, *topic))
        if topics:
            self.env["crm.productivity.stale"].sudo()._mark_topics(topics)  # sudo: as above
        return result

    @api.model
    def _productivity_calls_of(self, name, records):
        """:return: the calls of some opportunities or contacts"""
        # sudo: figures are kept whoever deletes or merges what calls were about
        return self.sudo().search([(name, "in", records.ids)])


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def unlink(self):
        # the database empties what refers to it, behind the ORM's back
        self.env["crm.voip.call"]._productivity_calls_of("lead_id", self)._productivity_changed()
        return super().unlink()

    @api.model
    def _productivity_places(self, ids):
        return SQL(
            """%s UNION ALL
               SELECT lead.id, COALESCE(lead.company_id, person.company_id), message.date
                 FROM crm_lead lead
                 LEFT JOIN res_users person ON person.id = lead.user_id
                 JOIN mail_message message ON message.model = 'crm.lead' AND message.res_id = lead.id
                 JOIN mail_tracking_value change ON change.mail_message_id = message.id AND change.field_id = %s
                WHERE lead.id = ANY(%s)""",
            super()._productivity_places(ids),
            self.env["crm.productivity.facts"]._stage_field_id(),
            ids,
        )


class ResPartner(models.Model):
    _inherit = "res.partner"

    def unlink(self):
        self.env["crm.voip.call"]._productivity_calls_of("partner_id", self)._productivity_changed()
        return super().unlink()
