"""Who takes no part in what a study leads with: no subject leaves it without its name and the reason."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from swa.comparison.compared_nights import COPIED, usable_nights
from swa.comparison.contrasts import group_outcomes, planned_designs
from swa.comparison.headline import leading_marker
from swa.comparison.outcomes import Outcome
from swa.comparison.primary import declared_primary
from swa.comparison.sources import Source, measure_rows
from swa.comparison.within_subject import (
    BASELINE_NAN,
    BASELINE_ZERO,
    BOTH_ZERO,
    MEASURED,
    NO_BASELINE,
    ONE_RECORDING,
    ZERO,
    Changes,
)
from swa.errors import SwaError
from swa.recordings.channels import region, region_channels
from swa.settings import Settings
from swa.tables import notes
from swa.tables.absences import (
    COPY,
    COPY_OF_OTHER,
    NO_CHANNEL,
    NO_NIGHT,
    NO_PLACE,
    NO_RATIO,
    NO_VALUE,
    NO_WINDOW,
    Absence,
)
from swa.tables.contrast import Contrast
from swa.tables.marker import ALL, DEFAULT_MARKER, REGIONS, Marker, lead
from swa.tables.reason import Reason

_OF_DESIGN = (  # why a design cannot use a change that there is
    (notes.WITHOUT_ORDER, "nothing says in which order"),
    (notes.WITHOUT_PRE, "not both nights before the infusions are there"),
    (notes.WITHOUT_ARM, "it is in no arm"),
    (notes.WITHOUT_GROUP, "it is in no group"),
)
Found = dict[
    Contrast, dict[str, Reason | None]
]  # of each contrast and subject why it takes no part; None where it does


def absent_subjects(source: Source, nights: pd.DataFrame, baseline: str, settings: Settings) -> list[Absence]:
    """Find the subjects with nights that are in no row of the leading marker, from what was measured.

    Parameters
    ----------
    source : Results, list of Night, or DataFrame
        The long table.
    nights : DataFrame
        The table of nights.
    baseline : str
        The baseline condition.
    settings : Settings
        Those of the study.
    """
    marker = leading_marker(source, nights, settings.comparison)
    measured = measure_rows(source, marker.measure)
    rows = marker.select(measured)
    subjects = _subjects(nights)
    channels = {
        str(subject): [str(name) for name in own.unique()] for subject, own in measured.groupby("subject")["channel"]
    }
    found: Found = {}
    if rows.empty:  # of a region that no subject has by one reference in all of its nights
        why: dict[str, Reason | None] = {name: _no_channel(marker, channels.get(name, [])) for name in subjects}
        within = [design.key for design in planned_designs(nights, settings) if design.key.is_within]
        is_there = any(region(name) == marker.channel for own in channels.values() for name in own)
        return _worth_telling(dict.fromkeys(within, why), nights, marker, channels) if is_there else []
    for design, changes, outcome in group_outcomes(rows, baseline, nights=nights, settings=settings):
        if design.key.is_within:
            there = {str(name): i for i, name in enumerate(changes.subjects)}
            found[design.key] = {
                name: NO_NIGHT(condition=design.treatment)
                if name not in there
                else _reason(changes, outcome, there[name], marker, channels.get(name, []))
                for name in subjects
            }
    return _worth_telling(found, nights, marker, channels)


def expected_absences(
    nights: pd.DataFrame, channels: Mapping[str, Collection[str]], settings: Settings
) -> list[Absence]:
    """Find who will take no part, before a run.

    Parameters
    ----------
    nights : DataFrame
        The nights of the plan that can run.
    channels : mapping of str to collection of str
        EEG channels of each recording.
    settings : Settings
        Those of the run.
    """
    used = usable_nights(nights)
    used = used[~used[COPIED]]
    own: dict[str, list[str]] = {}
    for subject, recordings in used.groupby("subject")["recording"]:
        sets = [set(channels[name]) for name in recordings if name in channels]
        own[str(subject)] = [name for name in channels[recordings.iloc[0]] if all(name in each for each in sets)]
    within = {name: [*region_channels(names, REGIONS), *names] for name, names in own.items()}
    marker = _planned_marker(nights, [name for names in within.values() for name in names], settings)
    if marker is None:
        return []
    conditions = used.groupby("subject")["condition"].agg(set)
    found: Found = {}
    for design in planned_designs(nights, settings):
        if not design.key.is_within:
            continue
        own_reasons = found.setdefault(design.key, {})
        for name in _subjects(nights):
            missing = [one for one in (design.baseline, design.treatment) if one not in conditions.get(name, set())]
            lacks = not _has(marker.channel, within.get(name, []))
            reason = _no_channel(marker, own.get(name, [])) if lacks else None
            own_reasons[name] = NO_NIGHT(condition=missing[0]) if missing else reason
    return _worth_telling(found, nights, marker, own)


def _subjects(nights: pd.DataFrame) -> list[str]:
    """Subjects with a night that can be compared; of others every night has its own row among the problems."""
    return list(dict.fromkeys(str(name) for name in usable_nights(nights)["subject"]))


def _planned_marker(nights: pd.DataFrame, channels: Collection[str], settings: Settings) -> Marker | None:
    """The marker that will lead; none where a wrong one is declared, which the run refuses."""
    try:
        declared = declared_primary(nights, settings.comparison)
    except SwaError:
        return None
    front = sorted(set(channels), key=lambda name: (name not in REGIONS, REGIONS.index(name) if name in REGIONS else 0))
    return lead(declared, pd.DataFrame({"channel": front})) if front else declared or DEFAULT_MARKER


def _has(channel: str, there: Iterable[str]) -> bool:
    """Whether a subject has a channel, a region, both regions of a ratio, or what is about the whole night."""
    known = {name.casefold() for name in there}
    return channel.casefold() == ALL or all(part in known for part in channel.casefold().split("/"))


def _no_channel(marker: Marker, channels: Iterable[str]) -> Reason:
    return NO_CHANNEL(channel=marker.channel, there=", ".join(_signals(channels)) or "none")


def _references(place: str, channels: Iterable[str]) -> tuple[str, ...]:
    """Channels of a place of which one electrode has several references."""
    there = [name for name in _signals(channels) if region(name) == place.casefold()]
    electrodes = Counter(name.partition("-")[0] for name in there)
    return tuple(there) if max(electrodes.values(), default=0) > 1 else ()


def _signals(channels: Iterable[str]) -> list[str]:
    """Single channels among those of the long table."""
    return [name for name in channels if name not in (*REGIONS, ALL) and "/" not in name]


def _reason(changes: Changes, outcome: Outcome, i: int, marker: Marker, channels: Collection[str]) -> Reason | None:
    """Why the row over subjects does not rest on a subject; None where it does."""
    if outcome.used[i, 0]:
        return None
    gap, names = int(changes.gap[i, 0]), (changes.treatment_name, changes.baseline_name)
    if gap == NO_BASELINE:
        return NO_NIGHT(condition=changes.baseline_name)
    if gap == ONE_RECORDING:
        return COPY_OF_OTHER() if changes.of_others[i] else COPY()
    zeros = {ZERO: names[0], BASELINE_ZERO: names[1], BOTH_ZERO: " and ".join(names)}
    if gap in zeros:
        return NO_RATIO(condition=zeros[gap])
    if gap == MEASURED:
        said = [why for kind, why in _OF_DESIGN if kind.among(outcome.left_out)]
        return NO_PLACE(why=said[0] if said else "the design has no place for them")
    if not changes.present[i, 0]:
        there = _has(marker.channel, channels)
        return NO_WINDOW(channel=marker.channel) if there else _no_channel(marker, channels)
    code = int(changes.note_codes[i, 0])
    why = str(changes.grid.notes[code]) if code >= 0 else ""
    return NO_VALUE(condition=names[gap == BASELINE_NAN], **({"why": why} if why else {}))


def _worth_telling(
    found: Found, nights: pd.DataFrame, marker: Marker, channels: Mapping[str, Collection[str]]
) -> list[Absence]:
    """Absences that nobody planned, the contrasts of one subject and reason together.

    A subject who lacks a condition is told of where it takes part in nothing: where each had some of the treatments,
    nobody was meant to have all, and how many have not stands beside the result. A night that failed or was excluded
    has its own row among the problems. Where nobody has both conditions there is no contrast to be missing from.
    """
    left_out = nights[nights["status"] != "done"] if "status" in nights else nights.iloc[:0]
    told_of = set(zip(left_out["subject"].astype(str), left_out["condition"].astype(str), strict=True))
    takes_part = {name for own in found.values() for name, why in own.items() if why is None}
    told: dict[tuple[str, Reason], list[Contrast]] = {}
    without: dict[str, dict[Contrast, str]] = {}
    for contrast, own in found.items():
        if all(why is not None and why.kind is NO_NIGHT for why in own.values()):
            continue
        for name, why in own.items():
            if why is not None and why.kind is not NO_NIGHT:
                told.setdefault((name, why), []).append(contrast)
            elif why is not None and name not in takes_part and (name, why.values["condition"]) not in told_of:
                without.setdefault(name, {})[contrast] = str(why.values["condition"])
    for name, missing in without.items():
        told[name, NO_NIGHT(condition=" or ".join(dict.fromkeys(missing.values())))] = list(missing)
    return [
        Absence(
            subject=name,
            marker=marker,
            contrasts=tuple(which),
            reason=why,
            references=_references(marker.channel, channels.get(name, ())),
            unnamed=tuple(one for one in _signals(channels.get(name, ())) if not region(one)),
        )
        for (name, why), which in sorted(told.items(), key=lambda item: item[0][0])
    ]
