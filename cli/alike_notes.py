"""Notes of many recordings as one line of each kind, with the recordings that it is true of."""

import re
from collections.abc import Mapping, Sequence

from swa.tables.interval import Interval

MOST_NAMED = 4
FEWEST_ALIKE = 4  # recordings whose notes differ in their numbers alone; of equal notes two are enough
_NUMBER = re.compile(r"(?<![\w:.,-])\d+(?:\.\d+)?(?![\w:-]|\.\d)")  # none of a clock, a date or a name
_OWN = "its scoring"


def told_together(
    notes: Mapping[str, Sequence[str]], scorings: Mapping[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Part notes into those that each recording keeps and lines for those that several have.

    Parameters
    ----------
    notes : mapping of str to sequence of str
        Of each recording.
    scorings : mapping of str to str
        Name of each recording's scoring file, which its notes may name.

    Returns
    -------
    own : dict of str to list of str
        Notes that stay with their recording.
    lines : list of str
        One for each kind of the others; numbers that differ stand there as a range.
    """
    kinds: dict[str, list[tuple[str, str, list[str]]]] = {}  # recording, text, and the numbers in it
    for recording, held in notes.items():
        for text in dict.fromkeys(held):
            general = text.replace(scorings[recording], _OWN) if scorings.get(recording) else text
            kinds.setdefault(_NUMBER.sub("\0", general), []).append((recording, text, _NUMBER.findall(general)))
    gone: set[tuple[str, str]] = set()
    lines = []
    for kind, found in kinds.items():
        names = [recording for recording, _, _ in found]
        is_equal = len({text for _, text, _ in found}) == 1
        if len(set(names)) < len(names) or len(names) < (2 if is_equal else FEWEST_ALIKE):
            continue
        gone |= {(recording, text) for recording, text, _ in found}
        ranges = [_range(numbers) for numbers in zip(*(numbers for *_, numbers in found), strict=True)]
        said = found[0][1] if is_equal else "".join(map("".join, zip(kind.split("\0"), [*ranges, ""], strict=True)))
        lines.append(f"of {_listed(names, len(notes))}: {said}")
    own = {name: [text for text in dict.fromkeys(held) if (name, text) not in gone] for name, held in notes.items()}
    return own, lines


def _range(numbers: Sequence[str]) -> str:
    low, high = (end(numbers, key=float) for end in (min, max))
    return low if float(low) == float(high) else f"{Interval(low, high)}"


def _listed(names: Sequence[str], n_all: int) -> str:
    if len(names) == n_all:
        return f"all {n_all}"
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
