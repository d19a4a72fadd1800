"""What a header says of one EEG channel and not of the others, or what its samples speak against.

Where all channels agree, or each has limits of its own, a wrong number cannot be told from a right one.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from swa.recordings.analysis_signal import UV_PER_UNIT
from swa.recordings.channels import Channel
from swa.recordings.edf.header import Header
from swa.tables import doubts
from swa.tables.reason import Reason

FAR_ZERO = 0.25  # share of the physical range that a stored 0 lies from 0 V at most: 0.03 in known recordings
SAME_STEP = 1.05  # factor between the steps of channels of one amplifier at most: 1.02 in Sleep-EDF


def doubt_header(header: Header, channels: Sequence[Channel]) -> tuple[Reason, ...]:
    """Doubts about scale, rate, polarity and place of the samples of EEG.

    Parameters
    ----------
    header : Header
        Of the file.
    channels : sequence of Channel
        Its channels.

    Returns
    -------
    tuple of Reason
        Of `swa.tables.doubts`, each with its channel.
    """
    eeg = [channel for channel in channels if channel.role == "eeg"]
    found = [doubts.BORDER_JUMPS(channel=c.name) for c in eeg if not header.jumps.isdisjoint(c.signals)]
    for channel in eeg:
        zeros = [zero for position in channel.signals if (zero := _far_zero(header, position))]
        found += [doubts.FAR_ZERO(channel=channel.name, zero=zero, unit=channel.unit) for zero in zeros[:1]]
        shares = [share for position, share in header.beyond if position in channel.signals]
        found += [doubts.BEYOND_LIMITS(channel=channel.name, percent=100 * max(shares))] if shares else []
    found += _apart({c.name: c.rate_hz for c in eeg}, "sampling rate", "{:g} Hz".format)
    steps = {c.name: step for c in channels if c.role in ("eeg", "eog") and (step := _step_uv(header, c))}
    sizes = _alike({name: abs(step) for name, step in steps.items()})
    if sizes and Counter(sizes.values()).most_common(1)[0][1] > 1:  # otherwise each channel has limits of its own
        found += _apart(sizes, "step of the samples", "{:.3g} µV".format, among=[c.name for c in eeg])
    signs = {c.name: float(steps[c.name] < 0) for c in eeg if c.name in steps}
    return (*found, *_apart(signs, "polarity", lambda turned: "turned round" if turned else "upright"))


def _step_uv(header: Header, channel: Channel) -> float | None:
    """µV per step of a channel's samples; None where the header does not say it."""
    signal = header.signals[channel.signals[0]]
    if signal.physical is None or signal.digital is None or channel.unit not in UV_PER_UNIT:
        return None
    (low, high), (lowest, highest) = signal.physical, signal.digital
    return (high - low) / (highest - lowest) * UV_PER_UNIT[channel.unit] if highest != lowest else None


def _far_zero(header: Header, position: int) -> float | None:
    """What a stored 0 is by the header, where that is far from 0 although samples lie on both sides of it."""
    signal = header.signals[position]
    if signal.physical is None or signal.digital is None:
        return None
    (low, high), (lowest, highest) = signal.physical, signal.digital
    if not lowest < 0 < highest:
        return None
    zero = low - (high - low) * lowest / (highest - lowest)
    return zero if abs(zero) > FAR_ZERO * abs(high - low) else None


def _alike(steps: Mapping[str, float]) -> dict[str, float]:
    """Each step as the smallest of those that are as good as the same."""
    found: dict[str, float] = {}
    for name, step in sorted(steps.items(), key=lambda item: item[1]):
        last = next(reversed(found.values()), None)
        found[name] = last if last is not None and step <= SAME_STEP * last else step
    return found


def _apart(
    values: Mapping[str, float], fact: str, show: Callable[[float], str], among: Sequence[str] | None = None
) -> list[Reason]:
    """Doubts about those of the channels (`among` all that are known) whose value is not the usual one."""
    own = [name for name in (values if among is None else among) if name in values]
    if len({values[name] for name in own}) < 2:
        return []
    (usual, most), *others = Counter(values.values()).most_common()
    is_tied = bool(others) and others[0][1] == most
    return [
        doubts.HEADER_APART(channel=name, fact=fact, own=show(values[name]), others=_others(values, name, show))
        for name in own
        if is_tied or values[name] != usual
    ]


def _others(values: Mapping[str, float], name: str, show: Callable[[float], str]) -> str:
    return " or ".join(show(value) for value in dict.fromkeys(values.values()) if value != values[name])
