"""One test over subjects for each marker of a contrast, as its design asks for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from swa.comparison.crossover import carry_over, hills_armitage, sequence_test
from swa.comparison.design import BEFORE
from swa.comparison.designs import ContrastDesign
from swa.comparison.group import FEWEST_TESTED, LeftOut, Outcome, count_left_out, paired_outcome, share_out
from swa.comparison.linear import Fit, least_squares, random_intercept, t_interval, unequal_variances
from swa.comparison.within_subject import Bools, Changes, Grid, Ints, NightMeans, mean_over_nights, subject_changes
from swa.settings import ComparisonSettings

Texts = npt.NDArray[np.object_]
NO_ORDER = "whose order is not known"


def over_subjects(grid: Grid, changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    """Estimate, interval and p of each marker over subjects; see the module of each design for its method.

    Parameters
    ----------
    grid : Grid
        The measure.
    changes : Changes
        Changes within subjects of the design's treatment from its baseline.
    design : ContrastDesign
        How they are compared.
    settings : ComparisonSettings
        Level, permutations.
    """
    analyses: dict[str, Callable[[], Outcome]] = {
        "crossover": lambda: _crossover(changes, design, settings),
        "pre/post crossover": lambda: _pre_post(grid, changes, design, settings),
        "mixed model": lambda: _mixed(grid, changes, design, settings),
        "parallel arms": lambda: _arms(grid, changes, design, settings),
        "groups": lambda: _groups(changes, design, settings),
    }
    analysis = analyses.get(design.kind)
    return analysis() if analysis else paired_outcome(changes, settings, tested=design.tested)


def sequence_of(changes: Changes, design: ContrastDesign) -> Ints:
    """1 where a subject had the baseline first, -1 the treatment, 0 where that is not known."""
    return np.array([design.sequence.get(str(name), 0) for name in changes.subjects], dtype=np.int64)


def _crossover(changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    sequence = sequence_of(changes, design)
    change = changes.change
    fit = hills_armitage(change, sequence)
    estimate, error = fit.combine([1, 0])
    t, p, low, high = t_interval(estimate, error, fit.df, settings.confidence)
    permuted = sequence_test(change, sequence, settings)
    by_labels = np.isfinite(permuted.low)
    carried = carry_over(changes.baseline, changes.treatment, sequence, settings.confidence)
    period, _ = fit.combine([0, 1])
    counts = [(np.isfinite(change) & (sequence == sign)[:, None]).sum(axis=0) for sign in (1, -1)]
    used, left_out = _taking_part(changes, [(NO_ORDER, (sequence == 0)[:, None])])
    exact = f"Hills-Armitage, {{}}, {changes.baseline_name} first {{}}, {changes.treatment_name} first {{}}"
    show = changes.on_reported_scale
    by = "by a factor of" if changes.grid.scale == "ratio" else "by"
    method, note = _texts(len(t)), _texts(len(t))
    for i in range(len(t)):
        kind = "labels permuted, exact" if permuted.exact[i] else f"{settings.random_flips} label permutations"
        method[i] = exact.format(kind if by_labels[i] else "t", counts[0][i], counts[1][i]) if fit.df[i] > 0 else ""
        if not fit.df[i]:
            note[i] = "too few subjects in one of the orders for a comparison between them"
            continue
        note[i] = "; ".join(
            (
                f"{100 * permuted.level[i]:.1f} % interval"
                if by_labels[i]
                else "too few subjects for an interval from label permutations",
                f"t({fit.df[i]}) = {t[i]:.2f}, p {p[i]:.2g}"
                + (f", {show(low)[i]:.3g} to {show(high)[i]:.3g}" if by_labels[i] else ""),
                f"period 2 to 1: {show(period)[i]:.3g}",
                f"carry-over {show(carried.estimate)[i]:.3g} ({show(carried.low)[i]:.3g} to "
                f"{show(carried.high)[i]:.3g}), which would bias the estimate {by} {show(carried.bias)[i]:.3g}",
            )
        )
    return Outcome(
        estimate=estimate,
        low=np.where(by_labels, permuted.low, low),
        high=np.where(by_labels, permuted.high, high),
        p=np.where(by_labels, permuted.p, p),
        n=fit.n,
        method=method,
        note=note,
        used=used,
        left_out=left_out,
    )


def _pre_post(grid: Grid, changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    """Post difference adjusted for the pre difference, and for the order where both orders are there."""
    before = subject_changes(grid, design.treatment + BEFORE, design.baseline + BEFORE)
    pre = np.full_like(changes.change, np.nan)
    _, mine, theirs = np.intersect1d(changes.subjects, before.subjects, return_indices=True)
    pre[mine] = before.change[theirs]
    sequence = sequence_of(changes, design)
    with_order = min((sequence == 1).sum(), (sequence == -1).sum()) > 1
    columns: list[npt.ArrayLike] = [np.ones(len(sequence)), pre]
    if with_order:
        columns.append(np.where(sequence == 0, np.nan, sequence.astype(float)))
    fit = least_squares(changes.change, columns)
    name = "ANCOVA of the post on the pre difference" + (" and the order" if with_order else "")
    slope = fit.beta[:, 1]
    reasons = [("without both nights before the infusions", np.isnan(pre))]
    if with_order:
        reasons.append((NO_ORDER, (sequence == 0)[:, None]))
    weights = [1, *[0] * (len(columns) - 1)]
    who = _taking_part(changes, reasons)
    return _by_t(fit, weights, name, settings, lambda i: f"slope on pre {slope[i]:.2f}", who)


def _mixed(grid: Grid, changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    """Mixed model over the nights of the two conditions, those of subjects with only one of them included.

    Only the nights of the contrast: with a third condition in the model all contrasts would share one residual
    variance, which is wrong as soon as subjects respond differently to one of the treatments.
    """
    parts: list[tuple[NightMeans, str, float]] = [
        (mean_over_nights(grid, design.baseline), design.baseline, 0.0),
        (mean_over_nights(grid, design.treatment), design.treatment, 1.0),
    ]
    subjects = np.concatenate([part.subjects for part, _, _ in parts])
    y = np.concatenate([part.mean for part, _, _ in parts])
    treated = np.concatenate([np.full(len(part.subjects), value) for part, _, value in parts])
    names = np.concatenate([np.full(len(part.subjects), name, dtype=object) for part, name, _ in parts])
    period = np.array([design.periods.get((str(s), str(c)), np.nan) for s, c in zip(subjects, names, strict=True)])
    columns: list[npt.ArrayLike] = [np.ones(len(y)), treated]
    with_period = len(set(design.sequence.values())) > 1 and np.isfinite(period).any()
    measured = np.isfinite(y)
    if with_period:
        y = np.where(np.isfinite(period)[:, None], y, np.nan)
        columns += [(period == value).astype(float) for value in np.unique(period[np.isfinite(period)])[1:]]
    code = np.unique(subjects.astype(str), return_inverse=True)[1]
    fit = random_intercept(y, code, columns)
    known = np.isfinite(y)
    sides = [_of_subjects(code, known & (treated == side)[:, None]) for side in (0, 1)]
    both, n = (sides[0] & sides[1]).sum(axis=0), (sides[0] | sides[1]).sum(axis=0)
    fit = Fit(beta=fit.beta, covariance=fit.covariance, df=fit.df, n=n)
    name = "mixed model, condition" + (" + period" if with_period else "") + " + (1 | subject)"
    weights = [0, 1, *[0] * (len(columns) - 2)]
    zero, present = (
        _of_subjects(code, np.concatenate([getattr(part, what) for part, _, _ in parts]))
        for what in ("nonpositive", "present")
    )
    copied = _of_subjects(code, np.concatenate([part.copied for part, _, _ in parts])[:, None])
    left_out = share_out(
        ~(sides[0] | sides[1]),
        [
            (NO_ORDER, _of_subjects(code, measured)),
            ("with the same recording twice", copied),
            ("with a zero or negative value", zero),
            ("not measured", present),
            ("without this channel or window", np.ones_like(present)),
        ],
    )
    who = (np.isfinite(changes.change), left_out)
    return _by_t(fit, weights, name, settings, lambda i: f"{both[i]} of {n[i]} subjects with both conditions", who)


def _of_subjects(code: Ints, nights: Bools) -> Bools:
    """Whether any of a subject's nights is marked, subjects x markers."""
    found = np.zeros((code.max() + 1, nights.shape[1]), dtype=bool)
    np.logical_or.at(found, code, nights)
    return found


