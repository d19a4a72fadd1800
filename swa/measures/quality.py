"""Which nights to trust: one word and its reasons, from limits that stand in the settings."""

from collections.abc import Mapping
from typing import Any

from swa.settings import QualitySettings

SOUND, CAUTION, UNUSABLE = "sound", "caution", "unusable"


def judge_night(
    summary: Mapping[str, Any], bad_channel_share: float, settings: QualitySettings | None = None
) -> tuple[str, tuple[str, ...]]:
    """Verdict on a measured night.

    Parameters
    ----------
    summary : mapping
        `Night.summary`: `unusable_nrem_share` by channel and rule, `statistics` in min, `staging_confidence`.
    bad_channel_share : float
        Share of unusable NREM above which a channel is bad.
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
    bad = [name for name, share in shares.items() if share > bad_channel_share]
    if len(bad) == len(shares):
        return UNUSABLE, (f"more than {bad_channel_share:.0%} of NREM is unusable in every EEG channel",)
    reasons = [f"{name}: {shares[name]:.0%} of NREM unusable, the channel is left out" for name in bad]
    reasons += [
        f"{name}: {share:.0%} of NREM unusable"
        for name, share in shares.items()
        if name not in bad and share > settings.unusable_nrem_share
    ]
    nrem_min = float(summary["statistics"].get("N2") or 0) + float(summary["statistics"].get("N3") or 0)
    if nrem_min < settings.nrem_min:
        reasons.append(f"{nrem_min:.0f} min of NREM, fewer than {settings.nrem_min:g}")
    confidence = summary["staging_confidence"]
    if confidence is not None and confidence < settings.staging_confidence:
        reasons.append(f"mean confidence of the staging {confidence:.2f}, below {settings.staging_confidence:g}")
    return (CAUTION if reasons else SOUND), tuple(reasons)
