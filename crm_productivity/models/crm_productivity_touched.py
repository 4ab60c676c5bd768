from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

#: records that are followed up in one transaction
CHUNK = 1000
#: behind the name of a model: only what is said on the record changed, and no day is about that but those of the conversation
MESSAGES = "/messages"


class CrmProductivityTouched(models.Model):
    """A record of Odoo's own that somebody created, changed or deleted.

    Whoever saves an opportunity or writes a message pays for one INSERT, and nothing is read for it: which days and which
    conversations it is about is worked out by the scheduled action, see :meth:`_reckon_some`. What the record was before is
    known from :class:`CrmProductivityKnown`.
    """

    _name = "crm.productivity.touched"
    _inherit = ["crm.productivity.queue"]
    _description = "Record to be followed up"
    _order = "id"
    _log_access = False
    _rec_name = "res_model"
    _queued = ("res_model", "res_id", "at")

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True)
    at = fields.Datetime(help="Of a message: what was before it is left alone. Empty: all of the conversation.")

    @api.model
    def _insert(self, rows):
        """:param rows: ``(model, id)``, or with the moment of a message as third"""
        return super()._insert({(*row, None)[:3] for row in rows})

    @api.model
    def _reckon_some(self):
        """Follow up some records, the latest first: mark the days they were and are about, and work out conversations.

        :return: how many
        """
        rows = self.env.execute_query(
            SQL("SELECT id, res_model, res_id, at FROM crm_productivity_touched ORDER BY id DESC LIMIT %s", CHUNK)
        )
        if not rows:
            return 0
        self._plan_simply()
        touched = defaultdict(dict)
        for _id, model, res_id, at in rows:
            since = touched[model].get(res_id, at)
            touched[model][res_id] = since and at and min(since, at)
        self.env.flush_all()
        for model, ids in touched.items():
            name = model.removesuffix(MESSAGES)
            since = {} if name == model else {"since": ids}
            for follow in self._followers(model):
                follow(name, sorted(ids), **since)
        self.env.cr.execute(SQL("DELETE FROM crm_productivity_touched WHERE id = ANY(%s)", [row[0] for row in rows]))
        return len(rows)

    @api.model
    def _followers(self, model):
        """:return: methods ``(model, ids)`` that work out what follows from changed records; a model of an
        addon that was uninstalled meanwhile has none
        """
        name = model.removesuffix(MESSAGES)
        if name not in self.env:
            return []
        followers = []
        if name == model and hasattr(self.env[model], "_productivity_places"):
            followers.append(self.env["crm.productivity.known"]._follow)
        if name in self.env["crm.productivity.turn"]._threads():
            followers.append(self.env["crm.productivity.turn"]._reckon)
        return followers


class CrmProductivityKnown(models.Model):
    """Of which days a record of Odoo's own was when it was last looked at: those are reckoned anew when it changes."""

    _name = "crm.productivity.known"
    _description = "Day that a record belongs to"
    _log_access = False
    _rec_name = "day"

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True)
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    day = fields.Date(required=True)

    _record_idx = models.Index("(res_model, res_id)")

    @api.model
    def _follow(self, model, ids):
        """Mark the days that some records were about and are about now."""
        days = set(
            self.env.execute_query(
                SQL(
                    "DELETE FROM crm_productivity_known WHERE res_model = %s AND res_id = ANY(%s) RETURNING company_id, day",
                    model,
                    ids,
                )
            )
        )
        Stale = self.env["crm.productivity.stale"]
        rows = [
            (res_id, company_id, Stale._day_of(company_id, at))
            for res_id, company_id, at in self.env.execute_query(self.env[model]._productivity_places(ids))
            if company_id and at
        ]
        found = sorted({(model, *row) for row in rows})
        if found:
            self.env.cr.execute_values(
                "INSERT INTO crm_productivity_known (res_model, res_id, company_id, day) VALUES %s",
                found,
                page_size=1000,
            )
        Stale._insert(days | {(company_id, day) for _id, company_id, day in rows})

    @api.model
    def _begin(self):
        """Have all records there are looked at."""
        for name, model in self.env.items():
            if hasattr(model, "_productivity_places") and not model._abstract:
                self.env.cr.execute(
                    SQL(
                        """INSERT INTO crm_productivity_touched (res_model, res_id)
                           SELECT %s, id FROM %s WHERE %s ORDER BY id""",
                        name,
                        SQL.identifier(model._table),
                        model._productivity_where(),
                    )
                )


class CrmProductivityFollowed(models.AbstractModel):
    """A model of Odoo's own that figures are made of.

    Unlike :class:`CrmProductivitySource`, saving one reads nothing and costs one INSERT a transaction: others count the
    queries of these models. An addon inherits this, names the fields that matter and the days they are about, and adds a
    method to :class:`CrmProductivityFacts`.
    """

    _name = "crm.productivity.followed"
    _description = "Record of Odoo's own that figures are made of"

    #: fields whose change changes a figure
    _productivity_fields = ()

    @api.model
    def _productivity_places(self, ids):
        """:return: SQL of ``(id, company_id, at)``: the moments on whose days these records count; a record may have several"""
        raise NotImplementedError

    @api.model
    def _productivity_where(self):
        """:return: SQL that holds for the records that figures may be made of"""
        return SQL("TRUE")

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._productivity_changed()
        return records

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(self._productivity_fields):
            self._productivity_changed()
        return result

    def unlink(self):
        self._productivity_changed()
        return super().unlink()

    def _productivity_changed(self):
        # sudo: figures are kept whoever changes what they are made of
        self.env["crm.productivity.touched"].sudo()._mark({(self._name, one) for one in self.ids})
