"""Which channels and nights to trust: one word and its reasons, from limits that stand in the settings."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from swa.glossary import headline_measures, name_of
from swa.recordings.edf.fields import read_filters
from swa.settings import ArtifactSettings, QualitySettings
from swa.tables import doubts
from swa.tables.night_document import Summary
from swa.tables.reason import Reason, decode, in_words

SOUND, CAUTION, UNUSABLE = "sound", "caution", "unusable"
FEWEST_OTHERS = 3
# Of scorings held against the EEG (benchmarks/stage_fit.py): how much less than where they lie is left unexplained
# where they fit best, by how many min that is away, and what the scoring of another night explains.
MOVED_LEAVES, MOVED_MIN, UNFIT_SHARE = 0.87, 2.0, 0.03


def spectrum_levels(
    density: Mapping[str, NDArray[np.float64]],
    frequencies_hz: NDArray[np.floating],
    settings: ArtifactSettings | None = None,
) -> dict[str, dict[str, float | None]]:
    """NREM power of each channel over that of the other EEG channels.

    Parameters
    ----------
    density : dict of str to ndarray, shape (n_frequencies,)
        Mean NREM spectrum of each channel, µV²/Hz.
    frequencies_hz : ndarray
        Their frequencies.
    settings : ArtifactSettings, optional
        The two bands.

    Returns
    -------
    dict
        Per channel, `slow` and `fast`: the mean ln density less the median of the other channels'; None with fewer
        than three others.
    """
    settings = settings or ArtifactSettings()
    found: dict[str, dict[str, float | None]] = {name: {} for name in density}
    for key, (low, high) in (("slow", settings.spectrum_slow_hz), ("fast", settings.spectrum_fast_hz)):
        inside = (frequencies_hz >= low) & (frequencies_hz <= high)
        level = {
            name: float(np.log(spectrum[inside]).mean())
            for name, spectrum in density.items()
            if np.isfinite(spectrum[inside]).all() and (spectrum[inside] > 0).all()
        }
        for name in density:
            others = [value for other, value in level.items() if other != name]
            known = name in level and len(others) >= FEWEST_OTHERS
            found[name][key] = round(level[name] - float(np.median(others)), 4) if known else None
    return found


def find_bad_channels(summary: Summary, settings: ArtifactSettings | None = None) -> dict[str, str]:
    """Channels of a night that are bad, each with its reason.

    Parameters
    ----------
    summary : mapping
        `Night.summary`.
    settings : ArtifactSettings, optional
        `bad_channel_share`, `clipped_waves_most`, `fewest_levels`, `smallest_uv`, `spectrum_fall`, `spectrum_above`,
        `spectrum_below`.
    """
    settings = settings or ArtifactSettings()
    shares = summary["unusable_nrem_share"]
    found = {name: _why_bad(name, rules["any"], summary, settings) for name, rules in shares.items()}
    return {name: reason for name, reason in found.items() if reason}


def _why_bad(name: str, unusable: float, summary: Summary, settings: ArtifactSettings) -> str:
    form = summary.get("form", {}).get(name, {})
    slow_uv, fall, levels = (form.get(key) for key in ("slow_uv", "fall", "levels"))
    clipped = summary.get("clipped_waves_share", {}).get(name, 0.0)
    if levels is not None and 1 < levels < settings.fewest_levels:
        return f"it is resolved in {levels} steps, too coarsely for EEG (limit {settings.fewest_levels})"
    if clipped > settings.clipped_waves_most:
        most = _percent(settings.clipped_waves_most)
        return f"{_percent(clipped)} of its slow waves are clipped, as at the rail of an amplifier (limit {most})"
    if unusable > settings.bad_channel_share:
        same = "; nearly all of its values are the same: no signal, or steps too coarse for EEG" if levels == 1 else ""
        return f"{_percent(unusable)} of its NREM is unusable (limit {_percent(settings.bad_channel_share)}){same}"
    if slow_uv is not None and slow_uv < settings.smallest_uv:
        return f"its slow waves are {slow_uv:g} µV rms, too small for EEG (limit {settings.smallest_uv:g})"
    if fall is not None and fall < settings.spectrum_fall:
        return (
            f"its NREM spectrum does not fall as that of EEG does: density at 1-4 Hz is {fall:.3g} times that at "
            f"16-30 Hz (limit {settings.spectrum_fall:g})"
        )
    return _why_unlike(summary.get("spectrum_levels", {}).get(name, {}), settings)


def _why_unlike(levels: Mapping[str, float | None], settings: ArtifactSettings) -> str:
    """Why a channel is unlike the others, from the output of `spectrum_levels`."""
    for key, level in levels.items():
        low, high = settings.spectrum_slow_hz if key == "slow" else settings.spectrum_fast_hz
        if level is None or -np.log(settings.spectrum_below) <= level <= np.log(settings.spectrum_above):
            continue
        factor = np.exp(abs(level))
        return f"its NREM power at {low:g}-{high:g} Hz is on average {factor:.3g} times " + (
            f"that of the other EEG channels (limit {settings.spectrum_above:g})"
            if level > 0
            else f"below that of the other EEG channels (limit {settings.spectrum_below:g})"
        )
    return ""


def judge_night(
    summary: Summary,
    artifacts: ArtifactSettings | None = None,
    settings: QualitySettings | None = None,
    bands_hz: Collection[tuple[float, float]] = (),
) -> tuple[str, tuple[Reason, ...]]:
    """Verdict on a measured night.

    Parameters
    ----------
    summary : mapping
        `Night.summary`: `unusable_nrem_share` by channel and rule, `spectrum_levels`, `mains_uv`, `statistics` in
        min, `staging_confidence`, `staging`.
    artifacts : ArtifactSettings, optional
        What makes a channel bad.
    settings : QualitySettings, optional
        Limits.
    bands_hz : collection of (float, float)
        What is measured, which no filter of the header may cut (`swa.glossary.bands_hz`).

    Returns
    -------
    verdict : str
        ``sound``, ``caution``, or ``unusable`` when every channel is bad.
    reasons : tuple of Reason
        What it rests on, of `swa.tables.doubts`, with the channel where it is about one; empty for a sound night.
    """
    settings = settings or QualitySettings()
    shares = {name: rules["any"] for name, rules in summary["unusable_nrem_share"].items()}
    bad = find_bad_channels(summary, artifacts)
    if len(bad) == len(shares):
        why = "; ".join(f"{name}: {reason}" for name, reason in bad.items())
        return UNUSABLE, (doubts.NO_GOOD_CHANNEL(why=why),)
    reasons = [doubts.BAD_CHANNEL(channel=name, why=reason) for name, reason in bad.items()]
    reasons += [doubts.UNREAD_CHANNEL(channel=name) for name in summary.get("unread", {})]
    left = {name: share for name, share in shares.items() if name not in bad}
    reasons += [*_signal_reasons(summary, left, settings), *_filter_reasons(summary, left, bands_hz)]
    reasons += _sleep_reasons(summary, settings)
    return (CAUTION if reasons else SOUND), tuple(reasons)


def _signal_reasons(summary: Summary, shares: Mapping[str, float], settings: QualitySettings) -> Iterator[Reason]:
    """What the channels that are not bad give to doubt; `shares` of their NREM are unusable."""

    def above(values: Mapping[str, float | None], limit: float) -> Iterator[tuple[str, float]]:
        return _above({name: values[name] for name in shares if name in values}, limit)

    for name, share in above(shares, settings.unusable_nrem_share):
        yield doubts.UNUSABLE_NREM(channel=name, percent=100 * share)
    for name, share in above(summary.get("lost_waves_share", {}), settings.lost_waves_share):
        if share > 2 * shares[name]:
            yield doubts.LOST_WAVES(channel=name, percent=100 * share)
    for name, share in above(summary.get("clipped_waves_share", {}), settings.clipped_waves_share):
        yield doubts.CLIPPED_WAVES(channel=name, percent=100 * share)
    for name, share in above(summary.get("below_band_share", {}), settings.below_band_share):
        yield doubts.SWEAT_OR_DRIFT(channel=name, share=share, limit=settings.below_band_share)
    for name, value in above(_negative(summary.get("asymmetry", {})), settings.asymmetry):
        yield doubts.POLARITY(channel=name, ratio=float(np.exp(value)))
    for name, level in above(summary.get("mains_uv", {}), settings.mains_uv):
        yield doubts.MAINS(channel=name, level=level, limit=settings.mains_uv)
    yield from (doubt for doubt in decode(summary.get("header_doubts", "")) if doubt.values["channel"] in shares)


def _above(values: Mapping[str, float | None], limit: float) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if value is not None and value > limit:
            yield name, float(value)


def _negative(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else -value for name, value in values.items()}


def cuts(passed_hz: tuple[float, float], band_hz: tuple[float, float]) -> bool:
    """Whether a filter that passes these frequencies takes some of a band."""
    return passed_hz[0] > band_hz[0] or passed_hz[1] < band_hz[1]


def _filter_reasons(
    summary: Summary, channels: Collection[str], bands_hz: Collection[tuple[float, float]]
) -> Iterator[Reason]:
    """Filters of the header inside of what is measured; said once where they are those of all channels."""
    header = summary.get("header", {})
    texts = {name: header[name].get("prefilter", "") for name in channels if name in header}
    shared = len(set(texts.values())) == 1 and len(texts) == len(channels)
    for name, text in list(texts.items())[: 1 if shared else None]:
        low_hz, high_hz = read_filters(text)
        told = [_left((low_hz, high_hz), band) for band in sorted(set(bands_hz)) if cuts((low_hz, high_hz), band)]
        if told:
            where = {} if shared else {"channel": name}
            ends = {"low_hz": low_hz} | ({"high_hz": high_hz} if np.isfinite(high_hz) else {})  # JSON has no infinity
            yield doubts.FILTERED(filter=text, bands=in_words(told), **ends, **where)


def _left(passed_hz: tuple[float, float], band_hz: tuple[float, float]) -> Reason:
    low, high = band_hz
    low_hz, high_hz = max(low, passed_hz[0]), min(high, passed_hz[1])
    if low_hz >= high_hz:
        return doubts.BAND_GONE(low=low, high=high)
    return doubts.BAND_LEFT(low=low, high=high, low_hz=low_hz, high_hz=high_hz)


def _sleep_reasons(summary: Summary, settings: QualitySettings) -> Iterator[Reason]:
    """What time and automatic staging give to doubt; a lab's scoring has no confidence and no bias of YASA's."""
    nrem_min = float(summary["statistics"].get("N2") or 0) + float(summary["statistics"].get("N3") or 0)
    if nrem_min < settings.nrem_min:
        yield doubts.FEW_MINUTES(minutes=nrem_min, limit=settings.nrem_min)
    for side, minutes in summary.get("asleep_outside_min", {}).items():
        if minutes > settings.asleep_outside_min:
            yield doubts.OUTSIDE_LIGHTS(minutes=minutes, side=side)
    if stage := summary.get("begins_in"):
        yield doubts.BEGINS_ASLEEP(stage=stage)
    yield from _stage_reasons(summary)
    confidence = summary["staging_confidence"]
    if confidence is not None and confidence < settings.staging_confidence:
        yield doubts.UNSURE_STAGING(confidence=confidence, limit=settings.staging_confidence)
    staging = summary.get("staging") or {}
    uncertain = (staging.get("uncertain_share") or {}).get("NREM")
    if uncertain is not None and uncertain > settings.uncertain_share:
        yield doubts.UNSURE_NREM(percent=100 * uncertain)
    for measure, shift in (staging.get("largest_shift") or {}).items():
        if shift is not None and measure in headline_measures() and abs(shift) > settings.staging_shift:
            yield doubts.MOVES_WITH_STAGER(measure=measure, marker=name_of(measure), percent=100 * shift)


def _stage_reasons(summary: Summary) -> Iterator[Reason]:
    """What a scoring that does not lie on its EEG gives to doubt."""
    fit = summary.get("stage_fit")
    if not fit:
        return
    share, away_min = fit["explained"], fit["best_min"]
    if abs(away_min) >= MOVED_MIN and 1 - fit["best"] <= MOVED_LEAVES * (1 - share):
        side = "later" if away_min > 0 else "earlier"
        yield doubts.STAGES_MOVED(minutes=abs(away_min), direction=side, best=100 * fit["best"], percent=100 * share)
    elif share < UNFIT_SHARE:
        yield doubts.STAGES_UNFIT(percent=100 * share, limit=100 * UNFIT_SHARE)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
