"""Whose nights were lost: where more of one condition or arm are, a result may be that of those who are left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from swa.comparison.arrays import Bools, Ints
from swa.comparison.designs.base import ContrastDesign
from swa.comparison.loss_rule import differs
from swa.comparison.outcomes import Outcome
from swa.comparison.within_subject import ONE_RECORDING, ZEROS, Changes
from swa.tables import notes
from swa.tables.contrast import Contrast
from swa.tables.reason import Reason


def with_losses(design: ContrastDesign, changes: Changes, outcome: Outcome) -> Outcome:
    """Return the outcome with a reason where one of its two sides has lost more subjects than the other.

    Six of twelve drug nights that are lost because they are the worst make a difference that is told in more than half
    of studies; nothing in the nights that are left shows it.
    """
    outcome = _with_only_aside(design, changes, outcome)
    find = _lost_nights if design.key.is_within else _lost_of_sides
    found = find(design, changes, outcome)
    if not found:
        return outcome
    reasons = [[*own, *([found[i]] if i in found else [])] for i, own in enumerate(outcome.reasons)]
    return replace(outcome, reasons=reasons)


def _with_only_aside(design: ContrastDesign, changes: Changes, outcome: Outcome) -> Outcome:
    """Count apart who has nights of a condition, but only such as are set aside: they are not without one."""
    left_out = dict(outcome.left_out)
    for condition in (changes.baseline_name, changes.treatment_name):
        without, aside = notes.WITHOUT_NIGHT(condition=condition), _only_aside(design, changes, condition)
        if aside and without in left_out:
            own = np.minimum(left_out[without], aside)
            left_out[without] = left_out[without] - own
            left_out[notes.ONLY_ASIDE(condition=condition)] = own
    return replace(outcome, left_out={reason: n for reason, n in left_out.items() if n.any()})


def _only_aside(design: ContrastDesign, changes: Changes, condition: str) -> int:
    """Number of subjects of a contrast whose only nights of a condition are set aside, and who have the other one."""
    there = {str(name) for name in changes.grid.nights["subject"]}
    return sum(name in there and own == condition for name, own in design.only_aside)


def loss_of_equal(
    treatments: Sequence[str],
    compared: Sequence[Collection[str]],
    meant: Sequence[Collection[str]],
    *,
    paired: bool,
) -> Reason | None:
    """Why two treatments cannot be called equivalent where one of them has lost more subjects than the other.

    Parameters
    ----------
    treatments : sequence of str
        The two conditions.
    compared : sequence of collection of str
        Subjects of whom each has a change.
    meant : sequence of collection of str
        Subjects who were meant to have each, where they are not the same people.
    paired : bool
        Whether they are: a subject with a change of one alone has lost the other.
    """
    have = [set(names) for names in compared]
    everybody = (
        [have[0] | have[1]] * 2 if paired else [own | set(names) for own, names in zip(have, meant, strict=True)]
    )
    sizes = [len(names) for names in everybody]
    lost = [len(names - own) for names, own in zip(everybody, have, strict=True)]
    if not all(sizes):
        return None
    share = lost[0] / sizes[0] - lost[1] / sizes[1]
    variance = 1 / sizes[0] if paired else 1 / sizes[0] + 1 / sizes[1]
    if not differs(np.array(lost[0] - lost[1]), np.array(share), np.array(variance)):
        return None
    (first, n, most), (second, other_n, least) = sorted(
        zip(treatments, sizes, lost, strict=True), key=lambda side: -side[2] / side[1]
    )
    if paired:
        return notes.NIGHTS_LOST_OF_EQUAL(condition=first, lost=most, n=n, other=second, other_lost=least)
    return notes.SUBJECTS_LOST_OF_EQUAL(first=first, lost=most, n=n, second=second, other_lost=least, other_n=other_n)


def loss_of_trend(key: Contrast, cells: pd.Series) -> Reason | None:
    """What a trend lacks where subjects have fewer counted nights of one condition than of the other.

    Parameters
    ----------
    key : Contrast
        The two conditions.
    cells : Series
        Place after its dose of each counted night, by subject and condition. Where no nights of the comparator are
        counted, those of the treatment that any subject has are what each could have.
    """
    own: dict[tuple[str, str], set[object]] = {}
    for (subject, condition), cell in zip(cells.index.tolist(), cells.tolist(), strict=True):
        own.setdefault((subject, condition), set()).add(cell)
    names = sorted({subject for subject, _ in own})
    everything = set() if any(condition == key.comparator for _, condition in own) else set(cells.tolist())
    treated = [own.get((name, key.treatment), set()) for name in names]
    untreated = [own.get((name, key.comparator), set()) | everything for name in names]
    lost = sum(bool(theirs - mine) for mine, theirs in zip(treated, untreated, strict=True))
    other_lost = sum(bool(mine - theirs) for mine, theirs in zip(treated, untreated, strict=True))
    n = len(names)
    if not n or not differs(np.array(lost - other_lost), np.array((lost - other_lost) / n), np.array(1 / n)):
        return None
    sides = zip((key.treatment, key.comparator), (lost, other_lost), strict=True)
    (more, most), (fewer, least) = sorted(sides, key=lambda side: -side[1])
    return notes.TREND_NIGHTS_LOST(condition=more, lost=most, n=n, other=fewer, other_lost=least)


def _lost_nights(design: ContrastDesign, changes: Changes, outcome: Outcome) -> dict[int, Reason]:
    """Of subjects who have a value of one condition, those who have none of the other, by marker."""
    key, treated, untreated = design.key, np.isfinite(changes.treatment), np.isfinite(changes.baseline)
    other = np.isin(changes.gap, (*ZEROS, ONE_RECORDING))  # told by themselves
    alone = _baseline_alone(changes)
    lost = (untreated & ~treated & ~other).sum(axis=0) + alone
    other_lost = (treated & ~untreated & ~other).sum(axis=0)
    n = (treated | untreated | other).sum(axis=0) + alone
    unequal = differs(lost - other_lost, (lost - other_lost) / np.maximum(n, 1), 1 / np.maximum(n, 1))
    unequal &= outcome.n > 0
    aside = np.minimum(_only_aside(design, changes, key.treatment), alone)
    own = [(str(name), key.comparator) in design.only_aside for name in changes.subjects]
    other_aside = (treated & np.array(own, dtype=bool)[:, None]).sum(axis=0)
    return {
        i: _say(key, (int(lost[i]), int(other_lost[i])), int(n[i]), (int(aside[i]), int(other_aside[i])))
        for i in np.flatnonzero(unequal).tolist()
    }


def _say(key: Contrast, lost: tuple[int, int], n: int, aside: tuple[int, int]) -> Reason:
    """Which side of a contrast has lost how many, and for how many of them a night is there, but set aside."""
    sides = zip((key.treatment, key.comparator), lost, aside, strict=True)
    (more, most, there), (fewer, least, _) = sorted(sides, key=lambda side: -side[1])
    told = {"aside": there} if there else {}
    return notes.NIGHTS_LOST(condition=more, lost=most, n=n, other=fewer, other_lost=least, **told)


def _baseline_alone(changes: Changes) -> Ints:
    """Subjects with a baseline value and no night of the treatment; none where each had one of several treatments."""
    grid = changes.grid
    rows = grid.nights_of(changes.baseline_name)
    names = grid.nights["subject"].to_numpy(dtype=object)
    rows = rows[~pd.Index(names[rows]).isin(changes.subjects)]
    if not len(rows) or _one_treatment_each(changes):
        return np.zeros(grid.values.shape[1], dtype=np.int64)
    measured: dict[str, Bools] = {}
    for row in rows.tolist():
        there = np.isfinite(grid.values[row])
        measured[names[row]] = measured.get(names[row], np.zeros_like(there)) | there
    alone: Ints = np.sum(list(measured.values()), axis=0, dtype=np.int64)
    return alone


def _one_treatment_each(changes: Changes) -> bool:
    """Whether there are several treatments, and no subject had two: who lacks one was not meant to have it."""
    nights = changes.grid.nights
    given = nights[nights["condition"] != changes.baseline_name].groupby("subject")["condition"].agg(set)
    return len(set().union(*given)) > 1 and all(len(own) == 1 for own in given)


def _lost_of_sides(design: ContrastDesign, changes: Changes, outcome: Outcome) -> dict[int, Reason]:
    """Of the subjects of each arm or group, those without a change that is used, by marker."""
    members: Mapping[str, str] = getattr(design, "members", {})
    key, found = design.key, {}
    there = {str(name) for name in changes.grid.nights["subject"]}
    n, other_n = (sum(members.get(name) == side for name in there) for side in (key.first, key.second))
    for i, reasons in enumerate(outcome.reasons):
        sizes = notes.ARM_SIZES.among(reasons) or notes.GROUP_CHANGES.among(reasons)
        if sizes is None or not n or not other_n:
            continue
        lost, other_lost = n - int(sizes.values["n_first"]), other_n - int(sizes.values["n_second"])
        if differs(
            np.array(lost - other_lost), np.array(lost / n - other_lost / other_n), np.array(1 / n + 1 / other_n)
        ):
            found[i] = notes.SUBJECTS_LOST(
                first=key.first, lost=lost, n=n, second=key.second, other_lost=other_lost, other_n=other_n
            )
    return found
