"""The gain check: bands and stages far from slow waves, which a change of electrode or amplifier gain moves as well.

A drug that acts on slow waves does not, so the mean ln-ratio G of three such controls says how much of a difference
between nights could be one of gain. Nothing is ever corrected: drugs move these controls too.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from scipy import stats

from swa.comparison.controls.facts import GAIN_CONTROLS, ComparedNights, Floats, NightFacts, Spread, control_bands
from swa.comparison.controls.of_all import FEWEST_SUBJECTS, LEVEL, mean_change, pooled_sd
from swa.comparison.controls.registry import Finding, RowKind, control, group_control
from swa.settings import ComparabilitySettings
from swa.tables import doubts
from swa.tables.marker import REGIONS
from swa.tables.reason import Reason

# The one-channel rule stands beside the gain rule: with 0.3 of its false alarms the two, and the rule of controls that
# contradict each other, flag 4 to 8 % of pairs without any change, and × 1.2 in one of six channels is found in nine of
# ten (`benchmarks/gain_check.py`).
ONE_CHANNEL_SHARE = 0.3
# Where controls do not contradict each other 1 % of subjects are told that they do.
CONTRADICTION_SHARE = 0.2
BANDS_SAID = dict(zip(GAIN_CONTROLS, ("REM", "quiet wake", "fast NREM"), strict=True))
BETWEEN_REGIONS = "/".join(REGIONS)  # the channel of the ratio of the two


def _moved_by_gain(row: RowKind) -> bool:
    return not row.gain_free


def _moved_by_filter(row: RowKind) -> bool:
    """Controls that contradict each other speak of a filter, which moves what no gain does: spindles, exponents."""
    return not row.filter_free


def _moved_by_one_channel(row: RowKind) -> bool:
    """A ratio of two regions is free of a gain on all channels, not of one on a single channel."""
    return not row.gain_free or row.channel == BETWEEN_REGIONS


@control(
    BANDS_SAID,
    setting="gain",
    is_ratio=True,
    matters=_moved_by_gain,
)
def compare_gain(nights: ComparedNights) -> Iterator[Finding]:
    """Power that slow waves leave alone, in REM, quiet wake and fast NREM; G, its mean change, is what a gain makes."""
    limits = nights.settings.comparability
    bands = control_bands(limits)
    change = _changes(nights)
    gains = {name: _mean(values) for name, values in change.items()}
    together = _shared_gain(gains) if _are_several(gains, limits) else np.nan
    for name, g in gains.items():
        n = int(np.isfinite(change[name]).sum())
        limit = _quantile(nights) * _scatter_of_gain(nights, n) if n else np.nan
        # Of several channels the median speaks for all, so that looking at each does not multiply false alarms; a
        # single one that departs is found by its own control.
        is_flagged = bool(n and abs(g) > limit and (np.isnan(together) or abs(together) > limit))
        amplitude = float(np.exp(g / 2))
        notes: tuple[Reason, ...] = (doubts.NO_CONTROL(),)
        if n:
            reading = doubts.GAIN_OR_DRUG(amplitude=amplitude) if is_flagged else _not_excluded(limit)
            notes = (reading, doubts.CONTROLS_THERE(n=n), nights.spread.source)
        for (band, hz), value in zip(bands.items(), change[name].tolist(), strict=True):
            missing = () if np.isfinite(value) else (doubts.CONTROL_MISSING(),)
            yield Finding(
                control=band,
                channel=name,
                ln_ratio=value,
                g=g,
                limit=limit,
                notes=(doubts.BAND(low=hz[0], high=hz[1]), *missing, *notes),
                doubt=doubts.GAIN(g=g, limit=limit, amplitude=amplitude) if is_flagged else None,
                is_worst=abs(g) > 2 * np.log(limits.gain_ratio),
            )


@control({"one_channel": "one channel against the others"}, is_ratio=True, matters=_moved_by_one_channel)
def compare_one_channel(nights: ComparedNights) -> Iterator[Finding]:
    """Each channel's G less the median of the others': a gain of one electrode."""
    gains = {name: _mean(values) for name, values in _changes(nights).items()}
    if not _are_several(gains, nights.settings.comparability):
        return
    known = {name: g for name, g in gains.items() if np.isfinite(g)}
    # As many looks as there are channels: the level is shared among them (Bonferroni).
    limit = _quantile(nights, looks=len(known) / ONE_CHANNEL_SHARE) * nights.spread.channel * _pair(nights)
    for name, apart in zip(known, _from_others(np.array([list(known.values())]))[0].tolist(), strict=True):
        others = len(known) - 1
        notes: tuple[Reason, ...] = (doubts.APART(n=others), _not_excluded(limit))
        doubt = None
        if abs(apart) > limit:
            notes = (doubts.APART(n=others, amplitude=float(np.exp(apart / 2))),)
            doubt = doubts.ONE_CHANNEL(apart=apart, limit=limit)
        yield Finding(
            control="one_channel", channel=name, ln_ratio=apart, g=known[name], limit=limit, notes=notes, doubt=doubt
        )


@group_control({"gain": "gain"}, matters=_moved_by_gain)
def compare_gain_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean G over subjects: a gain too small for any single pair of nights shows where all of them have it.

    Its limit is what chance explains, by the subjects' own scatter or by that with the stated one, and at most that of
    a subject: four subjects know their scatter so badly that by it alone a mean needs twice what one subject needs.
    """
    shifts = [_shared_gain({name: _mean(values) for name, values in _changes(nights).items()}) for nights in subjects]
    if (change := mean_change(shifts)) is None:
        return
    kept = [nights for nights, shift in zip(subjects, shifts, strict=True) if np.isfinite(shift)]
    sds = [_scatter_of_gain(nights) for nights in kept]
    of_one = float(np.mean([_quantile(nights) * sd for nights, sd in zip(kept, sds, strict=True)]))
    stated = float(np.sqrt(np.mean(np.square(sds))))
    limit = min(change.chance(), change.chance_with(stated, _prior_df(kept[0])), of_one)
    found, doubt = doubts.MEAN_CHANGE(**change.counts), None
    if change.is_beyond(limit):
        power, amplitude = float(np.exp(change.mean)), float(np.exp(change.mean / 2))
        found = doubt = doubts.GAIN_OF_ALL(power=power, amplitude=amplitude, **change.counts)
    yield Finding(control="gain", ln_ratio=change.mean, g=change.mean, limit=limit, notes=(found,), doubt=doubt)


