import re

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .planner import count_each

#: customers of a name up to which their calls are looked up by the customer; of more, the calls are looked through
FEW = 1000
#: what people write between the digits of a number, and before them
_NOT_DIGITS = re.compile(r"[\s()/.+-]+")
#: characters that an index of three letters needs
_LEAST = 3
#: hours; of calls that last longer there are few, and they are looked up apart
_LONG = 12


def _part_of(column, where=""):
    """An index for texts within a column; without the extension, all calls are read, and the same ones found."""
    return lambda registry: f"USING gin ({column} gin_trgm_ops) {where}".strip() if registry.has_trigram else ""


class CrmVoipCall(models.Model):
    """Finding calls among millions.

    Whatever is asked for is brought to conditions on columns that have an index, because an ``OR`` with a single
    one that has none reads all calls.
    """

    _name = "crm.voip.call"
    _inherit = ["crm.voip.call", "crm.voip.led"]

    customer_label = fields.Char(search="_search_customer_label")
    shown_until = fields.Datetime(
        "End", compute="_compute_shown_until", search="_search_shown_until", help="For the calendar."
    )

    _number_part_idx = models.Index(_part_of("outside_e164"))
    _raw_number_part_idx = models.Index(_part_of("outside_number", "WHERE outside_e164 IS NULL"))
    _notes_idx = models.Index("(company_id, started_at DESC) WHERE notes IS NOT NULL")
    _trouble_idx = models.Index("(company_id, started_at DESC) INCLUDE (id) WHERE disposition IN ('busy', 'failed')")
    _missed_idx = models.Index(
        "(company_id, started_at DESC) INCLUDE (id)"
        " WHERE direction = 'inbound' AND disposition IN ('missed', 'abandoned', 'voicemail')"
    )
    _long_idx = models.Index(f"(ended_at) WHERE ended_at > started_at + interval '{_LONG} hours'")

    def init(self):
        result = super().init()
        count_each(self.env.cr, self._table, "user_id", "partner_id", "outside_e164")
        for name, column in (("viewer_ids", "user_id"), ("team_ids", "team_id")):
            count_each(self.env.cr, self._fields[name].relation, column)
        return result

    # --- customers and numbers ---

    @api.model
    def _search_customer_label(self, operator, value):
        """By a part of the customer's name, or of the number in whatever way it is written."""
        if operator != "ilike" or not isinstance(value, str):
            return NotImplemented
        if not value.strip():
            return Domain.TRUE
        found = self._domain_of_number_part(value)
        for field, model in (("partner_id", "res.partner"), ("lead_id", "crm.lead")):
            found |= self._domain_of_name(field, model, value)
        return found

    @api.model
    def _domain_of_name(self, field, model, value):
        """:return: the domain of the calls with customers of this name, as far as the user may see them"""
        customers = self.env[model].with_context(active_test=False)
        few = self._few_customers()
        ids = customers._search([("display_name", "ilike", value)], limit=few + 1, order="id").get_result_ids()
        return Domain(field, "ilike", value) if len(ids) > few else Domain(field, "in", ids)

    @api.model
    def _few_customers(self):
        return FEW

    @api.model
    def _domain_of_number_part(self, value):
        """:return: the domain of the calls with this part of a number"""
        digits = _NOT_DIGITS.sub("", value)
        # nothing but what the index says: the ORM's own asks for an empty text, too
        unread = Domain.custom(
            to_sql=lambda model, alias, query: SQL("%s IS NULL", model._field_to_sql(alias, "outside_e164", query)),
            predicate=lambda call: not call.outside_e164,
        )
        raw = unread & Domain("outside_number", "ilike", value.strip())
        if not digits.isdecimal() or not digits.isascii() or len(digits) < _LEAST:
            return raw
        # 020… and 0031… are within +3120… without their zeros
        return raw | Domain("outside_e164", "like", digits.lstrip("0") or digits)

    # --- the calendar ---

    @api.depends("ended_at")
    def _compute_shown_until(self):
        for call in self:
            call.shown_until = call.ended_at

    @api.model
    def _search_shown_until(self, operator, value):
        """From a moment on, as the calendar asks: the end of a call has no index, and needs none but of long calls."""
        if operator not in (">=", ">"):
            return Domain("ended_at", operator, value)
        ended = Domain("ended_at", operator, value)
        began = fields.Datetime.subtract(fields.Datetime.to_datetime(value), hours=_LONG)
        long = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s > %s + interval %s",
                model._field_to_sql(alias, "ended_at", query),
                model._field_to_sql(alias, "started_at", query),
                SQL(f"'{_LONG} hours'"),
            ),
            predicate=lambda call: bool(
                call.started_at and call.ended_at and call.ended_at > fields.Datetime.add(call.started_at, hours=_LONG)
            ),
        )
        return (ended & Domain("started_at", ">=", began)) | (ended & long)
