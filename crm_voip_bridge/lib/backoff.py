"""How long to wait before the next try."""

import random


class Backoff:
    """Waits that grow, each with jitter: many bridges must not knock at the same moment.

    :param first: seconds of the first wait, about
    :param most: seconds that no wait exceeds
    :param chance: gives a float in [0, 1); the random part
    """

    def __init__(self, first: float = 1.0, most: float = 60.0, chance=random.random):
        self.first, self.most, self.chance = first, most, chance
        self._step = first
        #: whether the last try failed
        self.waiting = False

    def next(self) -> float:
        """Seconds to wait now: between half of the step and the whole of it."""
        self.waiting = True
        step, self._step = self._step, min(self._step * 2, self.most)
        return min(step, self.most) * (0.5 + self.chance() / 2)

    def reset(self) -> None:
        """It worked: the next wait is a short one again."""
        self.waiting = False
        self._step = self.first
