"""The form of an interval: the one place that notes of the tables, pages, figures and the terminal have it from."""

from typing import NamedTuple

LEAST_LEVEL = 0.95  # of an interval that tells a change: a narrower one leaves out none by chance more often


class Interval(NamedTuple):
    """Two ends, as numbers or as they are written; ``f"{interval:.3g}"`` writes both in that format."""

    low: object
    high: object

    def __format__(self, form: str) -> str:
        """Return the interval in words."""
        return f"{self.low:{form}} to {self.high:{form}}"
