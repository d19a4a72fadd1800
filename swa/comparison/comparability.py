"""Whether nights can be compared at all: the gain check, headers, analysed minutes and clock times.

An electrode, amplifier or calibration change multiplies every band in every stage; a drug that acts on slow waves does
not. So each channel has three controls, bands and stages far from slow waves, and their mean ln-ratio G says how much
of a difference between nights could be one of gain. Nothing is ever corrected: drugs move these controls too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from swa.comparison.compared_nights import COPIED, SAME_RECORDING, usable_nights
from swa.glossary import name_of
from swa.measures.power import band_weights
from swa.settings import ComparabilitySettings, Settings
from swa.study.store import NightFolder, content_of
from swa.tables.night_document import N3_MINUTES, QUIET_WAKE
from swa.tables.results_tables import COMPARABILITY

GAIN_CONTROLS = ("rem", "quiet_wake", "nrem_fast")
HEADER_FACTS = ("transducer", "prefilter", "physical_range", "rate", "derivation")
EPOCH_MIN = 0.5  # stored spectra count epochs; those of 20 s, which some labs score, count as half a minute too
CARRIED_SHARE = 0.4  # a recording holds frequencies up to this share of its rate
ALL = "all"  # the channel of rows that are about the whole night
# The one-channel rule stands beside the gain rule: with 0.3 of its false alarms the two together stay below 7 % of
# pairs without any change, and × 1.2 in one of six channels is found in nine of ten (`benchmarks/gain_check.py`).
ONE_CHANNEL_SHARE = 0.3
GROUP = "group"
GROUP_LEVEL = 0.99  # of the t limits of the mean over subjects: stricter than a subject's, drugs move the controls too

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NightFacts:
    """What one night is held against others by.

    Attributes
    ----------
    subject, session, condition : str
        Whose night it is.
    controls : dict of str to ndarray, shape (3,)
        Per channel the ln power (µV²) of `GAIN_CONTROLS`; NaN where it cannot be measured.
    header : dict
        Per channel the facts of its header.
    nrem_min : dict of str to float
        Per channel the analysed minutes of N2+N3.
    rejected : dict of str to tuple
        Per channel the shares of NREM and of slow waves that artefact rules remove, and the rule that removes most.
    clipped : dict of str to float
        Per channel the share of slow waves, or of NREM, that is clipped.
    below_band : dict of str to float
        Per channel the power of N2+N3 at 0.2-0.5 Hz over slow-wave activity.
    shifts : dict of (channel, measure) to tuple
        Largest and smallest change of a marker (ln) when the stager sees a smaller or larger EEG; of ``all`` and
        ``n3_min`` the change in min. Empty for nights that brought their scorings.
    content : tuple of str
        Digests of the recording and of its spectra: nights that share one are the same night.
    copied : bool
        Whether the night is left out of the means for that reason (`swa.comparison.compared_nights.copied_nights`).
    start_h, onset_h : float
        Time of day of the first sample and of sleep onset, in h after noon; NaN where unknown.
    place : float
        Place in the subject's sequence of nights; NaN where unknown.
    """

    subject: str
    session: str
    condition: str
    controls: Mapping[str, Floats]
    header: Mapping[str, Mapping[str, Any]]
    nrem_min: Mapping[str, float]
    rejected: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    clipped: Mapping[str, float] = field(default_factory=dict)
    below_band: Mapping[str, float] = field(default_factory=dict)
    shifts: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    content: tuple[str, ...] = ()
    copied: bool = False
    start_h: float = np.nan
    onset_h: float = np.nan
    place: float = np.nan


@dataclass(frozen=True, kw_only=True)
class Spread:
    """SD (ln) between nights of a subject, of one night: of G, and of a channel's G from that of the others.

    `df` is infinite for stated values.
    """

    gain: float
    channel: float
    df: float
    source: str


def check_comparability(
    results: Path, nights: pd.DataFrame, contrasts: pd.DataFrame, settings: Settings
) -> pd.DataFrame:
    """Hold the nights of each subject and contrast against each other.

    Parameters
    ----------
    results : Path
        The results folder with its stored nights.
    nights : DataFrame
        The table of nights, with labels.
    contrasts : DataFrame
        Its columns subject and contrast say what is compared.
    settings : Settings
        Bands, spreads and limits in `comparability`; level of the limits in `comparison`.

    Returns
    -------
    DataFrame
        The columns of ``comparability.tsv``.

    Notes
    -----
    With several nights in a condition the mean over nights of ln power is taken, as the contrasts do, and the limit is
    that of the difference of two such means: q · SD · sqrt(1/m + 1/k).
    """
    pairs = contrasts.loc[contrasts["subject"] != "group", ["subject", "contrast"]].drop_duplicates()
    if pairs.empty:
        return COMPARABILITY.empty()
    used = usable_nights(nights)
    used = used[used["subject"].isin(pairs["subject"])]
    facts = [read_facts(results, row, settings.comparability) for row in used.to_dict("records")]
    known = [fact for fact in facts if fact is not None]
    return compare_facts(known, list(pairs.itertuples(index=False, name=None)), settings, first_places(nights))


def compare_facts(
    facts: Sequence[NightFacts],
    pairs: Sequence[tuple[str, str]],
    settings: Settings,
    first: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Rows of ``comparability.tsv`` from the facts of nights; see `check_comparability`.

    Parameters
    ----------
    facts : sequence of NightFacts
        All nights.
    pairs : sequence of (subject, contrast)
        What is compared, the contrast as TREATMENT:BASELINE.
    settings : Settings
        All settings.
    first : dict of str to float, optional
        Place of each subject's first night.
    """
    by_night: dict[tuple[str, str], list[NightFacts]] = {}
    for fact in facts:
        by_night.setdefault((fact.subject, fact.condition), []).append(fact)
    spreads: dict[str, Spread] = {}
    together: dict[str, list[float]] = {}
    rows: list[tuple[object, ...]] = []
    for subject, contrast in pairs:
        treatment, _, baseline = contrast.partition(":")
        treated, before = by_night.get((subject, treatment), []), by_night.get((subject, baseline), [])
        if not treated or not before:
            continue
        if baseline not in spreads:
            own = [fact for fact in facts if not fact.copied]
            spreads[baseline] = own_spread(own, baseline, settings.comparability)
        left = [[night for night in side if not night.copied] for side in (treated, before)]
        if all(left):  # what the contrast rests on; without such nights there is none, and the copies say why
            treated, before = left
        key = (subject, contrast)
        rows += [(*key, *row) for row in _copy_rows(treated, before)]
        rows += [(*key, *row) for row in _gain_rows(treated, before, spreads[baseline], settings)]
        rows += [(*key, *row) for row in _header_rows(treated, before)]
        rows += [(*key, *row) for row in _rejection_rows(treated, before, settings.comparability)]
        rows += [(*key, *row) for row in _clipping_rows(treated, before, settings.comparability)]
        rows += [(*key, *row) for row in _below_band_rows(treated, before, settings.comparability)]
        rows += [(*key, *row) for row in _staging_rows(treated, before, settings.comparability)]
        rows += [(*key, *row) for row in _time_rows(treated, before, settings.comparability)]
        rows.append(
            (*key, *_first_night_row(treated, before, (first or {}).get(subject, np.nan), settings.comparability))
        )
        shift = _shared_gain(treated, before) if all(left) else np.nan  # a recording and its copy: 0 of no night
        if np.isfinite(shift):
            together.setdefault(contrast, []).append(shift)
    rows += [(GROUP, contrast, *_group_gain_row(shifts)) for contrast, shifts in together.items() if len(shifts) > 2]
    table = COMPARABILITY.frame(rows)
    table["flagged"] = table["flagged"].map({True: "true", False: "false"})
    numbers = ["ln_ratio", "g", "limit"]
    table[numbers] = table[numbers].astype(float).round(4)
    return table


