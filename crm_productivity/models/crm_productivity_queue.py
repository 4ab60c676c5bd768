from odoo import api, models


class CrmProductivityQueue(models.AbstractModel):
    """What is to be followed up: a queue that is only appended to.

    Whatever changes something appends to it, in its own transaction. A unique row for each thing would make every two who
    change it at once wait for each other, or fail; so the same may stand there many times, and whoever follows it up
    deletes all they saw. What came meanwhile stays and is next.
    """

    _name = "crm.productivity.queue"
    _description = "What is to be followed up"

    #: columns of a row
    _queued = ()

    @api.model
    def _mark(self, marks):
        """Remember that these changed; it is written once, before the transaction ends.

        :param marks: a set; see :meth:`_rows`
        """
        precommit = self.env.cr.precommit
        waiting = precommit.data.get(self._name)
        if waiting is None:
            waiting = precommit.data[self._name] = set()
            precommit.add(self._write_marks)
        waiting |= marks

    def _write_marks(self):
        self._insert(self._rows(self.env.cr.precommit.data.pop(self._name, set())))

    @api.model
    def _rows(self, marks):
        """:return: marks as a set of rows"""
        return marks

    @api.model
    def _plan_simply(self):
        """Until the end of the transaction: a statement of many parts is compiled for longer than it then runs."""
        self.env.cr.execute("SET LOCAL jit = off")

    @api.model
    def _insert(self, rows):
        """:param rows: values of :attr:`_queued`"""
        if rows:
            self.env.cr.execute_values(
                f"INSERT INTO {self._table} ({', '.join(self._queued)}) VALUES %s",  # noqa: S608 (our own names)
                sorted(rows, key=str),
                page_size=len(rows),
            )