@group_control(
    {"one_channel_of_all": "one channel against the others"},
    setting="one_channel",
    is_ratio=True,
    matters=_moved_by_one_channel,
)
def compare_one_channel_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Mean over subjects of each channel's departure, of two channels too: from half of what one subject is allowed."""
    departures = [_departures(nights) for nights in subjects]
    channels = list(dict.fromkeys(name for own in departures for name in own))
    for name in channels:
        if (change := mean_change([own.get(name, np.nan) for own in departures])) is None:
            continue
        kept = [nights for nights, own in zip(subjects, departures, strict=True) if name in own]
        sds = [nights.spread.channel * _pair(nights) for nights in kept]
        looks = len(channels)
        of_one = float(
            np.mean([_quantile(nights, looks / ONE_CHANNEL_SHARE) * sd for nights, sd in zip(kept, sds, strict=True)])
        )
        chance = change.chance_with(float(np.sqrt(np.mean(np.square(sds)))), _prior_df(kept[0]), looks)
        limit = max(of_one / 2, min(chance, of_one))
        doubt = doubts.ONE_CHANNEL(apart=change.mean, limit=limit, **change.counts) if change.is_beyond(limit) else None
        notes = (doubts.APART(n=looks - 1), doubts.MEAN_CHANGE(**change.counts))
        yield Finding(
            control="one_channel_of_all", channel=name, ln_ratio=change.mean, limit=limit, notes=notes, doubt=doubt
        )


@control({"gain_controls": "controls of the gain check"}, setting="gain", is_ratio=True, matters=_moved_by_filter)
def compare_gain_controls(nights: ComparedNights) -> Iterator[Finding]:
    """The most and the least changed control: further apart than chance, their mean says nothing of a gain."""
    changes = _shared_controls(nights)
    known = [name for name, value in changes.items() if np.isfinite(value)]
    if len(known) < 2:
        return
    quantile = _range_quantile(1 - _level(nights) * CONTRADICTION_SHARE, len(known), nights.spread.df)
    limit = quantile * _scatter_of_controls(nights)
    yield _apart("gain_controls", {name: changes[name] for name in known}, limit)


@group_control(
    {"gain_controls_of_all": "controls of the gain check"}, setting="gain", is_ratio=True, matters=_moved_by_filter
)
def compare_gain_controls_of_all(subjects: Sequence[ComparedNights]) -> Iterator[Finding]:
    """Those of the mean over subjects, where they are further apart than the mean of one subject may be moved too."""
    own = np.array([list(_shared_controls(nights).values()) for nights in subjects])
    is_known = np.isfinite(own).all(axis=1)
    own, n = own[is_known], int(is_known.sum())
    if n < FEWEST_SUBJECTS:
        return
    kept = [nights for nights, known in zip(subjects, is_known, strict=True) if known]
    stated = float(np.sqrt(np.mean([_scatter_of_controls(nights) ** 2 for nights in kept])))
    df = (n - 1) * (own.shape[1] - 1)
    apart = own - own.mean(axis=1, keepdims=True)
    scatter = float(np.sqrt(((apart - apart.mean(axis=0)) ** 2).sum() / df))
    scatter, worth = pooled_sd(stated, _prior_df(kept[0]), scatter, df)
    chance = _range_quantile(LEVEL, own.shape[1], worth) * scatter / np.sqrt(n)
    limit = max(chance, float(np.mean([_quantile(nights) * _scatter_of_gain(nights) for nights in kept])))
    yield _apart("gain_controls_of_all", dict(zip(GAIN_CONTROLS, own.mean(axis=0).tolist(), strict=True)), limit, n=n)


