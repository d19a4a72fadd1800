"""Which signal of a recording is what, and how EEG and EOG derivations are made, from the labels alone.

A label that is understood gets a role and a canonical name; every other one is ignored with the reason, so that
`swa inspect` can show what was decided for each signal of a file.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from swa.recordings.labels import (
    CHIN,
    COMMON_REFERENCES,
    MASTOID,
    SITE,
    Layout,
    Meaning,
    clean_label,
    find_layout,
    is_short_lead,
    read_label,
    tidy_label,
)
from swa.settings import ChannelSettings

LEFT_EYE, RIGHT_EYE = 0, 2  # places of the eyes in the order for staging
MINIMUM_RATE_HZ = 50.0  # below, half of the spectrum that the measures need is missing
TOO_SLOW = f"needs at least {MINIMUM_RATE_HZ:g} Hz"
MINIMUM_STAGING_RATE_HZ = 80.0  # YASA's own limit; its EEG and EMG features reach up to 30 Hz and more

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class SignalInfo:
    """One signal as the header describes it; its index in the file is its position in the sequence."""

    label: str
    rate_hz: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel to analyse, or a signal to leave alone.

    Attributes
    ----------
    name : str
        Canonical and unique in the recording: ``C4-M1``, ``Fpz-Cz``, ``F3`` (recorded reference), ``E1-M2``, ``Chin``.
    role : str
        ``eeg``, ``eog``, ``emg``, ``ecg`` or ``ignore``. EMG means chin EMG.
    signals : tuple of int
        Positions in the file: the signal, or the signal and the one that is subtracted from it.
    labels : tuple of str
        Their labels as in the file.
    rate_hz : float
        Native rate, Hz.
    unit : str
        ``uV``, ``mV`` or ``V``; empty when it is not known.
    note : str
        Why the signal has this role, or is ignored.
    unit_written : str
        The unit as the header writes it, for messages.
    is_slow_eeg : bool
        Whether it is an EEG signal that is ignored for its rate.
    """

    name: str
    role: str
    signals: tuple[int, ...]
    labels: tuple[str, ...]
    rate_hz: float
    unit: str
    note: str
    unit_written: str = ""
    is_slow_eeg: bool = False


_NO_VOLTAGE = re.compile(
    r"[km]?ohms?|%|bpm|hz|deg ?c?|c|[mc]?l(?:/s|/min)?|lpm|cm ?h2o|mm ?hg|m?g(?:/s)?|lx|lux|dbm?|pa|m?s|h|/min|v/s"
)
_MICROVOLT = re.compile(r"(?:u|mc|micro|µ|μ|âµ|î¼|�{1,2})v(?:olts?)?")

_CONTRALATERAL = {"left": ("M2", "A2"), "right": ("M1", "A1"), "midline": ("M1", "A1", "M2", "A2")}
_EYE_SIDE = {"E1": "left", "LOC": "left", "E2": "right", "ROC": "right"}


def normalise_unit(text: str) -> str:
    """Voltage unit as ``uV``, ``mV`` or ``V``; empty when it is none of these or cannot be told.

    ``UV`` is read as microvolt, for there is nothing else that it could mean; ``MV`` stays unknown, because it may be
    millivolt or a miswritten microvolt. A micro sign that was lost on the way (``�V``) is understood.
    """
    text = re.sub(r"\s", "", text).strip("[]()")
    lower = text.lower()
    if _MICROVOLT.fullmatch(lower):
        return "uV"
    if text in ("mV", "mv") or re.fullmatch(r"millivolts?", lower):
        return "mV"
    return "V" if re.fullmatch(r"v(?:olts?)?", lower) else ""


def region(name: str) -> str:
    """Region of a canonical channel name, from its active electrode.

    The leading letters of the 10-10 system decide: Fp, AF, F and FC are frontal, C and CP central, P and PO parietal,
    T, FT and TP temporal, O and Iz occipital.

    Returns
    -------
    str
        ``frontal``, ``central``, ``parietal``, ``temporal``, ``occipital``, or empty where the site is not known.
    """
    site = re.match(rf"(?:{SITE})(?=-|$)", name.lower())
    if site is None:
        return ""
    if "t" in site.group():
        return "temporal"
    places = {"f": "frontal", "a": "frontal", "n": "frontal", "c": "central", "p": "parietal"}
    return places.get(site.group()[0], "occipital")


