from collections.abc import Set as AbstractSet

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: what a domain's ``in`` takes
COLLECTION_TYPES = (list, tuple, AbstractSet)
#: totals of a team with fewer people than this count as a person's figures
SMALL_TEAM = 3


class CrmVoipPeople(models.AbstractModel):
    """The rule about single persons, for all records that tell who did something.

    A model names the fields that tell it (``_people_fields``: persons, extensions, internal numbers) and
    the one that says whose record it is (``_people_user``). Then, for whoever is not in superuser mode:

    1. *One's own* is one's own: a record with oneself in ``_people_user`` is read, listed and exported freely.
    2. *One call at a time.* Whoever may see a call may open it and read who rang and who took it: work needs
       that. Each person on it finds in their log who looked, and when.
    3. *Several together* (a list, an export, a group, an order, a filter, a number of distinct persons) tell
       nothing of colleagues: lists show their fields empty; export, grouping, sorting and filtering by them are
       refused in plain words. The same holds for teams of fewer than three people, whose totals are a person's.
    4. A company can decide otherwise (:class:`CrmVoipPeopleSwitch`: who, when, for what purpose, under which
       agreement). Then point 3 is allowed with these limits: not before a delay of some working days, no
       comparison of fewer persons than the minimum group, and everybody looked at finds it in their log.
       Where the records are of several companies, all of them must have decided so.

    The rule sits where the ORM turns fields into SQL, so that every way in passes it: web client, RPC,
    export, spreadsheets, and paths that come from other models (``call_id.user_id``, ``leg_ids.user_id``).
    Rights and record rules decide before it which records anybody sees at all.
    """

    _name = "crm.voip.people"
    _inherit = "crm.voip.export"
    _description = "The rule about single persons"

    #: names of fields that tell which of us it was
    _people_fields = ()
    #: name of the field with the person whose record it is
    _people_user = ""
    #: name of the field whose age the delay is about
    _people_time = "started_at"
    #: name of the field with the teams
    _people_teams = ""

    # --- searching and ordering ---

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        if not (self.env.su or bypass_access):
            domain = self._people_limit(Domain(domain))
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if self._people_asks(query) and self._people_told(field_name):
            self._people_demand()
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    @api.model
    def _people_limit(self, domain):
        """:return: the domain, with the delay added where it asks for single persons"""
        persons = set()
        for condition in domain.iter_conditions():
            path = condition.field_expr
            if path.split(".")[0] == self._people_teams:
                self._people_check_teams(self._people_ids(condition) if path == self._people_teams else None)
            elif self._people_told(path):
                asked = self._people_ids(condition) if self._people_field(path).comodel_name == "res.users" else None
                persons |= {None} if asked is None else asked - {False, self.env.uid}
        if not persons:
            return domain
        self._people_demand()
        self._people_log(self.env["res.users"].browse(filter(None, persons)), "filter")
        # one's own are never late
        own = ("is_mine", "=", True) if "is_mine" in self._fields else (self._people_user, "=", self.env.uid)
        return domain & (Domain(self._people_time, "<=", self._people_until()) | Domain(*own))

    def _people_ids(self, condition):
        """:return: the ids that a condition asks for, None if it asks otherwise"""
        value = condition.value
        if condition.operator not in ("=", "in"):
            return None
        values = value if isinstance(value, COLLECTION_TYPES) else [value]
        return {one or False for one in values} if all(isinstance(one, int) for one in values) else None

    # --- grouping ---

    def _read_group_groupby(self, alias, groupby_spec, query):
        if self._people_asks(query):
            path = groupby_spec.split(":")[0]
            if path == self._people_teams:
                self._people_check_teams(None)
            elif self._people_told(path):
                self._people_demand()
                self._people_compare(alias, query)
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _read_group_select(self, aggregate_spec, query):
        if self._people_asks(query) and self._people_told(aggregate_spec.split(":")[0]):
            self._people_demand()
        return super()._read_group_select(aggregate_spec, query)

    def _people_compare(self, alias, query):
        """Limit a query that groups by person to what the delay allows; refuse it for a small group."""
        when = self._field_to_sql(alias, self._people_time, query)
        who = self._field_to_sql(alias, self._people_user, query)
        query.add_where(SQL("(%s <= %s OR %s = %s)", when, self._people_until(), who, self.env.uid))
        limit, offset = query.limit, query.offset
        query.limit = query.offset = None
        rows = self.env.execute_query(query.select(SQL("DISTINCT %s", who)))
        query.limit, query.offset = limit, offset
        persons = self.env["res.users"].browse(user_id for (user_id,) in rows if user_id)
        least = max(self._people_switches().mapped("min_group"), default=0)
        if 1 < len(persons) < least:
            raise UserError(
                self.env._(
                    "Persons are compared in groups of %(least)s or more; these are %(number)s.",
                    least=least,
                    number=len(persons),
                )
            )
        self._people_log(persons, "group")

    # --- reading and exporting ---

    def _read_format(self, fnames, load="_classic_read"):
        rows = super()._read_format(fnames, load)
        told = [name for name in fnames if self._people_told(name)]
        if self.env.su or not told:
            return rows
        # sudo: the rule must know whose record it is in order to hide it
        records = self.sudo()
        if len(records._people_calls()) <= 1:
            self._people_look_at(records, "call")
            return rows
        until = self._people_until() if self._people_decided() else None
        seen = self.env["res.users"]
        hidden = set(records._people_hidden_in_lists()._ids)
        for row, record in zip(rows, records, strict=True):
            user = record[self._people_user]
            if user == self.env.user or record.id not in hidden:
                continue
            if until and (record[self._people_time] or until) <= until:
                seen |= user
                continue
            for name in told:
                row[name] = [] if self._fields[name].type in ("many2many", "one2many") else False
        self._people_log(seen, "list")
        return rows

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        # several or one: an export from another model comes here record by record
        told = any(self._people_told(".".join(path)) for path in fields)
        if told and not self.env.su:
            # sudo: the rule must know whose record it is
            others = self.sudo().filtered(lambda record: record[self._people_user] != self.env.user)
            if others:
                self._people_demand()
                until = self._people_until()
                if any(record[self._people_time] and record[self._people_time] > until for record in others):
                    raise UserError(
                        self.env._(
                            "Calls of colleagues can be exported with the persons when they are older than %s.", until
                        )
                    )
                self._people_log(others[self._people_user], "export")
        return super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)

    # --- the rule ---

    def _people_asks(self, query):
        """Whether a query may tell something: not in superuser mode, and not that of no records, with which
        ``fields_get`` tries out what can be grouped and sorted.
        """
        return not self.env.su and not query.is_empty()

    @api.model
    def _people_told(self, path):
        """Whether a path of fields tells who of us it was.

        :param path: as in a domain, an order or an export: parts with ``.`` or ``/``
        """
        model = self
        for name in path.replace("/", ".").split("."):
            field = model._fields.get(name)
            if field is None or field._modules == ("mail",) or name in models.MAGIC_COLUMNS:
                # activities tell who is to do something next, not who did what; a call is created by nobody
                return False
            if name in getattr(model, "_people_fields", ()) or field.comodel_name == "res.users":
                return True
            if not field.relational:
                return False
            model = self.env[field.comodel_name]
        return False

    @api.model
    def _people_field(self, path):
        """:return: the field at the end of a path"""
        *names, last = path.split(".")
        model = self
        for name in names:
            if not model._fields[name].relational:
                break
            model = self.env[model._fields[name].comodel_name]
        return model._fields.get(last, self._fields["id"])

    @api.model
    def _people_switches(self):
        # sudo: the decision binds those who may not read it, too
        return self.env["crm.voip.people.switch"].sudo()._of(self.env.companies)

    @api.model
    def _people_decided(self):
        """Whether all companies concerned decided that persons may be put side by side."""
        return self._people_switches().company_id == self.env.companies

    @api.model
    def _people_demand(self):
        """:raise UserError: persons may not be put side by side"""
        if not self._people_decided():
            raise UserError(
                self.env._(
                    "This would put what single persons did side by side. It needs a decision of the company: an "
                    "administrator of calls can make it under “Figures of persons” in the settings, with a purpose "
                    "and an agreement."
                )
            )

    @api.model
    def _people_until(self):
        """:return: the moment up to which a person's figures are shown to others"""
        return min(switch._until() for switch in self._people_switches())

    @api.model
    def _people_check_teams(self, team_ids):
        """:param team_ids: the teams asked for, None for all"""
        domain = [] if team_ids is None else [("id", "in", [team for team in team_ids if team])]
        # sudo: how many people a team has is no secret, but the rule must hold for whoever cannot read it
        teams = (
            self.env["crm.team"]
            .sudo()
            .search(Domain(domain) & Domain("company_id", "in", [False, *self.env.companies.ids]))
        )
        small = teams._crm_voip_small()
        if small and not self._people_decided():
            raise UserError(
                self.env._(
                    "Totals of a team of fewer than %(least)s people put what single persons did side by side: %(teams)s. "
                    "That needs a decision of the company, under “Figures of persons” in the settings.",
                    least=SMALL_TEAM,
                    teams=", ".join(small.mapped("name")),
                )
            )

    def _people_calls(self):
        """:return: the calls that the records are about"""
        return self if self._name == "crm.voip.call" else self.call_id

    def _people_hidden_in_lists(self):
        """:return: the records that do not tell in a list whose they are"""
        return self

    def _people_look_at(self, records, how):
        # sudo: see _read_format
        call = records.sudo()._people_calls()
        self._people_log(call.leg_ids.user_id | call.user_id, how, call)

    @api.model
    def _people_log(self, persons, how, call=None):
        """Note for each person that somebody looked."""
        persons -= self.env.user
        if persons:
            self.env["crm.voip.people.log"]._note(persons, how, call)
