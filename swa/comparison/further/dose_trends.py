"""Trends over the nights since a dose, and over infusions: one slope a subject, tested as its design tests a change.

The slope is that of a subject's changes on the night since the dose, within infusions, or on the number of the
infusion, within nights, so that nights of a subject are never independent observations. Over subjects it takes the
place of the change: where control nights are counted the same way, getting used to the laboratory has the opposite sign
in the two orders, and the crossover of those nights takes it out. By sign flips alone, first two nights 0.3 and 0.1 ln
lower were a trend of an inert drug in 12 % of studies of 9 and 3 subjects, and in 33 % of 18 and 6.

Without nights of a control condition that are counted the same way, a drift of the nights is such a trend: of an inert
drug, 8 % a night, in 37 % of studies of 8 subjects. Such a row has `no control`, or `one order` where one is in it; no
order of nights takes it out, and it is paired.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from swa.comparison.arrays import Floats
from swa.comparison.compared_nights import BEFORE, COPIED, night_places
from swa.comparison.contrasts import design_limits
from swa.comparison.designs import ContrastDesign, find_designs
from swa.comparison.designs.mixed_model import MixedModel
from swa.comparison.designs.paired import Paired
from swa.comparison.designs.pre_post import PrePostCrossover
from swa.comparison.losses import loss_of_trend
from swa.comparison.outcomes import Outcome
from swa.comparison.within_subject import Changes, measure_grid, scale_of, subject_changes
from swa.settings import ComparisonSettings
from swa.tables import notes
from swa.tables.contrast import GROUP, Contrast
from swa.tables.control_names import is_control
from swa.tables.design_limit import DesignLimit, encode_limits
from swa.tables.reason import Reason

PER_NIGHT, PER_INFUSION = "per night since the dose", "per infusion"
MARKER = ["channel", "stages", "window", "measure", "scale"]

# What an outcome says of the two nights of a change, which a slope has not.
OF_NIGHTS = (notes.PERIOD_EFFECT, notes.CARRY_OVER, notes.CARRY_OVER_RATIO)


def find_trends(
    changes: pd.DataFrame,
    nights: pd.DataFrame,
    placed: pd.DataFrame,
    design: ContrastDesign,
    limits: Collection[DesignLimit],
    settings: ComparisonSettings,
    baseline: str | None,
) -> list[pd.DataFrame]:
    """Slopes of each subject's changes, and over subjects.

    Parameters
    ----------
    changes : DataFrame
        Changes of each cell in one contrast, of each subject and over subjects.
    nights, placed : DataFrame
        Usable nights; those with a known place after an infusion, with that place (infusion, night) as `cell`.
    design, limits
        How the contrast itself is analysed, and what that leaves open.
    settings, baseline
        As for `compare_nights`.
    """
    pair = design.key
    against_all = not (placed["condition"] == pair.comparator).any()
    counted = placed[placed["condition"].isin(pair.conditions)]
    taken_out = design.tested and not against_all
    lost = loss_of_trend(pair, counted.set_index(["subject", "condition"])["cell"])
    single = changes[(changes["subject"] != GROUP) & changes["estimate"].notna()]
    parts = []
    for term, along, within in ((PER_NIGHT, "night", "infusion"), (PER_INFUSION, "infusion", "night")):
        table = _slopes(single, along, within, against_all=against_all)
        if table.empty:
            continue
        own: ContrastDesign = Paired(
            treatment=pair.treatment, baseline=pair.comparator, limits=design.limits, tested=design.tested
        )
        if taken_out:
            there = counted[counted["subject"].isin(table["subject"])]
            own = _design_of_slopes(nights.loc[there.index], there["cell"], pair, along, settings)
            limits = design_limits(nights.loc[there.index], [own], settings, baseline)[pair]
        of_group = (*limits, DesignLimit.LOSS) if lost else limits
        rows = _group_trends(table, term, own, settings, [lost] if lost else [])
        for part, left_open in ((_subject_trends(table, term), limits), (rows, of_group)):
            if against_all or not is_control(pair.comparator):
                parts.append(_with_drift(part, pair, left_open))
            else:
                parts.append(part.assign(design_limit=encode_limits(left_open)))
    return parts


def _slopes(single: pd.DataFrame, along: str, within: str, *, against_all: bool) -> pd.DataFrame:
    """Slope of each subject and marker, half of its interval, and the nights that it rests on."""
    rows = []
    if single[along].nunique() > 1:
        for key, own in single.groupby(["subject", *MARKER], sort=False):
            slope, half, spread = _slope(own, along, within, against_all=against_all)
            if spread > 0:
                rows.append([*key, own["contrast"].iloc[0], slope, half, len(own)])
    return pd.DataFrame(rows, columns=["subject", *MARKER, "contrast", "slope", "half", "n"])


def _slope(own: pd.DataFrame, along: str, within: str, *, against_all: bool) -> tuple[float, float, float]:
    """Least-squares slope, half of its interval, and the sum of squares of the places.

    The interval follows from that of a change, q * SD_w * sqrt(1/m + 1/k), whose share 1/k is the same in all nights
    where they are held against the same baseline nights, and so no error of the slope.
    """
    ratio = own["scale"].iloc[0] == "ratio"
    logs = {name: np.log(own[name]) if ratio else own[name] for name in ("estimate", "ci_low", "ci_high")}
    place = own[along] - own.groupby(within)[along].transform("mean")
    spread = float((place**2).sum())
    if spread <= 0:
        return math.nan, math.nan, 0.0
    slope = float((place * logs["estimate"]).sum() / spread)
    half = float(((logs["ci_high"] - logs["ci_low"]) / 2).mean())
    n_baseline = float(own["n"].mean()) - 1
    if against_all and n_baseline >= 1:
        half /= math.sqrt(1 + 1 / n_baseline)
    return slope, half / math.sqrt(spread), spread


@dataclass(frozen=True, kw_only=True)
class _SlopesOverPlaces(MixedModel):
    """Slopes of nights in more than two orders: what each place in the study adds to a subject's slope is taken out.

    `steps` are these shares, subjects in the order of `names`.
    """

    steps: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def period_columns(self, subjects: Collection[object]) -> Floats:
        """Weight of each place in a subject's slope; NaN where a place is not known."""
        width = max((len(own) for own in self.steps.values()), default=0)
        nothing = (math.nan,) * width
        return np.array([self.steps.get(str(name), nothing) for name in subjects], float).reshape(-1, width)