def own_spread(facts: Sequence[NightFacts], condition: str, settings: ComparabilitySettings) -> Spread:
    """Spread between repeated nights of one condition where a study has enough of them, else the stated one."""
    stated = Spread(gain=settings.control_cv, channel=settings.channel_cv, df=np.inf, source="stated SD")
    by_subject: dict[str, list[NightFacts]] = {}
    for fact in facts:
        if fact.condition == condition:
            by_subject.setdefault(fact.subject, []).append(fact)
    repeated = [nights for nights in by_subject.values() if len(nights) > 1]
    df = sum(len(nights) - 1 for nights in repeated)
    if df < settings.control_pairs_df:
        return stated
    gain: list[float] = []
    channel: list[float] = []
    for nights in repeated:
        shared = sorted(set.intersection(*(set(night.controls) for night in nights)))
        values = np.array([[_mean(night.controls[name]) for name in shared] for night in nights])
        if not np.isfinite(values).all() or not shared:
            continue
        # Channels share amplifier and night: their variances are averaged, their number adds no degree of freedom.
        gain.append(float(values.var(axis=0, ddof=1).mean()))
        if len(shared) >= settings.channels_minimum:
            channel.append(float(_from_others(values).var(axis=0, ddof=1).mean()))
    if len(gain) < len(repeated) or min(gain) <= 0:
        return stated
    weights = [len(nights) - 1 for nights in repeated]
    return Spread(
        gain=float(np.sqrt(np.average(gain, weights=weights))),
        channel=float(np.sqrt(np.average(channel, weights=weights)))
        if len(channel) == len(repeated)
        else settings.channel_cv,
        df=df,
        source=f"baseline pairs of this study, {df} df",
    )


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _from_others(values: Floats) -> Floats:
    """Each channel's value less the median of the other channels, (nights, channels)."""
    n = values.shape[1]
    others = [np.nanmedian(np.delete(values, i, axis=1), axis=1) for i in range(n)]
    return np.asarray(values - np.array(others).T)