def region_channels(names: Iterable[str], places: Iterable[str]) -> dict[str, list[str]]:
    """Channels that are averaged as one region: short bipolar leads never with those that have a reference.

    Parameters
    ----------
    names : iterable of str
        Canonical names of channels.
    places : iterable of str
        Regions, as of `region`.

    Returns
    -------
    dict of str to list of str
        Channels of each region that has any. Bipolar leads make regions only where no other channel does.
    """
    inside = [(name, region(name)) for name in names]
    known = [(name, place) for name, place in inside if place and not is_short_lead(name)] or inside
    found = {place: [name for name, own in known if own == place] for place in places}
    return {place: channels for place, channels in found.items() if channels}


def order_for_staging(channels: Sequence[Channel]) -> tuple[Channel | None, Channel | None, Channel | None]:
    """Choose the EEG, EOG and EMG that automatic staging uses.

    Parameters
    ----------
    channels : sequence of Channel
        As from `assign_channels`.

    Returns
    -------
    tuple of Channel or None
        (EEG, EOG, EMG): a central EEG first, the left eye first, a chin EMG first. None where there is none that is
        fast enough: EEG and EMG need 80 Hz (YASA), EOG 50 Hz.
    """
    ranked = rank_for_staging(channels)
    eeg, eog, emg = (next(iter(ranked[role]), None) for role in ("eeg", "eog", "emg"))
    return eeg, eog, emg


def rank_for_staging(channels: Sequence[Channel]) -> dict[str, list[Channel]]:
    """Channels that automatic staging could use, by role, the best first (`order_for_staging`)."""
    choices = (
        ("eeg", MINIMUM_STAGING_RATE_HZ, _eeg_rank),
        ("eog", MINIMUM_RATE_HZ, _eog_rank),
        ("emg", MINIMUM_STAGING_RATE_HZ, _emg_rank),
    )
    ranked: dict[str, list[Channel]] = {}
    for role, rate_hz, rank in choices:
        usable = {(rank(c.name), c.name): c for c in channels if c.role == role and c.rate_hz >= rate_hz}
        ranked[role] = [usable[place] for place in sorted(usable)]
    return ranked


def pair_of_eyes(channels: Sequence[Channel]) -> tuple[Channel, Channel] | None:
    """The left and the right eye where both are there against one reference, or each against a mastoid.

    Parameters
    ----------
    channels : sequence of Channel
        The EOG channels.
    """
    sides = [
        [channel for channel in channels if _eog_rank(channel.name) == rank and channel.rate_hz >= MINIMUM_RATE_HZ]
        for rank in (LEFT_EYE, RIGHT_EYE)
    ]
    for left in sides[0]:
        for right in sides[1]:
            references = [channel.name.partition("-")[2].casefold() for channel in (left, right)]
            if references[0] == references[1] or all(re.fullmatch(MASTOID, name) for name in references):
                return left, right
    return None


def assign_channels(signals: Sequence[SignalInfo], settings: ChannelSettings) -> tuple[Channel, ...]:
    """Give every signal its role and make the derivations that the file allows.

    A referential EEG electrode is read against the contralateral mastoid where the file has it against the same
    reference, at the same rate and in the same unit: odd and left sites against M2 (or A2), even and right ones against
    M1 (A1), midline ones against M1, else M2. Otherwise its recorded reference is kept. Where a mastoid derivation is
    stored ready-made, the referential electrode beside it is ignored. Eyes named E1, E2, LOC and ROC are treated alike.

    Parameters
    ----------
    signals : sequence of SignalInfo
        All signals of the file, in file order.
    settings : ChannelSettings
        ``names`` stand for labels that say too little; ``roles`` and ``units`` override what labels and headers say.

    Returns
    -------
    tuple of Channel
        In file order; every position of the file is in at least one of them, used or ignored with the reason.
    """
    names = [rename_label(signal.label, settings.names) for signal in signals]
    layout = find_layout(names)
    readings = [
        _read_signal(position, signal, name, layout, settings)
        for position, (signal, name) in enumerate(zip(signals, names, strict=True))
    ]
    readings.sort(key=_Reading.sort_key)  # the better of two duplicates first, whatever their order in the file
    mastoids: dict[tuple[str, str], _Reading] = {}
    ready: dict[str, _Reading] = {}
    for reading in readings:
        if reading.role == "mastoid":
            mastoids.setdefault((reading.plus, reading.minus), reading)
        elif reading.role in ("eeg", "eog") and re.match(MASTOID, reading.minus.lower()):
            ready.setdefault(reading.plus, reading)
    used: dict[str, Channel] = {}
    ignored: list[Channel] = []
    for reading in readings:
        if reading.role in ("ignore", "mastoid"):
            ignored.append(reading.as_channel("ignore", reading.note))
        elif reading.is_referential and reading.plus in ready:
            ignored.append(reading.as_channel("ignore", f"{ready[reading.plus].name} is in the file"))
        else:
            channel = _derive(reading, mastoids)
            first = used.setdefault(channel.name.casefold(), channel)
            if first is not channel:
                ignored.append(reading.as_channel("ignore", f"duplicate label: {first.name} is taken"))
    ignored = _name_ignored(_explain_mastoids(ignored, used.values()), set(used))
    return tuple(sorted([*used.values(), *ignored], key=lambda channel: channel.signals))