def _design_of_slopes(
    nights: pd.DataFrame, cells: pd.Series, pair: Contrast, along: str, settings: ComparisonSettings
) -> ContrastDesign:
    """How the slopes are tested: as the design of the counted nights tests changes; `cells` are (infusion, night)."""
    if settings.design == PrePostCrossover.kind:  # no night before an infusion is counted
        settings = settings.model_copy(update={"design": "auto"})
    found = find_designs(nights, [pair], settings)[0]
    if not isinstance(found, MixedModel):
        return found
    shares = _place_shares(nights, cells, pair, along)
    known = {entry.name: getattr(found, entry.name) for entry in fields(found)}
    return _SlopesOverPlaces(**known, steps=shares)


def _place_shares(nights: pd.DataFrame, cells: pd.Series, pair: Contrast, along: str) -> dict[str, tuple[float, ...]]:
    """What a difference of each place from the others would add to each subject's slope."""
    own = pd.DataFrame(cells.tolist(), columns=["infusion", "night"], index=cells.index)
    within = "night" if along == "infusion" else "infusion"
    own = own.assign(subject=nights["subject"].astype(str), condition=nights["condition"], place=night_places(nights))
    both = own.groupby(["subject", "infusion", "night"])["condition"].transform("nunique") == 2
    own = own[both]
    centred = own[along] - own.groupby(["subject", "condition", within])[along].transform("mean")
    sign = np.where(own["condition"] == pair.treatment, 1.0, -1.0)
    spread = (centred**2).groupby([own["subject"], own["condition"]]).transform("sum")
    own = own.assign(weight=sign * centred / spread)
    lacking = set(own.loc[own["place"].isna(), "subject"])
    shares = own.pivot_table(index="subject", columns="place", values="weight", aggfunc="sum", fill_value=0.0)
    return {
        str(name): tuple(row) for name, row in zip(shares.index, shares.to_numpy(), strict=True) if name not in lacking
    }


def _subject_trends(table: pd.DataFrame, term: str) -> pd.DataFrame:
    rows = table.assign(term=term, p=np.nan, method="least squares, interval between nights", note="")
    return _shown(rows, rows["slope"], rows["slope"] - rows["half"], rows["slope"] + rows["half"])