def _gain_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], spread: Spread, settings: Settings
) -> Iterator[tuple[object, ...]]:
    """Three controls per channel with the channel's G, and the channel held against the others."""
    limits = settings.comparability
    shared = [name for name in treated[0].controls if all(name in night.controls for night in (*treated, *before))]
    change = {name: _over_nights(treated, name) - _over_nights(before, name) for name in shared}
    gains = {name: _mean(values) for name, values in change.items()}
    nights = np.sqrt(1 / len(treated) + 1 / len(before))
    level = settings.comparison.confidence
    bands = dict(zip(GAIN_CONTROLS, (limits.rem_hz, limits.wake_hz, limits.nrem_hz), strict=True))
    known = [name for name in shared if np.isfinite(gains[name])]
    several = len(known) >= limits.channels_minimum
    # Of several channels the median speaks for all, so that looking at each does not multiply false alarms; a single
    # one that departs is found by its own control.
    together = float(np.median([gains[name] for name in known])) if several else np.nan
    for name in shared:
        g, n = gains[name], int(np.isfinite(change[name]).sum())
        limit = _quantile(level, spread.df) * spread.gain * _fewer_controls(n, limits) * nights if n else np.nan
        flagged = bool(n and abs(g) > limit and (not several or abs(together) > limit))
        for control, value in zip(GAIN_CONTROLS, change[name], strict=True):
            text = _gain_text(g, limit, flagged, n, spread.source)
            if not np.isfinite(value):
                text = f"this control is not there in every night; {text}"
            low, high = bands[control]
            yield (name, control, value, g, limit, flagged, f"{low:g}-{high:g} Hz; {text}")
    if not several:
        return
    apart = _from_others(np.array([[gains[name] for name in known]]))[0]
    # As many looks as there are channels: the level is shared among them (Bonferroni).
    limit = _quantile(1 - ONE_CHANNEL_SHARE * (1 - level) / len(known), spread.df) * spread.channel * nights
    for name, value in zip(known, apart.tolist(), strict=True):
        flagged = bool(abs(value) > limit)
        text = f"G less the median of the other {len(known) - 1} channels"
        text += f": amplitude × {np.exp(value / 2):.2f}" if flagged else _not_excluded(limit)
        yield (name, "one_channel", value, gains[name], limit, flagged, text)


