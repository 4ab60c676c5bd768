"""Opens screens as the web client does, and says what the server took for it.

Which requests that are follows from the action behind a menu: a form reads its record or begins a new one, a list
searches, with the filters that its action switches on; what the views hold is asked for and nothing else. The views
themselves a browser keeps, so they are not counted.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

from dateutil.relativedelta import relativedelta

from . import odoo
from .bench_scale import _specification
from .places import LOGS
from .screen import Trouble

_ACCESS = re.compile(r'"POST ([^ #?]+)\S* HTTP/1\.1" 200 - (\d+) ([\d.]+) ([\d.]+)')
#: no figures: opening the page, and what the page is made of
_NOT_COUNTED = ("/web/session/authenticate", "get_views", "/web/webclient/load_menus")


@dataclass(frozen=True)
class Opened:
    """What one opening took: milliseconds of the server, its queries, and the requests."""

    ms: float
    queries: int
    requests: int


class Log:
    """What Odoo's log says of the requests since the last look."""

    def __init__(self):
        self._file = open(LOGS / "odoo.log", errors="replace")  # noqa: SIM115, as long as the program
        self._file.seek(0, 2)

    def taken(self, count: int) -> Opened:
        """Of the last requests, `count` of which are expected."""
        found = []
        for _try in range(100):
            found += [match for line in self._file if (match := _ACCESS.search(line))]
            found = [match for match in found if not any(part in match[1] for part in _NOT_COUNTED)]
            if len(found) >= count:
                break
            time.sleep(0.02)
        seconds = sum(float(match[3]) + float(match[4]) for match in found)
        return Opened(seconds * 1000, sum(int(match[2]) for match in found), len(found))


class Opener:
    """Somebody who opens screens."""

    def __init__(self, address: str, database: str, login: str, log: Log):
        self.login, self._log = login, log
        self.client = odoo.Client(address, database, login, login)
        [me] = self.client.call("res.users", "search_read", [["login", "=", login]], ["id"])
        self._uid, self._views = me["id"], {}

    def open(self, action_id) -> Opened:
        """Open what a menu opens.

        :param action_id: id or external id of the action
        """
        self._log.taken(0)
        count = self._show(self.client.action(action_id)) + 1
        return self._log.taken(count)

    def _show(self, action: dict) -> int:
        """Ask for what an action shows; the number of requests."""
        if action["type"] == "ir.actions.server":
            action = self.client._post("/web/action/run", {"action_id": action["id"], "context": {}})
            return 1 + self._show(action)
        if action["type"] != "ir.actions.act_window":
            raise Trouble(f"{action.get('name')}: an action of the type {action['type']}")
        kind = action["views"][0][1]
        spec, arch, search, fields = self._view(action, kind)
        model, context = action["res_model"], self._value(action.get("context") or {})
        if kind == "form":
            if action.get("res_id"):
                self.client.call(model, "web_read", [action["res_id"]], specification=spec, context=context)
            else:
                self.client.call(model, "onchange", [], {}, [], spec, context=context)
            return 1
        domain, groups = self._filtered(self._value(action.get("domain") or []), context, search)
        if kind == "pivot":
            by = [_grouping(node, fields) for node in arch.iter("field") if node.get("type") in ("row", "col")]
            sets = [by[:length] for length in range(len(by) + 1)]
            asked = {"grouping_sets": sets, "aggregates": ["__count", *_measures(arch, fields)]}
            self.client.call(model, "formatted_read_grouping_sets", domain=domain, context=context, **asked)
        elif kind == "graph":
            by = [_grouping(node, fields) for node in arch.iter("field") if not _is_measure(node, fields)]
            asked = {"groupby": by, "aggregates": ["__count", *_measures(arch, fields)[:1]]}
            self.client.call(model, "formatted_read_group", domain=domain, context=context, **asked)
        elif groups:
            self.client.call(
                model,
                "web_read_group",
                domain=domain,
                groupby=groups[:1],
                aggregates=["__count"],
                limit=80,
                context=context,
            )
        else:
            more = {"limit": 80, "offset": 0, "order": "", "count_limit": 10001}
            self.client.call(model, "web_search_read", domain=domain, specification=spec, context=context, **more)
        return 1

    def _view(self, action: dict, kind: str):
        """The specification of a view, its arch, that of the search view, and the fields; from the server only once."""
        key = (action.get("id"), kind, action["res_model"])
        if key not in self._views:
            view = next((view for view, name in action["views"] if name == kind), False)
            search = (action.get("search_view_id") or [False])[0]
            views = [[view, kind], [search, "search"]]
            got = self.client.call(action["res_model"], "get_views", views=views, options={})
            arch, filters = (ElementTree.fromstring(got["views"][name]["arch"]) for name in (kind, "search"))
            spec = _specification(arch, got["models"], action["res_model"])
            self._views[key] = spec, arch, filters, got["models"][action["res_model"]]["fields"]
        return self._views[key]

    def _filtered(self, domain: list, context: dict, search) -> tuple[list, list]:
        """The domain and the groups with the filters that are switched on."""
        groups = []
        for node in search.iter("filter"):
            if not context.get(f"search_default_{node.get('name')}"):
                continue
            if date_field := node.get("date"):
                # those of ours begin with this month
                first = date.today().replace(day=1)
                domain = [[date_field, ">=", str(first)], [date_field, "<=", str(date.today())], *domain]
            if node.get("domain"):
                domain = [*self._value(node.get("domain")), *domain]
            if "group_by" in (node.get("context") or ""):
                groups.append(self._value(node.get("context"))["group_by"])
        return domain, groups

    def _value(self, text):
        """What the web client makes of an expression in an action or a view."""
        if not isinstance(text, str):
            return text
        names = {
            "uid": self._uid,
            "context_today": date.today,
            "relativedelta": relativedelta,
            "datetime": datetime,
            "timedelta": timedelta,
            "time": time,
            "allowed_company_ids": [1],
            "active_id": False,
            "active_ids": [],
            "True": True,
        }
        with suppress(NameError):
            return eval(text, {"__builtins__": {}}, names)  # noqa: S307, our own views
        return {} if text.lstrip().startswith("{") else []


def _is_measure(node, fields: dict) -> bool:
    return node.get("type") == "measure" or fields[node.get("name")]["type"] in ("integer", "float", "monetary")


def _grouping(node, fields: dict) -> str:
    name = node.get("name")
    dated = fields[name]["type"] in ("date", "datetime")
    return f"{name}:{node.get('interval') or 'month'}" if dated else name


def _measures(arch, fields: dict) -> list[str]:
    """What is added up; what is worked out from sums is asked for without an operator."""
    names = [node.get("name") for node in arch.iter("field") if node.get("type") == "measure"]
    return [f"{name}:{how}" if (how := fields[name].get("aggregator")) else name for name in names]


def menus(client: odoo.Client) -> list[tuple[str, int]]:
    """The menus of the figures and the ids of their actions, in the order in which they are shown."""
    [root] = client.call(
        "ir.model.data",
        "search_read",
        [["module", "=", "crm_productivity"], ["name", "=", "crm_productivity_menu"]],
        ["res_id"],
    )
    domain = [["parent_id", "=", root["res_id"]], ["action", "!=", False]]
    found = client.call("ir.ui.menu", "search_read", domain, ["name", "action"], order="sequence, id")
    return [(one["name"], int(one["action"].partition(",")[2])) for one in found]
