"""A short transaction of its own, tried again when another one got in its way."""

import gc
import logging
import random
import threading
import time
from contextlib import contextmanager

from psycopg2 import errors

#: what two transactions do to each other; none of them says that the work itself is wrong
CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)
ATTEMPTS = 12


_here = threading.local()


class _Discretion(logging.Filter):
    """Keeps the cursor from logging queries that failed here: they are tried again, and hold people's numbers."""

    def filter(self, record):
        return not getattr(_here, "running", False)


# not mute_logger: that one is for all threads at once
logging.getLogger("odoo.sql_db").addFilter(_Discretion())


@contextmanager
def without_collector():
    """Spare Python's search for cycles.

    All that the work makes lives until it ends, so the search would look at it again and again and find
    nothing, which takes a tenth of the time. What is left of it is searched afterwards.
    """
    # not odoo.tools.gc.disabling_gc: after an exception, it leaves the search off for ever
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


@contextmanager
def _alone(cr, key):
    if key is None:
        yield
        return
    cr.execute("SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_lock(%s, %s)", key)
    # the lock stays: it is the session's. What the work sees must be younger than it
    cr.commit()  # pylint: disable=unknown-option-value,invalid-commit
    try:
        yield
        cr.commit()  # pylint: disable=unknown-option-value,invalid-commit
    except BaseException:
        cr.rollback()
        raise
    finally:
        cr.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def in_own_transaction(env, work, alone=None):
    """Run ``work(env)`` on a new cursor and commit.

    Odoo retries a whole request after up to two seconds; a call must be there within one.
    So the waits here are some milliseconds, and the work must not depend on what an earlier
    attempt left behind.

    :param env: gives user, context and registry; its own transaction is not touched
    :param work: called with an environment on the new cursor
    :param alone: two numbers; of transactions with the same ones, one runs at a time
    :return: what ``work`` returns
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            _here.running = True
            with without_collector(), env.registry.cursor() as cr, _alone(cr, alone):
                return work(env(cr=cr))
        except CONFLICTS:
            if attempt == ATTEMPTS:
                raise
        finally:
            _here.running = False
        time.sleep(random.uniform(0, min(0.001 * 2**attempt, 0.3)))
