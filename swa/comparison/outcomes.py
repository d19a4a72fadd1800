"""What a test over subjects says of each marker: numbers, reasons, whom it leaves out; and its rows."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np
import numpy.typing as npt

from swa.comparison.arrays import Bools, Floats, Ints
from swa.comparison.group import FEWEST_TESTED, hedges_g_av, hodges_lehmann
from swa.comparison.linear import Fit, t_interval
from swa.comparison.within_subject import MEASURED, NO_BASELINE, ONE_RECORDING, ZEROS, Changes
from swa.glossary import measures_in
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.design_limit import DesignLimit
from swa.tables.reason import Kind, Reason

LeftOut = Mapping[Reason, Ints]  # why, and how many subjects of each marker

# The limit of these is a percentile of the subject's own baseline nights, so that their baseline value is the same in
# every subject and has no spread to standardise by.
FIXED_BY_CONSTRUCTION = frozenset({"wave_density_baseline_fixed"})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One test over subjects for each marker, on the scale of comparison; NaN where the design allows none.

    `reasons` are those of each marker: its method and what there is to say. `used` marks the changes (subjects x
    markers) that it rests on, `left_out` counts the other subjects by reason.
    """

    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    n: Ints
    reasons: Sequence[Sequence[Reason]]
    used: Bools
    left_out: LeftOut


def share_out(subjects: Bools, reasons: Iterable[tuple[Reason, npt.ArrayLike]]) -> dict[Reason, Ints]:
    """Number of these subjects (subjects x markers) by the first reason that holds for each.

    Parameters
    ----------
    subjects : array of bool, shape (subjects, markers)
        Who is left out of each marker.
    reasons : iterable of (Reason, array of bool)
        The reason, without the number, and where it holds.
    """
    found = {}
    for reason, holds in reasons:
        here = subjects & np.asarray(holds, dtype=bool)
        if here.any():
            found[reason] = here.sum(axis=0)
        subjects = subjects & ~here
    return found


def count_left_out(
    changes: Changes,
    used: Bools,
    further: Iterable[tuple[Reason, npt.ArrayLike]] = (),
    *,
    among: Collection[str] | None = None,
    one_sided: bool = True,
) -> dict[Reason, Ints]:
    """Count the subjects of a contrast whom its test does not rest on, by reason.

    Parameters
    ----------
    changes : Changes
        One measure in one contrast.
    used : array of bool, shape (subjects, markers)
        Changes that the test rests on.
    further : iterable of (Reason, array of bool)
        Why the design cannot use a change that there is.
    among : collection of str, optional
        Subjects that the contrast is about; all by default.
    one_sided : bool
        Whether subjects who have a night of the baseline alone belong to the contrast.
    """
    of_contrast = np.array([among is None or str(name) in among for name in changes.subjects], dtype=bool)
    measured = changes.gap == MEASURED
    treated, untreated = changes.treatment_name, changes.baseline_name
    reasons = [(reason, np.asarray(holds, dtype=bool) & measured) for reason, holds in further]
    reasons += [
        (notes.WITHOUT_NIGHT(condition=changes.baseline_name), changes.gap == NO_BASELINE),
        (notes.RECORDING_OF_OTHERS(), (changes.gap == ONE_RECORDING) & changes.of_others[:, None]),
        (notes.RECORDING_TWICE(), changes.gap == ONE_RECORDING),
        *(
            (not_positive(names), changes.gap == code)
            for code, names in zip(ZEROS, ([treated], [untreated], [treated, untreated]), strict=True)
        ),
        (notes.WITHOUT_VALUE(), changes.present),
        (notes.WITHOUT_CHANNEL(), np.ones_like(used)),
    ]
    found = share_out(~used & of_contrast[:, None], reasons)
    if one_sided:
        names = changes.grid.nights["subject"].iloc[changes.grid.nights_of(changes.baseline_name)]
        alone = sum((among is None or str(name) in among) for name in set(names) - set(changes.subjects))
        if alone:
            without = notes.WITHOUT_NIGHT(condition=changes.treatment_name)
            found[without] = np.full(used.shape[1], alone, dtype=np.int64)
    return found


def not_positive(conditions: Sequence[str]) -> Reason:
    """Why subjects have no ratio, with the conditions of their zeros."""
    return notes.NOT_POSITIVE(condition=" and ".join(conditions))


def limits_of_rows(outcome: Outcome) -> list[tuple[DesignLimit, ...]]:
    """What those whom a test leaves out, and the baselines of its arms, leave open of each marker."""
    zeros = np.zeros(len(outcome.n), dtype=bool)
    for why, number in outcome.left_out.items():
        if notes.NOT_POSITIVE.among([why]):
            zeros |= number > 0
    lost = [any(kind.among(own) for kind in (notes.NIGHTS_LOST, notes.SUBJECTS_LOST)) for own in outcome.reasons]
    apart = [any(kind.among(own) for kind in notes.BASELINE_LEVELS) for own in outcome.reasons]
    limits = (DesignLimit.ZEROS, DesignLimit.LOSS, DesignLimit.BASELINE_LEVEL)
    return [tuple(compress(limits, holds)) for holds in zip(zeros.tolist(), lost, apart, strict=True)]