def _shared_gain(treated: Sequence[NightFacts], before: Sequence[NightFacts]) -> float:
    """G of a subject: the median over the channels that every night has."""
    shared = [name for name in treated[0].controls if all(name in night.controls for night in (*treated, *before))]
    gains = [_mean(_over_nights(treated, name) - _over_nights(before, name)) for name in shared]
    known = [gain for gain in gains if np.isfinite(gain)]
    return float(np.median(known)) if known else np.nan


def _group_gain_row(shifts: Sequence[float]) -> tuple[object, ...]:
    """Mean G over subjects: a gain too small for any single pair of nights shows where all of them have it."""
    n, mean = len(shifts), float(np.mean(shifts))
    limit = float(stats.t.ppf((1 + GROUP_LEVEL) / 2, n - 1) * np.std(shifts, ddof=1) / np.sqrt(n))
    flagged = bool(abs(mean) > limit)
    text = f"mean of {n} subjects, {sum(shift > 0 for shift in shifts)} of them above 0"
    if flagged:
        text = (
            f"the gain check of all subjects together: power in the control bands × {np.exp(mean):.2f} ({text}), as an "
            f"amplitude × {np.exp(mean / 2):.2f} in all would do, or a drug that moves these bands"
        )
    return (ALL, "gain", mean, mean, limit, flagged, text)


def _over_nights(nights: Sequence[NightFacts], channel: str) -> Floats:
    """Mean ln power of each control over nights; NaN where one of the nights lacks it."""
    return np.asarray(np.mean([night.controls[channel] for night in nights], axis=0))


def _fewer_controls(n: int, settings: ComparabilitySettings) -> float:
    """SD of the mean of n correlated controls over that of three."""
    r = settings.control_correlation
    return float(np.sqrt((1 + (n - 1) * r) / n / ((1 + 2 * r) / 3)))


def _quantile(level: float, df: float) -> float:
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) if np.isinf(df) else stats.t.ppf(tail, df))


def _gain_text(g: float, limit: float, flagged: bool, n: int, source: str) -> str:
    if not n:
        return "no control: a gain change is not excluded at all"
    basis = f"{n} of 3 controls; {source}"
    if flagged:
        return f"as an amplitude × {np.exp(g / 2):.2f} would do, or a drug that moves these bands; {basis}"
    return f"{_not_excluded(limit).removeprefix('; ')}; {basis}"


def _not_excluded(limit: float) -> str:
    return f"; a gain change below × {np.exp(limit / 2):.2f} (power × {np.exp(limit):.2f}) is not excluded"


def _copy_rows(treated: Sequence[NightFacts], before: Sequence[NightFacts]) -> Iterator[tuple[object, ...]]:
    """Nights of a comparison that hold the same signals: they differ by nothing, whatever the drug did."""
    for earlier, later in combinations((*before, *treated), 2):
        if set(earlier.content) & set(later.content):
            text = f"{earlier.session} and {later.session} hold the same signals: one recording under two names"
            yield (ALL, SAME_RECORDING, np.nan, np.nan, np.nan, True, text)


def _header_rows(treated: Sequence[NightFacts], before: Sequence[NightFacts]) -> Iterator[tuple[object, ...]]:
    """One row for each fact that is the same in all nights; a row per channel where it differs."""
    nights = [*before, *treated]
    shared = [name for name in treated[0].header if all(name in night.header for night in nights)]
    for fact in HEADER_FACTS:
        key = {"physical_range": "physical_range_uv", "rate": "rate_hz"}.get(fact, fact)
        differs = {
            name: [night.header[name].get(key) for night in nights]
            for name in shared
            if len({str(night.header[name].get(key)) for night in nights}) > 1
        }
        if not shared:
            yield (ALL, fact, np.nan, np.nan, np.nan, False, "the recordings do not say it")
        elif not differs:
            said = next((night.header[shared[0]].get(key) for night in nights), None)
            empty = said in ("", None)
            yield (ALL, fact, np.nan, np.nan, np.nan, False, "not stated" if empty else "the same in all nights")
        for name, values in differs.items():
            text = "; ".join(f"{night.session}: {_said(value)}" for night, value in zip(nights, values, strict=True))
            yield (name, fact, np.nan, np.nan, np.nan, True, text)


