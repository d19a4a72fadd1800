"""Controls of compared nights, one file a family; importing the package registers them, in the order of their rows."""

from swa.comparison.controls import (
    bed,
    copies,
    gain,
    headers,
    polarity,
    signals,
    stage_shares,
    staging,
    time_scale,
    times,
)

__all__ = [
    "bed",
    "copies",
    "gain",
    "headers",
    "polarity",
    "signals",
    "stage_shares",
    "staging",
    "time_scale",
    "times",
]