def effects(changes: Changes, outcome: Outcome) -> list[list[Reason]]:
    """Standardised effect of each marker, within subjects."""
    if changes.grid.measure in FIXED_BY_CONSTRUCTION:
        return [[notes.NO_G_AV()]] * len(outcome.n)
    found = hedges_g_av(np.where(outcome.used, changes.baseline, np.nan), changes.treatment)
    return [[notes.G_AV(g=g)] if math.isfinite(g) else [] for g in found.tolist()]


def median_differences(changes: Changes, outcome: Outcome, settings: ComparisonSettings) -> list[list[Reason]]:
    """Median change of minutes of sleep, beside the mean: many nights of old people have no N3 at all."""
    nothing: list[list[Reason]] = [[] for _ in outcome.n]
    if changes.grid.unit != "min" or changes.grid.measure not in measures_in("architecture"):
        return nothing
    used = np.where(outcome.used, changes.change, np.nan)
    tested = np.where((outcome.n >= FEWEST_TESTED) & (outcome.n <= settings.most_flip_subjects), used, np.nan)
    found = hodges_lehmann(tested, settings.confidence)
    for reasons, median, low, high, level in zip(nothing, *(column.tolist() for column in found), strict=True):
        if math.isfinite(median):
            interval = {"low": low, "high": high, "percent": 100 * level} if math.isfinite(low) else {}
            reasons.append(notes.MEDIAN_DIFFERENCE(median=median, **interval))
    return nothing


def repeats(changes: Changes) -> list[Reason]:
    """Say whose several nights count as their mean."""
    nights = ((changes.treatment_name, changes.treatment_nights), (changes.baseline_name, changes.baseline_nights))
    several = [name for name, number in nights if (number > 1).any()]
    return [notes.SEVERAL_NIGHTS(**dict(zip(("condition", "other"), several, strict=False)))] if several else []


def each(kind: Kind, **values: npt.ArrayLike) -> list[Reason]:
    """Return a reason of one kind for each marker, from arrays over markers and what all markers share."""
    columns = [column.tolist() for column in np.broadcast_arrays(*values.values())]
    return [kind(**dict(zip(values, row, strict=True))) for row in zip(*columns, strict=True)]


def taking_part(
    changes: Changes, reasons: Sequence[tuple[Reason, Bools]], among: Collection[str] | None = None
) -> tuple[Bools, LeftOut]:
    """Changes that a design uses, and why it does not use the others."""
    used = np.isfinite(changes.change)
    for _, holds in reasons:
        used = used & ~holds
    return used, count_left_out(changes, used, reasons, among=among)


def outside(changes: Sequence[Changes], members: Mapping[str, str], why: Reason) -> LeftOut:
    """Subjects who belong to no arm or group at all; of whom no night counts, the copies are why."""
    found: dict[Reason, set[str]] = {}
    for side in changes:
        copied = (side.gap == ONE_RECORDING).any(axis=1)
        for name, own, of_other in zip(side.subjects, copied, side.of_others, strict=True):
            if str(name) not in members:
                copy = notes.RECORDING_OF_OTHERS() if of_other else notes.RECORDING_TWICE()
                found.setdefault(copy if own else why, set()).add(str(name))
    return {reason: np.full(changes[0].change.shape[1], len(names)) for reason, names in found.items()}


def together(*counts: LeftOut) -> LeftOut:
    """Numbers of both sides."""
    return {
        why: np.sum([found[why] for found in counts if why in found], axis=0) for why in dict.fromkeys(chain(*counts))
    }


def by_t(
    fit: Fit,
    weights: Sequence[float],
    method: Reason,
    settings: ComparisonSettings,
    about: Sequence[Reason | None],
    who: tuple[Bools, LeftOut],
    alike: Reason | None = None,
) -> Outcome:
    """Outcome of a fit by t; `about` is said where it is known; `who` are the changes used, and who is left out.

    `alike` says what cannot be told apart where that is why there is no test.
    """
    estimate, error = fit.combine(weights)
    t, p, low, high = t_interval(estimate, error, fit.df, settings.confidence)
    usable = fit.df > 0
    reasons: list[list[Reason]] = []
    for i, further in enumerate(about):
        has_t = math.isfinite(t[i])
        tested = [method, notes.T_IS(df=int(fit.df[i]), t=float(t[i])) if has_t else notes.EQUAL_CHANGES()]
        known = [further] if further and _is_known(further) else []
        untested = (alike or notes.ALIKE_FOR_DESIGN()) if fit.alike[i] else notes.FEW_FOR_DESIGN()
        reasons.append([*(tested if usable[i] else [untested]), *known])
    hide = np.where(usable, 1.0, np.nan)
    return Outcome(
        estimate=estimate * hide,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=fit.n,
        reasons=reasons,
        used=who[0],
        left_out=who[1],
    )


def _is_known(reason: Reason) -> bool:
    return all(not isinstance(value, float) or math.isfinite(value) for value in reason.values.values())