def _group_trends(
    table: pd.DataFrame, term: str, design: ContrastDesign, settings: ComparisonSettings, further: Sequence[Reason]
) -> pd.DataFrame:
    """Rows over subjects: the test of the design, with slopes in the place of changes."""
    parts = []
    for measure, own in table.groupby("measure", sort=False):
        changes = _slopes_as_changes(own, str(measure), design.key)
        outcome = design.outcome(changes, settings)
        parts.append(_rows_over_subjects(changes, outcome, (*further, *design.limits)))
    return pd.concat(parts, ignore_index=True).assign(
        subject=GROUP, contrast=table["contrast"].iloc[0], term=term, infusion=np.nan, night=np.nan
    )


def _slopes_as_changes(table: pd.DataFrame, measure: str, pair: Contrast) -> Changes:
    """Slopes of one measure as changes from none."""
    subjects = sorted(table["subject"].astype(str).unique())
    pairs = [(name, condition) for name in subjects for condition in sorted(pair.conditions)]
    nights = pd.DataFrame(pairs, columns=["subject", "condition"])
    nights = nights.assign(session=nights["condition"], **{COPIED: False, BEFORE: False})
    places = {key: place for place, key in enumerate(pairs)}
    ratio = scale_of(measure) == "ratio"
    values = {pair.treatment: np.exp(table["slope"]) if ratio else table["slope"], pair.comparator: float(ratio)}
    rows = [
        table.assign(
            night=[places[str(name), condition] for name in table["subject"]],
            value=value,
            variant="",
            unit="",
            note="",
        )
        for condition, value in values.items()
    ]
    grid = measure_grid(pd.concat(rows, ignore_index=True), nights)
    return subject_changes(grid, pair.treatment, pair.comparator)


def _rows_over_subjects(changes: Changes, outcome: Outcome, further: Sequence[Reason]) -> pd.DataFrame:
    """One row for each marker."""
    markers = changes.grid.markers[["channel", "stages", "window"]]
    rows = markers.assign(measure=changes.grid.measure, scale=changes.grid.scale, p=outcome.p, n=outcome.n)
    for name, values in (("estimate", outcome.estimate), ("ci_low", outcome.low), ("ci_high", outcome.high)):
        rows[name] = changes.on_reported_scale(values)
    said = []
    for i, reasons in enumerate(outcome.reasons):
        kept = [reason for reason in reasons if not any(kind.among([reason]) for kind in OF_NIGHTS)]
        left_out = [notes.counted(why, int(n[i])) for why, n in outcome.left_out.items() if n[i]]
        said.append(notes.row_texts([notes.ONE_SLOPE(), *kept, *left_out, *further])[:2])
    rows["method"] = [f"slopes: {method}" if method else "" for method, _ in said]
    rows["note"] = [note for _, note in said]
    return rows


def _with_drift(trends: pd.DataFrame, pair: Contrast, limits: Collection[DesignLimit]) -> pd.DataFrame:
    """Trends of which no nights of a control, counted as they are, take a drift out: what the design leaves open then.

    Where the control itself is what has the trend, or is there with nights that are not counted, it is not missing:
    the nights since a dose come in one order.
    """
    has_control = is_control(pair.treatment) or is_control(pair.comparator)
    lacking = DesignLimit.ONE_ORDER if has_control else DesignLimit.NO_CONTROL
    known = {lacking, DesignLimit.NO_CONTROL, DesignLimit.ONE_ARM} & set(limits)
    drift = (notes.TREND_OF_CONTROL if is_control(pair.treatment) else notes.TREND_WITHOUT_CONTROL)().words
    said = [f"{note}; {drift}" if note else drift for note in trends["note"]]
    return trends.assign(design_limit=encode_limits(limits if known else (lacking, *limits)), note=said)


def _shown(rows: pd.DataFrame, estimate: object, low: object, high: object) -> pd.DataFrame:
    """Slopes on the scale that is reported: ratios from one night to the next."""
    ratio = rows["measure"].map(scale_of) == "ratio"
    for name, values in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
        plain = np.asarray(values, float)
        rows[name] = np.where(ratio, np.exp(plain), plain)
    return rows.assign(infusion=np.nan, night=np.nan)
