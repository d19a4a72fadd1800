"""Which channels and nights to trust: one word and its reasons, from limits that stand in the settings."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from swa.glossary import name_of
from swa.settings import ArtifactSettings, QualitySettings
from swa.tables.night_document import Summary

SOUND, CAUTION, UNUSABLE = "sound", "caution", "unusable"
FEWEST_OTHERS = 3


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
        `bad_channel_share`, `spectrum_above`, `spectrum_below`.
    """
    settings = settings or ArtifactSettings()
    bad: dict[str, str] = {}
    for name, rules in summary["unusable_nrem_share"].items():
        if rules["any"] > settings.bad_channel_share:
            most = _percent(settings.bad_channel_share)
            bad[name] = f"{_percent(rules['any'])} of its NREM is unusable (limit {most})"
            continue
        for key, level in summary.get("spectrum_levels", {}).get(name, {}).items():
            low, high = settings.spectrum_slow_hz if key == "slow" else settings.spectrum_fast_hz
            if level is None or -np.log(settings.spectrum_below) <= level <= np.log(settings.spectrum_above):
                continue
            factor = np.exp(abs(level))
            bad[name] = f"its NREM power at {low:g}-{high:g} Hz is on average {factor:.3g} times " + (
                f"that of the other EEG channels (limit {settings.spectrum_above:g})"
                if level > 0
                else f"below that of the other EEG channels (limit {settings.spectrum_below:g})"
            )
            break
    return bad


def judge_night(
    summary: Summary,
    artifacts: ArtifactSettings | None = None,
    settings: QualitySettings | None = None,
) -> tuple[str, tuple[str, ...]]:
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

    Returns
    -------
    verdict : str
        ``sound``, ``caution``, or ``unusable`` when every channel is bad.
    reasons : tuple of str
        What it rests on; empty for a sound night.
    """
    settings = settings or QualitySettings()
    shares = {name: rules["any"] for name, rules in summary["unusable_nrem_share"].items()}
    bad = find_bad_channels(summary, artifacts)
    if len(bad) == len(shares):
        why = "; ".join(f"{name}: {reason}" for name, reason in bad.items())
        return UNUSABLE, (f"every EEG channel is bad ({why})",)
    reasons = [f"{name}: {reason}; the channel is left out of comparisons and regions" for name, reason in bad.items()]
    reasons += [f"{name}: could not be read, the channel is left out" for name in summary.get("unread", {})]
    reasons += [
        f"{name}: {_percent(share)} of NREM unusable"
        for name, share in shares.items()
        if name not in bad and share > settings.unusable_nrem_share
    ]
    reasons += [
        f"{name}: artefact rules remove {_percent(share)} of the slow waves"
        for name, share in summary.get("lost_waves_share", {}).items()
        if name not in bad and share is not None and share > max(settings.lost_waves_share, 2 * shares[name])
    ]
    reasons += [
        f"{name}: {_percent(share)} of the slow waves are clipped; the largest are missing"
        for name, share in summary.get("clipped_waves_share", {}).items()
        if name not in bad and share > settings.clipped_waves_share
    ]
    reasons += [
        f"{name}: power at 0.2-0.5 Hz is {share:.2f} of slow-wave activity (sweat or drift; limit "
        f"{settings.below_band_share:g}), and most of it leaks into slow-wave activity; "
        "the setting power.trend_order = 2 takes drift off"
        for name, share in summary.get("below_band_share", {}).items()
        if name not in bad and share is not None and share > settings.below_band_share
    ]
    reasons += [
        f"{name}: mains noise of {level:.0f} µV rms (limit {settings.mains_uv:g}), as from an electrode with poor "
        "contact; slow waves lie far below it"
        for name, level in summary.get("mains_uv", {}).items()
        if name not in bad and level is not None and level > settings.mains_uv
    ]
    nrem_min = float(summary["statistics"].get("N2") or 0) + float(summary["statistics"].get("N3") or 0)
    if nrem_min < settings.nrem_min:
        reasons.append(f"{nrem_min:.1f} min of NREM, fewer than {settings.nrem_min:g}")
    reasons += _staging_reasons(summary, settings)
    return (CAUTION if reasons else SOUND), tuple(reasons)


def _staging_reasons(summary: Summary, settings: QualitySettings) -> list[str]:
    """What automatic staging gives to doubt; a lab's scoring has no confidence and no bias of YASA's."""
    reasons = []
    confidence = summary["staging_confidence"]
    if confidence is not None and confidence < settings.staging_confidence:
        reasons.append(f"mean confidence of the staging {confidence:.2f}, below {settings.staging_confidence:g}")
    staging = summary.get("staging") or {}
    uncertain = (staging.get("uncertain_share") or {}).get("NREM")
    if uncertain is not None and uncertain > settings.uncertain_share:
        reasons.append(f"staging is uncertain in {_percent(uncertain)} of N2 and N3")
    for measure, shift in (staging.get("largest_shift") or {}).items():
        if shift is not None and measure != "n3_min" and abs(shift) > settings.staging_shift:
            moved = f"{name_of(measure)} moves by {100 * shift:+.0f} %"
            reasons.append(f"{moved} when the stager sees the EEG 20 % larger or smaller")
    return reasons


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