def _apart(control: str, changes: Mapping[str, float], limit: float, **of_all: int) -> Finding:
    """Finding on the most and the least changed of the controls."""
    high, low = max(changes, key=changes.__getitem__), min(changes, key=changes.__getitem__)
    apart = changes[high] - changes[low]
    found = doubts.CONTROLS_FOUND(
        high=BANDS_SAID[high], up=changes[high], low=BANDS_SAID[low], down=changes[low], **of_all
    )
    doubt = doubts.CONTROLS_APART(**found.values, limit=limit) if apart > limit else None
    return Finding(control=control, ln_ratio=apart, limit=limit, notes=(found,), doubt=doubt)


def own_spread(facts: Sequence[NightFacts], condition: str, settings: ComparabilitySettings) -> Spread:
    """Spread between repeated nights of one condition where a study has enough of them, else the stated one."""
    stated = Spread(gain=settings.control_cv, channel=settings.channel_cv, df=np.inf, source=doubts.STATED_SPREAD())
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
        source=doubts.OWN_SPREAD(df=df),
    )


def _changes(nights: ComparedNights) -> dict[str, Floats]:
    """Change of each control (ln) in each channel; NaN where one of the nights lacks it."""
    return {
        name: np.asarray(
            np.mean([night.controls[name] for night in nights.treated], axis=0)
            - np.mean([night.controls[name] for night in nights.before], axis=0)
        )
        for name in nights.shared("controls")
    }


def _shared_controls(nights: ComparedNights) -> dict[str, float]:
    """Change of each control (ln), the median over the channels that have it; NaN where none has."""
    of_channels = np.array(list(_changes(nights).values())).reshape(-1, len(GAIN_CONTROLS))
    return {name: _median(of_channels[:, place]) for place, name in enumerate(GAIN_CONTROLS)}


def _scatter_of_controls(nights: ComparedNights) -> float:
    """SD of the change of one control apart from what all of them share."""
    r = nights.settings.comparability.control_correlation
    return nights.spread.gain * float(np.sqrt((1 - r) / ((1 + 2 * r) / 3))) * _pair(nights)


@cache
def _range_quantile(level: float, n: int, df: float) -> float:
    return float(stats.studentized_range.ppf(level, n, df))


def _are_several(gains: dict[str, float], settings: ComparabilitySettings) -> bool:
    return sum(math.isfinite(gain) for gain in gains.values()) >= settings.channels_minimum


def _shared_gain(gains: dict[str, float]) -> float:
    """The median over the channels that have a G."""
    return _median(np.array(list(gains.values())))


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _departures(nights: ComparedNights) -> dict[str, float]:
    """Each channel's G less the median of the others'; empty where there are no others."""
    known = {name: g for name, values in _changes(nights).items() if np.isfinite(g := _mean(values))}
    if len(known) < 2:
        return {}
    return dict(zip(known, _from_others(np.array([list(known.values())]))[0].tolist(), strict=True))


def _scatter_of_gain(nights: ComparedNights, controls: int = 0) -> float:
    """SD of the change of G, the mean of so many controls; by default of those that any channel has."""
    n = controls or sum(math.isfinite(value) for value in _shared_controls(nights).values())
    return nights.spread.gain * _fewer_controls(n, nights.settings.comparability) * _pair(nights)


def _quantile(nights: ComparedNights, looks: float = 1) -> float:
    """Limit of a subject's change in its SD, at one of so many looks."""
    tail = 1 - _level(nights) / looks / 2
    df = nights.spread.df
    return float(stats.norm.ppf(tail) if np.isinf(df) else stats.t.ppf(tail, df))


def _pair(nights: ComparedNights) -> float:
    """SD of a difference of two means over nights, in SD of one night."""
    return float(np.sqrt(1 / len(nights.treated) + 1 / len(nights.before)))


def _level(nights: ComparedNights) -> float:
    """Share of the pairs of nights with nothing wrong that the gain check flags."""
    return 1 - nights.settings.comparison.confidence


def _prior_df(nights: ComparedNights) -> float:
    """How many degrees of freedom the SD between nights is worth; a stated one gives way to as many of the study's."""
    return min(nights.spread.df, nights.settings.comparability.control_pairs_df)


def _fewer_controls(n: int, settings: ComparabilitySettings) -> float:
    """SD of the mean of n correlated controls over that of three."""
    r = settings.control_correlation
    return float(np.sqrt((1 + (n - 1) * r) / n / ((1 + 2 * r) / 3)))


def _not_excluded(limit: float) -> Reason:
    return doubts.NOT_EXCLUDED(amplitude=float(np.exp(limit / 2)), power=float(np.exp(limit)))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _from_others(values: Floats) -> Floats:
    """Each channel's value less the median of the other channels, (nights, channels)."""
    n = values.shape[1]
    others = [np.nanmedian(np.delete(values, i, axis=1), axis=1) for i in range(n)]
    return np.asarray(values - np.array(others).T)
