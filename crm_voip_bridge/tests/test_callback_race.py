import functools
import operator
from datetime import timedelta

from odoo.tests import tagged

from .common import answered, missed, outbound
from .test_callback import monday
from .test_concurrency import RaceCase


@tagged("-at_install", "post_install")
class TestCallbackRace(RaceCase):
    """Calls of one number that are folded at the same moment, in real transactions."""

    def take_away(self):
        with self.environment() as env:
            numbers = {callback.number for callback in self.callbacks(env)}
            self.callbacks(env).activity_id.unlink()
            env["mail.followers"].search([("res_model", "=", "crm.voip.call")]).unlink()
            env.cr.execute("DELETE FROM crm_voip_callback_entry WHERE number = ANY(%s)", [sorted(numbers)])
            env.cr.execute("DELETE FROM crm_voip_callback WHERE pbx_id = %s", [self.pbx_id])
            env.cr.execute("DELETE FROM crm_voip_callback_turn WHERE number LIKE '+1202555%'")
        return super().take_away()

    def callbacks(self, env):
        return env["crm.voip.callback"].search([("pbx_id", "=", self.pbx_id)])

    def states(self):
        with self.environment() as env:
            return sorted(
                (one.number, one.state, one.missed_count, one.attempts, bool(one.activity_id.active))
                for one in self.callbacks(env)
            )

    def test_two_batches_miss_the_same_number(self):
        for place in range(8):
            number = f"+1202555030{place}"
            self.race(
                *(
                    lambda call=call, number=number: self.deliver(missed(call, number=number, start=monday()))
                    for call in (f"a{place}", f"b{place}", f"c{place}")
                )
            )
        self.assertEqual(self.states(), [(f"+1202555030{place}", "open", 3, 0, True) for place in range(8)])

    def test_missed_and_connected_at_once(self):
        """Neither transaction sees the other one's call; the callback is closed all the same."""
        for place in range(8):
            number = f"+1202555031{place}"
            later = monday() + timedelta(hours=1)
            make = outbound if place % 2 else answered
            self.race(
                lambda place=place, number=number: self.deliver(missed(f"m{place}", number=number, start=monday())),
                lambda place=place, number=number, make=make, later=later: self.deliver(
                    make(f"t{place}", number=number, start=later)
                ),
            )
        self.assertEqual(self.states(), [(f"+1202555031{place}", "done", 1, 0, False) for place in range(8)])

    def test_many_numbers_in_two_orders(self):
        events = [missed(f"n{place}", number=f"+120255504{place:02}", start=monday()) for place in range(20)]
        again = [missed(f"o{place}", number=f"+120255504{place:02}", start=monday()) for place in range(20)]
        self.race(
            lambda: self.deliver(functools.reduce(operator.iadd, events, [])),
            lambda: self.deliver(functools.reduce(operator.iadd, again[::-1], [])),
        )
        self.assertEqual({row[1:] for row in self.states()}, {("open", 2, 0, True)})
        self.assertEqual(len(self.states()), 20)
