"""Which designs there are: each file of this folder that defines one adds it, and nothing else has to know."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from inspect import isabstract

import pandas as pd

from swa.comparison.compared_nights import COPIED, split_nights
from swa.comparison.designs.base import BetweenSubjects, ContrastDesign, WithinSubjects, read_pair
from swa.comparison.exclusions import left_out_by_hand, reasons_of_exclusions
from swa.settings import ComparisonSettings
from swa.tables.contrast import Contrast

__all__ = ["ContrastDesign", "find_designs", "known_designs"]


@cache
def known_designs() -> tuple[type[ContrastDesign], ...]:
    """Designs of the files in this folder, in the order in which they are asked whether they recognise themselves."""
    files = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    own = [
        value for file in files for value in vars(file).values() if getattr(value, "__module__", "") == file.__name__
    ]
    designs = [value for value in own if isinstance(value, type) and issubclass(value, ContrastDesign)]
    return tuple(sorted((design for design in designs if not isabstract(design)), key=lambda design: design.rank))


def find_designs(nights: pd.DataFrame, pairs: Sequence[Contrast], settings: ComparisonSettings) -> list[ContrastDesign]:
    """Recognise the design of each pair of conditions, and the contrasts between arms and groups that it calls for.

    Parameters
    ----------
    nights : DataFrame
        All nights of the study.
    pairs : sequence of Contrast
        Contrasts within subjects.
    settings : ComparisonSettings
        The design, where it is stated.
    """
    # Copies say nothing of the design.
    left_out = left_out_by_hand(nights)
    nights, before = (table[~table[COPIED]] for table in split_nights(nights))
    designs = known_designs()
    choices = [design for design in designs if issubclass(design, WithinSubjects)]
    stated = [design for design in choices if design.kind == settings.design]
    within = []
    for key in pairs:
        pair = read_pair(nights, before, key)
        fitting = stated or [design for design in choices if design.fits(pair, settings)]
        within.append(fitting[0].of(pair, nights))
    for design in designs:
        between = design.find(nights, within, settings) if issubclass(design, BetweenSubjects) else None
        if between is not None:
            return [_with_exclusions(one, left_out, nights) for one in (*within, *between)]
    return [_with_exclusions(one, left_out, nights) for one in within]


def _with_exclusions(design: ContrastDesign, left_out: pd.DataFrame, used: pd.DataFrame) -> ContrastDesign:
    """Return the design with a word of the nights that somebody left out of its subjects."""
    own = (design.treatment, design.baseline)
    needed = dict.fromkeys(used["subject"].unique(), own)
    if not design.key.is_within:
        first, second = design.sides
        sides = {first: own, second: (design.other or design.treatment, design.baseline)}
        needed = {name: sides[side] for name, side in design.members.items() if side in sides}
    found = reasons_of_exclusions(left_out, used, needed)
    return replace(design, limits=(*design.limits, *found)) if found else design


known_designs()  # so that the reasons that a design declares can be read wherever designs are known
