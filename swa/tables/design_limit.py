"""What the design of a study leaves open of a contrast, however good its recordings are: codes, and their column."""

from collections.abc import Iterable
from enum import StrEnum

_BETWEEN = "; "


class DesignLimit(StrEnum):
    """Why a change cannot be laid to the drug by the design alone; the value is the code in the tables."""

    NO_CONTROL = "no control"
    ONE_ARM = "one arm"
    GROUPS = "groups"
    ONE_ORDER = "one order"
    UNEQUAL_ORDERS = "unequal orders"
    SAME_PLACE = "same place"
    UNKNOWN_ORDER = "unknown order"
    ZEROS = "zeros left out"
    LOSS = "unequal loss"
    NIGHTS_CHOSEN = "nights left out"
    BASELINE_LEVEL = "baseline level"


# Limits with which a change over subjects may be one of the period.
OPEN_ORDERS = frozenset({DesignLimit.UNEQUAL_ORDERS, DesignLimit.UNKNOWN_ORDER})


# Limits with which an effect of the order of the nights may stand in a change.
OF_THE_ORDER = OPEN_ORDERS | {DesignLimit.ONE_ORDER, DesignLimit.SAME_PLACE}
# Limits of one row alone: which subjects it lacks, and where arms begin, is known of each marker.
OF_A_ROW = frozenset({DesignLimit.ZEROS, DesignLimit.LOSS, DesignLimit.BASELINE_LEVEL})
# Limits that say nothing of the cause: what they are of stands in words of its own.
IN_OTHER_WORDS = OF_A_ROW | {DesignLimit.NIGHTS_CHOSEN}
# Limits with which a change over subjects is not shown as told from no change.
NOT_TOLD = OPEN_ORDERS | {DesignLimit.ZEROS, DesignLimit.BASELINE_LEVEL}


def encode_limits(limits: Iterable[DesignLimit]) -> str:
    """Limits as text for a table; empty where there is none."""
    return _BETWEEN.join(limits)


def decode_limits(text: object) -> tuple[DesignLimit, ...]:
    """Limits of a table's text, as `encode_limits` wrote it; a table of an earlier version has none.

    Raises
    ------
    ValueError
        It is none.
    """
    return tuple(DesignLimit(code) for code in text.split(_BETWEEN)) if isinstance(text, str) and text else ()
