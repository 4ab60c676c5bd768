"""Taking many contacts and leads into the index of numbers, a stretch at a time."""

import logging
import time

from odoo import api, fields, models
from odoo.tools import SQL

from .transaction import in_own_transaction

_logger = logging.getLogger(__name__)

#: contacts in memory, and in one transaction of the background job
BATCH = 1000
#: walks at a time: of each of two models all, and those without a country
MOST = 4
#: contacts between two lines in the log
REPORT = 50_000
#: an installation in the browser goes on in the background after so many seconds
PATIENCE = 30.0


class CrmVoipNumberIntake(models.Model):
    """What is still to be taken into the index, and how far that is.

    A row each for contacts and leads while a walk over them is going on: at installation, after a change of
    the country that decides their national numbers, and once a week, when it finds what
    was written past the ORM. It is deleted when the walk is over.
    """

    _name = "crm.voip.number.intake"
    _description = "Numbers Being Taken In"
    _order = "id"

    model = fields.Char(required=True, readonly=True)
    without_country = fields.Boolean(
        readonly=True, help="Only those without a country of their own: another one's country has changed."
    )
    position = fields.Integer(readonly=True, help="Id of the last one that was taken in.")

    @api.private
    def _start(self, without_country: bool = False) -> None:
        """Begin a walk over all contacts and leads, in the background.

        :param without_country: only those whose national numbers depend on somebody else's country
        """
        # sudo: the country of a company is changed by people who need not see this
        walks = self.sudo()
        walks.search([("without_country", "=", without_country)]).unlink()
        walks.create([{"model": name, "without_country": without_country} for name in ("res.partner", "crm.lead")])
        if cron := self.env.ref("crm_voip_bridge.ir_cron_number_intake", raise_if_not_found=False):
            cron.sudo()._trigger()

    @api.private
    def _install(self, patience: float | None = None) -> bool:
        """Take in whoever is there when the addon is installed, in the transaction of the installation.

        A commit in between would leave half an addon behind if the installation is interrupted.

        :param patience: seconds, after which the rest is left to the background; None: to the end
        :return: whether all are in
        """
        self._start()
        deadline = float("inf") if patience is None else time.monotonic() + patience
        for intake in self.search([], limit=MOST):
            while intake._step(lock=False):
                if time.monotonic() > deadline:
                    _logger.info("Numbers: the rest is taken in in the background")
                    return False
        return True

    @api.model
    def _cron_take_in(self):
        """Go on with the walks, each stretch in a transaction of its own."""
        progress = self.env["ir.cron"]
        for intake in self.search([], limit=MOST):
            while in_own_transaction(self.env, lambda env, id_=intake.id: env[self._name].browse(id_)._step()):
                if not progress._commit_progress(BATCH, remaining=1):
                    return
        progress._commit_progress(remaining=0)

    @api.model
    def _cron_check(self):
        """Compare the whole index with the phone fields; changes nothing where nothing is wrong."""
        if not self.search_count([("without_country", "=", False)], limit=1):
            self._start()

    def _step(self, lock: bool = True) -> bool:
        """Take in the next stretch.

        :param lock: see ``crm.voip.number._sync``
        :return: whether there is more to do
        """
        if not self.exists():
            return False
        callers = self.env[self.model].with_context(active_test=False)
        country = SQL("AND country_id IS NULL") if self.without_country else SQL()
        ids = [
            id_
            for (id_,) in self.env.execute_query(
                SQL(
                    "SELECT id FROM %s WHERE id > %s %s ORDER BY id LIMIT %s",
                    SQL.identifier(callers._table),
                    self.position,
                    country,
                    BATCH,
                )
            )
        ]
        if not ids:
            self._analyze()
            _logger.info("Numbers: %s is in the index up to id %s", self.model, self.position)
            self.unlink()
            return False
        callers = callers.browse(ids)
        self.env["crm.voip.number"]._sync(callers, lock=lock)
        if not self.position:
            self._analyze()
        if ids[-1] // REPORT > self.position // REPORT:
            _logger.info("Numbers: %s taken in up to id %s", self.model, ids[-1])
        self.position = ids[-1]
        self.flush_recordset()
        # a million contacts come by here, and not all of them may stay in memory
        self.env.invalidate_all()
        return True

    def _analyze(self) -> None:
        """Let the planner know the index: without statistics it reads all of it for a hundred numbers."""
        self.env.cr.execute("ANALYZE crm_voip_number")
