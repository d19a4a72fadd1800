"""Controls of compared nights, one file a family; importing the package registers them, in the order of their rows."""

from swa.comparison.controls import copies, gain, headers, polarity, signals, stage_shares, staging, times

__all__ = ["copies", "gain", "headers", "polarity", "signals", "stage_shares", "staging", "times"]
