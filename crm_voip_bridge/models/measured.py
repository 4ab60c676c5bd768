"""A number that a machine measured: not measured is empty, never 0."""

from odoo import fields


class Measured(fields.Float):
    """A float whose NULL stays NULL.

    A plain float shows NULL as 0.0, so that a call without a measured talk time would look
    like one without talk. Here an unset value reads as ``False``, is exported as an empty cell,
    and is left out of averages; ``("talk_s", "=", False)`` finds it and
    ``("talk_s", "=", 0)`` does not.
    """

    falsy_value = None
    aggregator = "avg"

    def convert_to_column(self, value, record, values=None, validate=True):
        if value is None or value is False:
            return None
        return super().convert_to_column(value, record, values, validate)

    def convert_to_cache(self, value, record, validate=True):
        if value is None or value is False:
            return None
        return super().convert_to_cache(value, record, validate)

    def convert_to_record(self, value, record):
        return False if value is None else value

    def convert_to_read(self, value, record, use_display_name=True):
        return False if value is None else value

    def convert_to_export(self, value, record):
        return "" if value is None or value is False else value

    def filter_function(self, records, field_expr, operator, value):
        # in Python 0.0 equals False: told apart here as in SQL
        getter = self.expression_getter(field_expr)
        if operator == "in":
            numbers = {one for one in value if one is not False and one is not None}
            empty = len(numbers) < len(value)
            return lambda record: empty if (found := getter(record)) is False else found in numbers
        compare = super().filter_function(records, field_expr, operator, value)
        return lambda record: getter(record) is not False and compare(record)