@dataclass(frozen=True, kw_only=True)
class _Reading(Meaning):
    """A signal with its meaning."""

    position: int
    label: str
    rate_hz: float
    unit: str
    unit_written: str
    known_as: str
    is_slow_eeg: bool = False

    def sort_key(self) -> tuple[float, str, bool, str, str, int]:
        rate_hz = self.rate_hz if math.isfinite(self.rate_hz) else 0.0
        return -rate_hz, repr(self.rate_hz), not self.unit, self.unit, self.label, self.position

    @property
    def is_referential(self) -> bool:
        """Whether it is one electrode against a reference that all electrodes of the recording share."""
        return bool(self.plus) and (not self.minus or self.minus in COMMON_REFERENCES.values())

    def as_channel(self, role: str, note: str) -> Channel:
        """Make a channel of this signal alone; an ignored one is named by its label."""
        return Channel(
            name=self.name if role != "ignore" else tidy_label(self.known_as) or "without label",
            role=role,
            signals=(self.position,),
            labels=(self.label,),
            rate_hz=self.rate_hz,
            unit=self.unit,
            note=note,
            unit_written=self.unit_written,
            is_slow_eeg=self.is_slow_eeg,
        )


def _read_signal(position: int, signal: SignalInfo, name: str, layout: Layout, settings: ChannelSettings) -> _Reading:
    """Read name, rate and unit of one signal; the settings win over the file."""
    meaning = read_label(name, layout)
    role = _setting(settings.roles, signal.label)
    unit = _setting(settings.units, signal.label)
    if role is not None and role != meaning.role:
        meaning = Meaning(
            role=role, name=tidy_label(name) or "without label", note="role from the settings or channels.tsv"
        )
    elif role is None and unit is None and meaning.role != "ignore" and _is_no_voltage(signal.unit):
        note = f"its unit is {tidy_label(signal.unit)}, not a voltage; the settings channels.units can correct it"
        meaning = replace(meaning, role="ignore", note=note)
    is_fast_enough = math.isfinite(signal.rate_hz) and signal.rate_hz >= MINIMUM_RATE_HZ
    is_slow_eeg = meaning.role == "eeg" and not is_fast_enough
    if meaning.role in ("eeg", "eog") and not is_fast_enough:
        note = f"recorded at {signal.rate_hz:g} Hz; {meaning.role.upper()} {TOO_SLOW}"
        meaning = replace(meaning, role="ignore", note=note)
    return _Reading(
        role=meaning.role,
        name=meaning.name,
        plus=meaning.plus,
        minus=meaning.minus,
        note=meaning.note,
        position=position,
        label=signal.label,
        rate_hz=signal.rate_hz,
        unit=unit or normalise_unit(signal.unit),
        unit_written=tidy_label(signal.unit),
        known_as=name,
        is_slow_eeg=is_slow_eeg,
    )