def _said(value: object) -> str:
    if value in ("", None):
        return "not stated"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rejection_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], settings: ComparabilitySettings
) -> Iterator[tuple[object, ...]]:
    """Artefact rules that remove more in one condition than in the other."""
    shared = [name for name in treated[0].rejected if all(name in night.rejected for night in (*treated, *before))]
    for name in shared:
        after, earlier = (
            np.mean([night.rejected[name][:2] for night in part], axis=0).tolist() for part in (treated, before)
        )
        nrem, waves = after[0] - earlier[0], after[1] - earlier[1]
        flagged = abs(nrem) > settings.rejection_share or abs(waves) > settings.rejection_waves
        rules = dict.fromkeys(night.rejected[name][2] for night in (*treated, *before) if night.rejected[name][2])
        text = (
            f"artefact rules remove {100 * after[0]:.1f} % of NREM and {100 * after[1]:.1f} % of the slow waves, "
            f"{100 * earlier[0]:.1f} % and {100 * earlier[1]:.1f} % at baseline"
            + (f"; most by {', '.join(rules)}" if rules else "")
        )
        yield (name, "rejection", np.nan, np.nan, settings.rejection_share, flagged, text)


def _clipping_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], settings: ComparabilitySettings
) -> Iterator[tuple[object, ...]]:
    """Clipped slow waves: what is left out is the largest waves, so that what is left is no fair sample."""
    nights = (*before, *treated)
    for name in [name for name in treated[0].clipped if all(name in night.clipped for night in nights)]:
        shares = {night.session: night.clipped[name] for night in nights}
        limit = settings.clipped_waves_share
        text = ", ".join(f"{100 * share:.1f} % in {session}" for session, share in shares.items())
        text = f"slow waves clipped: {text} (limit {100 * limit:.0f} %); the largest are missing"
        yield (name, "clipping", np.nan, np.nan, limit, max(shares.values()) > limit, text)


def _below_band_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], settings: ComparabilitySettings
) -> Iterator[tuple[object, ...]]:
    """Sweat and drift just below the slow waves' band, of which most leaks into it."""
    nights = (*before, *treated)
    for name in [name for name in treated[0].below_band if all(name in night.below_band for night in nights)]:
        after, earlier = (float(np.mean([night.below_band[name] for night in part])) for part in (treated, before))
        text = (
            f"power at 0.2-0.5 Hz (sweat, drift) is {after:.2f} of slow-wave activity, {earlier:.2f} at baseline; "
            "most of the difference leaks into slow-wave activity"
        )
        limit = settings.below_band_share
        yield (name, "below_band", after - earlier, np.nan, limit, abs(after - earlier) > limit, text)


def _staging_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], settings: ComparabilitySettings
) -> Iterator[tuple[object, ...]]:
    """How far a contrast moves when the stager sees the EEG of one condition alone 20 % larger or smaller.

    That is what a drug on slow waves does to a stager whose features depend on amplitude.
    """
    limit = float(np.log1p(settings.staging_shift))
    nights = (*treated, *before)
    for channel, measure in treated[0].shifts:
        if any((channel, measure) not in night.shifts for night in nights):
            continue
        changes = [np.mean([night.shifts[channel, measure] for night in part], axis=0) for part in (treated, before)]
        moved = np.concatenate([changes[0], -changes[1]])
        largest = float(moved[np.argmax(np.abs(moved))])
        if measure == N3_MINUTES:
            text = f"N3 moves by up to {largest:+.0f} min with the stager alone: not to be read as an effect"
            yield (ALL, "staging_n3", np.nan, np.nan, np.nan, False, text)
            continue
        name = measure.removeprefix("wave_")
        most = f"{100 * np.expm1(largest):+.1f} %"
        text = f"{name_of(measure)} of N2+N3 moves by up to {most} with the stager alone (EEG ± 20 %)"
        yield (channel, f"staging_{name}", largest, np.nan, limit, abs(largest) > limit, text)


