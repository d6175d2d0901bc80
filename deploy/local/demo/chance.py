"""Seeded chance: one independent stream per purpose, so that a change in one leaves the others alone."""

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A repeatable stream named by seed and purpose; never for secrets."""

    @classmethod
    def stream(cls, *parts: object) -> "Chance":
        return cls("/".join(map(str, parts)))

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        return self.choices([option for option, _ in options], [weight for _, weight in options])[0]

    def gamma_strata(self, shape: float, count: int) -> list[float]:
        """`count` ascending draws of mean 1 that cover the gamma distribution evenly.

        Plain draws would let one very absent student move a school of sixty; spread ones keep small districts honest.
        """
        fine = 64
        draws = sorted(self.gammavariate(shape, 1 / shape) for _ in range(fine * count))
        sums = [0.0, *accumulate(draws)]
        return [(sums[fine * (i + 1)] - sums[fine * i]) / fine for i in range(count)]