def _derive(reading: _Reading, mastoids: Mapping[tuple[str, str], _Reading]) -> Channel:
    """Subtract the contralateral mastoid where the file has it; else keep the reading as it is, saying why."""
    if not reading.is_referential or not (side := _side(reading.plus)):
        return reading.as_channel(reading.role, reading.note)
    recorded = f"recorded reference {reading.minus}".strip()
    found = [mastoids[name, reading.minus] for name in _CONTRALATERAL[side] if (name, reading.minus) in mastoids]
    if not found:
        missing = f"no {'' if side == 'midline' else 'contralateral '}mastoid with this reference in the file"
        return reading.as_channel(reading.role, f"{recorded} ({missing})")
    for mastoid in found:
        if (mastoid.rate_hz, mastoid.unit) == (reading.rate_hz, reading.unit):
            which = "mastoid" if side == "midline" else "contralateral mastoid"
            return Channel(
                name=f"{reading.plus}-{mastoid.plus}",
                role=reading.role,
                signals=(reading.position, mastoid.position),
                labels=(reading.label, mastoid.label),
                rate_hz=reading.rate_hz,
                unit=reading.unit,
                note=f"{reading.plus} minus {which} {mastoid.plus}",
                unit_written=reading.unit_written,
            )
    return reading.as_channel(reading.role, f"{recorded} ({found[0].plus} has another rate or unit)")


def _explain_mastoids(ignored: Iterable[Channel], used: Iterable[Channel]) -> list[Channel]:
    """Say of each mastoid where it went."""
    derived: dict[int, list[str]] = {}
    for channel in used:
        for position in channel.signals[1:]:
            derived.setdefault(position, []).append(channel.name)
    return [
        replace(channel, note=f"reference electrode, used in {', '.join(sorted(derived[channel.signals[0]]))}")
        if channel.signals[0] in derived
        else channel
        for channel in ignored
    ]


def _name_ignored(ignored: Iterable[Channel], taken: set[str]) -> list[Channel]:
    """Make the names of ignored signals unique too: a second `Pulse` becomes `Pulse (2)`."""
    named: list[Channel] = []
    for channel in sorted(ignored, key=lambda channel: (channel.name, channel.note)):
        name, count = channel.name, 1
        while name.casefold() in taken:
            count += 1
            name = f"{channel.name} ({count})"
        taken = taken | {name.casefold()}
        named.append(replace(channel, name=name))
    return named


def _eeg_rank(name: str) -> int:
    orders = (r"C4-[MA]1", r"C3-[MA]2", r"C4(?:-.*)?", r"C3(?:-.*)?", r"Cz(?:-.*)?", r"Fpz-Cz")
    for rank, order in enumerate(orders):
        if re.fullmatch(order, name):
            return rank
    places = {"central": len(orders), "frontal": len(orders) + 1}
    return places.get(region(name), len(orders) + 2)


def _eog_rank(name: str) -> int:
    text = clean_label(name)
    if re.match(r"e1|loc|l\s?e|eog\s?[l1]|.*left", text):
        return LEFT_EYE
    if re.match(r"e2|roc|r\s?e|eog\s?[r2]|.*right", text):
        return RIGHT_EYE
    return 3 if re.match(r"v|.*vert|eog\s?v", text) else 1


def _emg_rank(name: str) -> int:
    return 0 if CHIN.search(clean_label(name)) else 1


def _side(electrode: str) -> str:
    if electrode in _EYE_SIDE:
        return _EYE_SIDE[electrode]
    site = re.fullmatch(rf"(?:{SITE})", electrode.lower())
    if site is None:
        return ""
    if electrode.endswith("z"):
        return "midline"
    return "left" if int(re.sub(r"\D", "", electrode)) % 2 else "right"


def _is_no_voltage(unit: str) -> bool:
    lower = re.sub(r"\s+", " ", unit.strip().lower()).replace("ω", "ohm").strip("[]()°")
    return _NO_VOLTAGE.fullmatch(lower) is not None


def rename_label(label: str, names: Mapping[str, str]) -> str:
    """What the settings call a label: by the label itself, else by the first pattern that fits.

    In a pattern `*` stands for any letters; a `*` in the name repeats them.
    """
    if (exact := _setting(names, label)) is not None:
        return exact
    for pattern, name in names.items():
        text = "(.*)".join(re.escape(part) for part in tidy_label(pattern).split("*"))
        if "*" in pattern and (found := re.fullmatch(text, tidy_label(label), re.IGNORECASE)):
            return name.replace("*", found[1])
    return label


def _setting(values: Mapping[str, _T], label: str) -> _T | None:
    """Look up a setting by label: as written, else whatever its case and spaces."""
    if label in values:
        return values[label]
    wanted = tidy_label(label).casefold()
    return next((value for key, value in values.items() if tidy_label(key).casefold() == wanted), None)
