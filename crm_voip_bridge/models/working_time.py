"""Working time, for as many moments as there are with few queries.

It is that of a person's working schedule, leaves included, where they have one (without HR there is none), else
the company's. A company without one works round the clock.
"""

from collections import defaultdict
from datetime import timedelta, timezone

from ..lib import callbacks

#: so far ahead a plan is made from what was read for all; behind it, Odoo plans by itself
AHEAD = timedelta(days=14)


class WorkingTime:
    """The working time of some people of one company within a stretch of time.

    :param company: whose schedule holds for those without their own
    :param user_ids: ids of users
    :param start: naive UTC, as all moments here; nothing earlier is asked for
    :param end: nothing later is asked for, but for what is planned
    """

    def __init__(self, company, user_ids, start, end):
        self.company = company
        start, end = (moment.replace(tzinfo=timezone.utc) for moment in (start, end + AHEAD))
        resources = company.env["resource.resource"].search(
            [
                ("user_id", "in", sorted(set(user_ids))),
                ("company_id", "=", company.id),
                ("calendar_id", "!=", False),
            ],
            order="id desc",
        )
        self._resource = {resource.user_id.id: resource for resource in resources}
        self._spans = {False: None}
        per_calendar = defaultdict(lambda: company.env["resource.resource"])
        for resource in self._resource.values():
            per_calendar[resource.calendar_id] |= resource
        if company.resource_calendar_id:
            per_calendar[company.resource_calendar_id] |= company.env["resource.resource"]
        for calendar, some in per_calendar.items():
            found = calendar._work_intervals_batch(start, end, resources=some)
            for resource in some:
                self._spans[resource.user_id.id] = _naive(found[resource.id])
            if calendar == company.resource_calendar_id:
                self._spans[False] = _naive(found[False])

    def worked(self, user_id, start, end):
        """:return: seconds of working time between two moments"""
        spans = self._of(user_id)
        if spans is None:
            return max((end - start).total_seconds(), 0.0)
        return callbacks.worked(spans, start, end)

    def plan(self, user_id, start, hours):
        """:return: the moment when so many hours of working time have passed"""
        spans = self._of(user_id)
        due = spans is not None and callbacks.plan(spans, start, hours * 3600)
        if spans is not None and not due:
            # a long holiday
            resource = self._resource.get(user_id, self.company.env["resource.resource"])
            calendar = resource.calendar_id or self.company.resource_calendar_id
            due = calendar.plan_hours(hours, start, compute_leaves=True, resource=resource)
        return due or start + timedelta(hours=hours)

    def _of(self, user_id):
        """:return: the spans that hold for somebody, None for round the clock"""
        return self._spans.get(user_id, self._spans[False])


def _naive(intervals):
    return [
        tuple(moment.astimezone(timezone.utc).replace(tzinfo=None) for moment in (start, stop))
        for start, stop, _records in intervals
    ]
