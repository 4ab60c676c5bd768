"""A short transaction of its own, tried again when another one got in its way."""

import random
import time

from psycopg2 import errors

#: what two transactions do to each other; none of them says that the work itself is wrong
CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)
ATTEMPTS = 12


def in_own_transaction(env, work):
    """Run ``work(env)`` on a new cursor and commit.

    Odoo retries a whole request after up to two seconds; a call must be there within one.
    So the waits here are some milliseconds, and the work must not depend on what an earlier
    attempt left behind.

    :param env: gives user, context and registry; its own transaction is not touched
    :param work: called with an environment on the new cursor
    :return: what ``work`` returns
    """
    for attempt in range(ATTEMPTS):
        try:
            with env.registry.cursor() as cr:
                return work(env(cr=cr))
        except CONFLICTS:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, min(0.002 * 2**attempt, 0.3)))