def _taking_part(
    changes: Changes, reasons: Sequence[tuple[str, Bools]], among: Collection[str] | None = None
) -> tuple[Bools, LeftOut]:
    """Changes that a design uses, and why it does not use the others."""
    used = np.isfinite(changes.change)
    for _, holds in reasons:
        used = used & ~holds
    return used, count_left_out(changes, used, reasons, among=among)


def _outside(changes: Sequence[Changes], members: Mapping[str, str], what: str) -> LeftOut:
    """Subjects who belong to no arm or group at all."""
    names = {str(name) for side in changes for name in side.subjects} - set(members)
    return {f"without {what}": np.full(changes[0].change.shape[1], len(names))} if names else {}


def _together(*counts: LeftOut) -> LeftOut:
    """Numbers of both sides."""
    return {
        text: np.sum([found[text] for found in counts if text in found], axis=0)
        for text in dict.fromkeys(chain(*counts))
    }


def _arms(grid: Grid, changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    """ANCOVA: the treatment night on the arm and the subject's own baseline, the two arms of the contrast alone.

    The arms may vary differently (`unequal_variances`), since one of them responds to a drug.
    """
    sides = [
        changes,
        changes if design.other == design.treatment else subject_changes(grid, design.other, design.baseline),
    ]
    rows = [
        np.array([design.members.get(str(name), "") == arm for name in side.subjects], dtype=bool)
        for side, arm in zip(sides, design.sides, strict=True)
    ]
    after = np.concatenate([side.treatment[some] for side, some in zip(sides, rows, strict=True)])
    before = np.concatenate([side.baseline[some] for side, some in zip(sides, rows, strict=True)])
    first = np.concatenate([np.full(int(some.sum()), side) for some, side in zip(rows, (0.5, -0.5), strict=True)])
    known = np.isfinite(after) & np.isfinite(before)
    centre = np.where(known, before, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    columns: list[npt.ArrayLike] = [np.ones(len(after)), first, before - centre]
    estimate, error, df, fit = unequal_variances(after, columns, [0, 1, 0])
    counts = [(known & (first == side)[:, None]).sum(axis=0) for side in (0.5, -0.5)]
    enough = (np.minimum(*counts) >= FEWEST_TESTED) & (fit.df > 0)
    slope = fit.beta[:, 2]
    t, p, low, high = t_interval(estimate, error, df, settings.confidence)
    method, note = _texts(len(t)), _texts(len(t))
    for i in range(len(t)):
        sizes = f"{design.sides[0]} {counts[0][i]} subjects, {design.sides[1]} {counts[1][i]}"
        said = f"t({df[i]:.1f}) = {t[i]:.2f}; {sizes}; slope on baseline {slope[i]:.2f}"
        note[i] = said if enough[i] else f"{sizes}: too few in an arm for a test"
        method[i] = "ANCOVA between arms, adjusted for baseline" if enough[i] else ""
    hide = np.where(enough, 1.0, np.nan)
    own = [{name for name, arm in design.members.items() if arm == side} for side in design.sides]
    counts_out = [_taking_part(side, [], among)[1] for side, among in zip(sides, own, strict=True)]
    return Outcome(
        estimate=estimate * hide,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=fit.n,
        method=method,
        note=note,
        used=np.isfinite(changes.change),
        left_out=_together(*counts_out, _outside(sides, design.members, "an arm")),
    )


def _groups(changes: Changes, design: ContrastDesign, settings: ComparisonSettings) -> Outcome:
    """Whether the change differs between two groups: Welch, of sequence-adjusted changes in a crossover."""
    member = np.array([design.members.get(str(name), "") for name in changes.subjects], dtype=object)
    sequence = sequence_of(changes, design)
    estimates, variances, freedoms, counts = [], [], [], []
    crossed = bool(design.sequence) and all(
        min((sequence[member == side] == sign).sum() for sign in (1, -1)) > 1 for side in design.sides
    )
    for side in design.sides:
        own = changes.change[member == side]
        columns: list[npt.ArrayLike] = [np.ones(len(own))]
        if crossed:
            order = sequence[member == side].astype(float)
            columns.append(np.where(order == 0, np.nan, order))
        fit = least_squares(own, columns)
        estimate, error = fit.combine([1, *[0] * (len(columns) - 1)])
        estimates.append(estimate)
        variances.append(error**2)
        freedoms.append(np.maximum(fit.df, 1))
        counts.append(fit.n)
    total = variances[0] + variances[1]
    welch = total**2 / np.maximum(variances[0] ** 2 / freedoms[0] + variances[1] ** 2 / freedoms[1], 1e-300)
    estimate = estimates[0] - estimates[1]
    enough = np.minimum(*counts) >= FEWEST_TESTED
    t, p, low, high = t_interval(estimate, np.sqrt(total), np.where(enough, welch, 1), settings.confidence)
    show = changes.on_reported_scale
    method, note = _texts(len(t)), _texts(len(t))
    for i in range(len(t)):
        each = ", ".join(
            f"{side} {show(estimates[k])[i]:.3g} (n {counts[k][i]})" for k, side in enumerate(design.sides)
        )
        note[i] = each + (
            f"; t({welch[i]:.1f}) = {t[i]:.2f}" if enough[i] else "; too few subjects in a group: no test"
        )
        method[i] = ("group x treatment, Welch" + (", order adjusted" if crossed else "")) if enough[i] else ""
    hide = np.where(enough, 1.0, np.nan)
    own = {name for name, side in design.members.items() if side in design.sides}
    used, left_out = _taking_part(changes, [(NO_ORDER, (sequence == 0)[:, None] & crossed)], own)
    return Outcome(
        estimate=estimate,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=counts[0] + counts[1],
        method=method,
        note=note,
        used=used,
        left_out=_together(left_out, _outside([changes], design.members, "a group")),
    )


def _by_t(
    fit: Fit,
    weights: Sequence[float],
    name: str,
    settings: ComparisonSettings,
    about: Callable[[int], str],
    who: tuple[Bools, LeftOut],
) -> Outcome:
    """Outcome of a fit by t; `who` are the changes that it rests on, and the subjects left out."""
    estimate, error = fit.combine(weights)
    t, p, low, high = t_interval(estimate, error, fit.df, settings.confidence)
    usable = fit.df > 0
    method, note = _texts(len(t)), _texts(len(t))
    for i in range(len(t)):
        why = f"t({fit.df[i]}) = {t[i]:.2f}" if usable[i] else "too few subjects for this design"
        method[i], note[i] = (name if usable[i] else ""), f"{why}; {about(i)}"
    hide = np.where(usable, 1.0, np.nan)
    return Outcome(
        estimate=estimate * hide,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=fit.n,
        method=method,
        note=note,
        used=who[0],
        left_out=who[1],
    )


def _texts(length: int) -> Texts:
    return np.full(length, "", dtype=object)
