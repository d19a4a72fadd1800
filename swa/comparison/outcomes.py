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
from swa.tables import notes
from swa.tables.reason import Reason


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
    used, left_out = _taking_part(changes, [(notes.WITHOUT_ORDER(), (sequence == 0)[:, None])])
    names = {"baseline": changes.baseline_name, "treatment": changes.treatment_name}
    show = changes.on_reported_scale
    numbers = {
        name: show(values).tolist()
        for name, values in (
            ("low", low),
            ("high", high),
            ("period", period),
            ("carried", carried.estimate),
            ("carried_low", carried.low),
            ("carried_high", carried.high),
            ("bias", carried.bias),
        )
    }
    reasons: list[list[Reason]] = []
    for i in range(len(t)):
        if not fit.df[i]:
            reasons.append([notes.FEW_IN_AN_ORDER()])
            continue
        sizes = {"n_baseline_first": int(counts[0][i]), "n_treatment_first": int(counts[1][i])}
        if not by_labels[i]:
            method = notes.LABELS_T(**names, **sizes)
        elif permuted.exact[i]:
            method = notes.LABELS_EXACT(**names, **sizes)
        else:
            method = notes.LABELS_DRAWN(permutations=settings.random_flips, **names, **sizes)
        level = notes.ATTAINED_LEVEL(percent=100 * float(permuted.level[i]))
        limits = {name: numbers[name][i] for name in ("low", "high")} if by_labels[i] else {}
        carry = notes.CARRY_OVER_RATIO if changes.grid.scale == "ratio" else notes.CARRY_OVER
        reasons.append(
            [
                method,
                level if by_labels[i] else notes.FEW_FOR_LABELS(),
                notes.ORDERS_T_IS(df=int(fit.df[i]), t=float(t[i]), p=float(p[i]), **limits),
                notes.PERIOD_EFFECT(change=numbers["period"][i]),
                carry(
                    change=numbers["carried"][i],
                    low=numbers["carried_low"][i],
                    high=numbers["carried_high"][i],
                    bias=numbers["bias"][i],
                ),
            ]
        )
    return Outcome(
        estimate=estimate,
        low=np.where(by_labels, permuted.low, low),
        high=np.where(by_labels, permuted.high, high),
        p=np.where(by_labels, permuted.p, p),
        n=fit.n,
        reasons=reasons,
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
    slopes = [notes.SLOPE_ON_PRE(slope=slope) for slope in fit.beta[:, 1].tolist()]
    missing = [(notes.WITHOUT_PRE(), np.isnan(pre))]
    if with_order:
        missing.append((notes.WITHOUT_ORDER(), (sequence == 0)[:, None]))
    weights = [1, *[0] * (len(columns) - 1)]
    method = notes.ANCOVA_PRE_ORDER() if with_order else notes.ANCOVA_PRE()
    return _by_t(fit, weights, method, settings, slopes, _taking_part(changes, missing))


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
    weights = [0, 1, *[0] * (len(columns) - 2)]
    zero, present = (
        _of_subjects(code, np.concatenate([getattr(part, what) for part, _, _ in parts]))
        for what in ("nonpositive", "present")
    )
    copied = _of_subjects(code, np.concatenate([part.copied for part, _, _ in parts])[:, None])
    left_out = share_out(
        ~(sides[0] | sides[1]),
        [
            (notes.WITHOUT_ORDER(), _of_subjects(code, measured)),
            (notes.RECORDING_TWICE(), copied),
            (notes.NOT_POSITIVE(), zero),
            (notes.WITHOUT_VALUE(), present),
            (notes.WITHOUT_CHANNEL(), np.ones_like(present)),
        ],
    )
    method = notes.MIXED_MODEL_PERIOD() if with_period else notes.MIXED_MODEL()
    taking_part = [
        notes.BOTH_CONDITIONS(both=with_both, n=there)
        for with_both, there in zip(both.tolist(), n.tolist(), strict=True)
    ]
    return _by_t(fit, weights, method, settings, taking_part, (np.isfinite(changes.change), left_out))


def _of_subjects(code: Ints, nights: Bools) -> Bools:
    """Whether any of a subject's nights is marked, subjects x markers."""
    found = np.zeros((code.max() + 1, nights.shape[1]), dtype=bool)
    np.logical_or.at(found, code, nights)
    return found


def _taking_part(
    changes: Changes, reasons: Sequence[tuple[Reason, Bools]], among: Collection[str] | None = None
) -> tuple[Bools, LeftOut]:
    """Changes that a design uses, and why it does not use the others."""
    used = np.isfinite(changes.change)
    for _, holds in reasons:
        used = used & ~holds
    return used, count_left_out(changes, used, reasons, among=among)


def _outside(changes: Sequence[Changes], members: Mapping[str, str], why: Reason) -> LeftOut:
    """Subjects who belong to no arm or group at all."""
    names = {str(name) for side in changes for name in side.subjects} - set(members)
    return {why: np.full(changes[0].change.shape[1], len(names))} if names else {}


def _together(*counts: LeftOut) -> LeftOut:
    """Numbers of both sides."""
    return {
        why: np.sum([found[why] for found in counts if why in found], axis=0) for why in dict.fromkeys(chain(*counts))
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
    t, p, low, high = t_interval(estimate, error, df, settings.confidence)
    reasons: list[list[Reason]] = []
    for i in range(len(t)):
        names = {"first": design.sides[0], "second": design.sides[1]}
        sizes = {"n_first": int(counts[0][i]), "n_second": int(counts[1][i])}
        if enough[i]:
            said = [notes.ANCOVA_ARMS(), notes.WELCH_T_IS(df=float(df[i]), t=float(t[i]))]
            said += [notes.ARM_SIZES(**names, **sizes), notes.SLOPE_ON_BASELINE(slope=float(fit.beta[i, 2]))]
            reasons.append(said)
        else:
            reasons.append([notes.FEW_IN_AN_ARM(**names, **sizes)])
    hide = np.where(enough, 1.0, np.nan)
    own = [{name for name, arm in design.members.items() if arm == side} for side in design.sides]
    counts_out = [_taking_part(side, [], among)[1] for side, among in zip(sides, own, strict=True)]
    return Outcome(
        estimate=estimate * hide,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=fit.n,
        reasons=reasons,
        used=np.isfinite(changes.change),
        left_out=_together(*counts_out, _outside(sides, design.members, notes.WITHOUT_ARM())),
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
    first, second = (changes.on_reported_scale(found).tolist() for found in estimates)
    reasons: list[list[Reason]] = []
    for i in range(len(t)):
        each = notes.GROUP_CHANGES(
            first=design.sides[0],
            change_first=first[i],
            n_first=int(counts[0][i]),
            second=design.sides[1],
            change_second=second[i],
            n_second=int(counts[1][i]),
        )
        if enough[i]:
            method = notes.WELCH_ORDER() if crossed else notes.WELCH()
            reasons.append([method, each, notes.WELCH_T_IS(df=float(welch[i]), t=float(t[i]))])
        else:
            reasons.append([each, notes.FEW_IN_A_GROUP()])
    hide = np.where(enough, 1.0, np.nan)
    own = {name for name, side in design.members.items() if side in design.sides}
    used, left_out = _taking_part(changes, [(notes.WITHOUT_ORDER(), (sequence == 0)[:, None] & crossed)], own)
    return Outcome(
        estimate=estimate,
        low=low * hide,
        high=high * hide,
        p=p * hide,
        n=counts[0] + counts[1],
        reasons=reasons,
        used=used,
        left_out=_together(left_out, _outside([changes], design.members, notes.WITHOUT_GROUP())),
    )


def _by_t(
    fit: Fit,
    weights: Sequence[float],
    method: Reason,
    settings: ComparisonSettings,
    about: Sequence[Reason],
    who: tuple[Bools, LeftOut],
) -> Outcome:
    """Outcome of a fit by t; `about` is said of each marker; `who` are the changes used, and the subjects left out."""
    estimate, error = fit.combine(weights)
    t, p, low, high = t_interval(estimate, error, fit.df, settings.confidence)
    usable = fit.df > 0
    reasons: list[list[Reason]] = []
    for i, further in enumerate(about):
        tested = [method, notes.T_IS(df=int(fit.df[i]), t=float(t[i]))]
        reasons.append([*(tested if usable[i] else [notes.FEW_FOR_DESIGN()]), further])
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