def _time_rows(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], settings: ComparabilitySettings
) -> Iterator[tuple[object, ...]]:
    shared = [name for name in treated[0].nrem_min if all(name in night.nrem_min for night in (*treated, *before))]
    limit = float(np.log(settings.minutes_ratio))
    for name in shared:
        after, earlier = (float(np.mean([night.nrem_min[name] for night in part])) for part in (treated, before))
        ratio = float(np.log(after / earlier)) if after > 0 and earlier > 0 else np.nan
        text = f"{after:.0f} min of NREM analysed, {earlier:.0f} at baseline"
        yield (name, "analysed_minutes", ratio, np.nan, limit, not abs(ratio) <= limit, text)
    for control, name in (("recording_start", "start_h"), ("sleep_onset", "onset_h")):
        hours = [[getattr(night, name) for night in part] for part in (treated, before)]
        after, earlier = (float(np.mean(part)) for part in hours)
        shift = after - earlier
        if np.isnan(shift):
            yield (ALL, control, np.nan, np.nan, np.nan, False, "the time of day is not known in every night")
            continue
        text = f"{_clock(after)}, {_clock(earlier)} at baseline ({shift:+.1f} h; limit {settings.clock_h:g} h)"
        yield (ALL, control, np.nan, np.nan, np.nan, abs(shift) > settings.clock_h, text)


def _first_night_row(
    treated: Sequence[NightFacts], before: Sequence[NightFacts], first: float, settings: ComparabilitySettings
) -> tuple[object, ...]:
    """Said in any case; flagged only where the settings count it, for most studies have no adaptation night."""
    places = [night.place for night in (*treated, *before)]
    nothing = (ALL, "first_night", np.nan, np.nan, np.nan)
    if np.isnan(first) or any(np.isnan(place) for place in places):
        return (*nothing, False, "the order of the nights is not known")
    found = [night.session for night in (*before, *treated) if night.place == first]
    if found:
        counts = "first_night" in (*settings.caution, *settings.not_comparable)
        return (*nothing, counts, f"{found[0]} is the subject's first night: adaptation lowers deep sleep")
    return (*nothing, False, "no night of this comparison is the subject's first")


def first_places(nights: pd.DataFrame) -> dict[str, float]:
    """Place of each subject's first night, adaptation nights among them."""
    return {str(subject): float(place) for subject, place in _places(nights).groupby(nights["subject"]).min().items()}


def _places(nights: pd.DataFrame) -> pd.Series:
    place = pd.Series(np.nan, index=nights.index)
    for name in ("order", "period"):
        if name in nights:
            place = place.fillna(pd.to_numeric(nights[name], errors="coerce").astype(float))
    return place


def read_facts(results: Path, night: Mapping[Any, Any], settings: ComparabilitySettings) -> NightFacts | None:
    """Facts of one stored night; None when it is not finished.

    Parameters
    ----------
    results : Path
        The results folder.
    night : mapping
        A row of the table of nights.
    settings : ComparabilitySettings
        Control bands.
    """
    folder = NightFolder(results, str(night["subject_label"]), str(night["session_label"]))
    stored = folder.document()
    if stored is None:
        return None
    summary = stored["summary"]
    header = summary.get("header", {})
    minutes = pd.DataFrame(stored["analysed_minutes"])
    nrem = minutes[minutes["stage"].isin(["N2", "N3"])].groupby("channel", sort=False)["minutes"].sum()
    start = pd.to_datetime(summary["recording_start"]) if summary["recording_start"] else None
    start_h = np.nan if start is None else (start.hour + start.minute / 60 - 12) % 24
    onset_min = summary["sleep_onset_min"]
    spectra = folder.read("spectra")
    return NightFacts(
        subject=str(night["subject"]),
        session=str(night["session"]),
        condition=str(night["condition"]),
        controls=control_powers(spectra, settings, {c: f["rate_hz"] for c, f in header.items()}),
        header=header,
        rejected=_rejected(folder.read("rejection")),
        clipped=summary.get("clipped_waves_share", {}),
        content=content_of(stored, spectra),
        copied=bool(night.get(COPIED, False)),
        below_band={c: share for c, share in summary.get("below_band_share", {}).items() if share is not None},
        shifts=_shifts(folder.read("staging_bias")),
        nrem_min={str(channel): float(value) for channel, value in nrem.items()},
        start_h=start_h,
        onset_h=np.nan if onset_min is None else start_h + onset_min / 60,
        place=float(_places(pd.DataFrame([dict(night)])).iloc[0]),
    )


def _shifts(bias: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    night = bias[(bias["window"] == "night") & (bias["gain"] != 1)] if len(bias) else bias
    found = {}
    for key, rows in night.groupby(["channel", "measure"], sort=False):
        change = rows["change"].to_numpy(dtype=float)
        if np.isfinite(change).all():
            channel, measure = (str(name) for name in key)
            found[channel, measure] = (float(change.min()), float(change.max()))
    return found


def _rejected(table: pd.DataFrame) -> dict[str, tuple[float, float, str]]:
    found = {}
    for channel, rows in table[~table["rule"].str.startswith("limits")].groupby("channel"):
        by_rule = rows.set_index("rule")
        shares = by_rule["nrem_share"].drop("any").astype(float)
        most = str(shares.idxmax()) if shares.max() > 0 else ""
        nrem, waves = rows.loc[rows["rule"] == "any", ["nrem_share", "wave_share"]].to_numpy(dtype=float)[0].tolist()
        found[str(channel)] = (nrem, float(np.nan_to_num(waves)), most)
    return found


def control_powers(
    spectra: pd.DataFrame, settings: ComparabilitySettings, rates_hz: Mapping[str, float] | None = None
) -> dict[str, Floats]:
    """Power of the three controls of each channel, from the stored spectra of a night.

    Parameters
    ----------
    spectra : DataFrame
        `Night.spectra`.
    settings : ComparabilitySettings
        Bands, and the minutes that a stage must have.
    rates_hz : dict of str to float, optional
        Native rates: a band that a recording cannot hold is not measured.

    Returns
    -------
    dict of str to ndarray, shape (3,)
        ln µV² of REM, quiet wake and N2+N3.
    """
    places = {
        ("REM", "night"): (0, settings.rem_hz),
        QUIET_WAKE: (1, settings.wake_hz),
        ("NREM", "night"): (2, settings.nrem_hz),
    }
    found: dict[str, Floats] = {str(name): np.full(3, np.nan) for name in spectra["channel"].unique()}
    stages = spectra["stages"].isin(["REM", "W", "NREM"]) & spectra["window"].isin(["night", QUIET_WAKE[1]])
    for key, part in spectra[stages].groupby(["channel", "stages", "window"], observed=True):
        channel, stage, window = (str(name) for name in key)
        place = places.get((stage, window))
        if place is None or part["n_epochs"].iloc[0] * EPOCH_MIN < settings.control_min:
            continue
        column, band = place
        if (rates_hz or {}).get(channel, np.inf) * CARRIED_SHARE < band[1]:
            continue
        power = float(
            part["density_uv2_hz"].to_numpy(dtype=float) @ band_weights(part["frequency_hz"].to_numpy(), band)
        )
        found[channel][column] = np.log(power) if power > 0 else np.nan
    return found


def _clock(hours_after_noon: float) -> str:
    minutes = round((hours_after_noon + 12) * 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
