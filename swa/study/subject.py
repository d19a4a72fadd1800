"""What needs all nights of a subject: channels left out of all, regions, limits fixed on the baseline, Process S."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

import pandas as pd

from swa.settings import AFTERWARDS, Settings
from swa.study.across_nights import find_amplitudes, measure_across_nights
from swa.study.bootstrap_spreads import measure_precision
from swa.study.common_minutes import cut_alike, cut_rows
from swa.study.condition_curves import curve_files, describe_conditions
from swa.study.kept_step import KeptStep
from swa.study.problems import Problem
from swa.study.regions import region_means, regions_of_every_night
from swa.study.store import KEY, NightFolder, subject_file
from swa.study.subject_night import SubjectNight
from swa.tables.files import write_table
from swa.tables.marker import REGIONS, select
from swa.tables.results_tables import MEASURES, SPREADS

FRONTAL_CENTRAL = "frontal/central"
# What a subject step reads of the settings of the comparison: others may change, and it stays.
COMPARISON_READ = ("confidence", "flip_seed", "bootstrap_block_min", "bootstrap_reach_min", "bootstrap_draws")
REGION_KEYS = ["session", "condition", "stages", "window", "measure", "variant"]


class NightOfSubject(NamedTuple):
    """A finished night as the study file has it."""

    session: str
    session_label: str
    condition: str
    adaptation: bool
    compared: bool = True  # whether a comparison uses it


@dataclass(frozen=True, kw_only=True)
class SubjectTask:
    """The finished nights of one subject.

    Attributes
    ----------
    subject, label : str
        As in the study file, and as in file names.
    nights : tuple of NightOfSubject
        In the order of the study file.
    baseline : str
        Name of the baseline condition; empty when the study has none.
    results : Path
        The results folder.
    settings : Settings
        All settings.
    """

    subject: str
    label: str
    nights: tuple[NightOfSubject, ...]
    baseline: str
    results: Path
    settings: Settings

    def stored_nights(self) -> list[SubjectNight]:
        """Its nights, their files read when asked for."""
        return [
            SubjectNight(
                session=night.session,
                condition=night.condition,
                folder=NightFolder(self.results, self.label, night.session_label),
                is_baseline=night.condition == self.baseline and not night.adaptation,
                is_adaptation=night.adaptation,
                is_compared=night.compared and not night.adaptation,
                settings=self.settings,
            )
            for night in self.nights
        ]

    def rests_on(self, comparison: Collection[str]) -> dict[str, object]:
        """What its steps are made from, with these settings of the comparison; nights by the hashes of their files."""
        of_nights = self.settings.model_dump(mode="json", exclude=AFTERWARDS - {"quality"})
        stored = []
        for night in self.nights:
            document = NightFolder(self.results, self.label, night.session_label).document()
            stored.append({name: part for name, part in (document or {}).items() if name != "provenance"})
        return {
            "subject": [self.subject, self.label, self.baseline, *map(list, self.nights)],
            "nights": stored,
            "settings": of_nights | {name: getattr(self.settings.comparison, name) for name in comparison},
        }


@dataclass(frozen=True, kw_only=True)
class CombinedSubject:
    """What the subject step left beside its tables.

    Attributes
    ----------
    problems : list of Problem
        Channels and nights that were left out.
    doubtful : frozenset of str
        Channels of a night that is held against no other: they stay, marked.
    """

    problems: list[Problem]
    doubtful: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class _Sorted:
    """Nights and channels of a subject by what becomes of them."""

    nights: Sequence[SubjectNight]
    compared: Sequence[SubjectNight]
    unusable: Sequence[SubjectNight]
    bad: Mapping[tuple[str, str], str]
    dropped: Collection[str]
    doubtful: Mapping[str, str]


class _Outcome(TypedDict):
    problems: list[dict[str, str]]
    doubtful: list[str]


def _step(task: SubjectTask) -> KeptStep:
    measures, precision = (subject_file(task.results, task.label, name) for name in ("measures", "precision"))
    return KeptStep(
        document=measures.with_name(f"sub-{task.label}_task-sleep_desc-subject.json"),
        files=[measures, precision, *curve_files(task.results, task.label).values()],
        rests_on=task.rests_on(COMPARISON_READ),
    )


def find_combined(task: SubjectTask) -> tuple[CombinedSubject | None, str]:
    """What `combine_subject` left, where it was done from the same; else None, and what is damaged where it was."""
    kept, damage = _step(task).find()
    if kept is None:
        return None, damage
    outcome = cast(_Outcome, kept)
    problems = [Problem(**problem) for problem in outcome["problems"]]
    return CombinedSubject(problems=problems, doubtful=frozenset(outcome["doubtful"])), ""


def combine_subject(task: SubjectTask) -> CombinedSubject:
    """Write the subject's rows of the long table, and how precisely each of its nights tells its markers.

    Parameters
    ----------
    task : SubjectTask
        The subject.
    """
    step = _step(task)
    step.begin()
    outcome = _combine(task)
    step.finish({"problems": [asdict(one) for one in outcome.problems], "doubtful": sorted(outcome.doubtful)})
    return outcome


def _combine(task: SubjectTask) -> CombinedSubject:
    found = _sort_out(cut_alike(task.stored_nights()))
    tables = []
    for night in found.nights:
        table = cut_rows(night)
        # Of a night without a good channel nothing is left, its stages neither.
        table = table[~table["channel"].isin(found.dropped) & (night not in found.unusable)]
        tables.append(table.assign(session=night.session, condition=night.condition))
    channels = dict.fromkeys(name for night in found.nights for name in night.channels)
    amplitudes = {name: find_amplitudes(found.nights, name) for name in channels if name not in found.dropped}
    rows = pd.concat([*tables, *measure_across_nights(found.nights, amplitudes)], ignore_index=True)
    rows = pd.concat([rows, _regions(rows[~rows["channel"].isin(found.doubtful)])], ignore_index=True)
    marked = rows["channel"].isin(found.doubtful) & rows["value"].notna()
    rows.loc[marked, "note"] = [
        f"doubtful channel: {found.doubtful[channel]}" + (f"; {note}" if note else "")
        for channel, note in zip(rows.loc[marked, "channel"], rows.loc[marked, "note"], strict=True)
    ]
    rows.insert(0, "subject", task.subject)
    rows = rows[MEASURES.names]
    rows = rows.sort_values(["measure", *KEY[:5], "variant"], kind="stable", ignore_index=True)
    write_table(rows, subject_file(task.results, task.label))
    regions = regions_of_every_night(rows[~rows["channel"].isin([*found.doubtful, *REGIONS, FRONTAL_CENTRAL])])
    write_table(_precision(found, regions), subject_file(task.results, task.label, "precision"))
    curves = describe_conditions(found.nights, task.baseline, amplitudes, rows)
    for name, path in curve_files(task.results, task.label).items():
        write_table(getattr(curves, name), path)
    return CombinedSubject(problems=_left_out(task.subject, found), doubtful=frozenset(found.doubtful))


def _sort_out(nights: Sequence[SubjectNight]) -> _Sorted:
    # A night without a good channel goes alone: it must not take the other nights' channels with it.
    compared = [night for night in nights if not night.is_adaptation]
    found = {night.session: night.bad_channels() for night in compared}
    unusable = [night for night in compared if len(found[night.session]) == len(night.channels)]
    some_left = len(unusable) < len(nights)
    if some_left:
        nights = [night for night in nights if night not in unusable]
    alone = [night.session for night in unusable]
    bad = {
        (channel, session): reason
        for session, channels in found.items()
        if session not in alone
        for channel, reason in channels.items()
    }
    # A night that is held against no other keeps its doubtful channels, marked, and its regions go without them.
    doubtful = {channel: reason for (channel, _), reason in bad.items()} if len(nights) == 1 and some_left else {}
    dropped = {channel for channel, _ in bad} if some_left else {name for names in found.values() for name in names}
    return _Sorted(
        nights=nights,
        compared=compared,
        unusable=unusable,
        bad=bad,
        dropped=frozenset() if doubtful else dropped,
        doubtful=doubtful,
    )


def _left_out(subject: str, found: _Sorted) -> list[Problem]:
    """Channels left out of all nights, nights without a good channel, unread channels."""
    look = "Look at the electrode; the other channels are not touched."
    what = "in the tables with this doubt, left out of the regions" if found.doubtful else "left out of all nights"
    bad = found.bad.items()
    told = [(session, f"{name}: {why} in session {session}; {what}.", look) for (name, session), why in bad]
    nothing = "every EEG channel is bad in this night; the night is left out, the others are not touched."
    told += [(night.session, nothing, "Its reasons stand in nights.tsv (verdict_reasons).") for night in found.unusable]
    told += [
        (night.session, f"{problem} The channel is left out of this night.", look)
        for night in found.compared
        for problem in night.summary.get("unread", {}).values()
    ]
    return [
        Problem(subject=subject, session=session, step="channel", problem=text, remedy=remedy)
        for session, text, remedy in told
    ]


def _regions(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the regions, and the frontal/central ratio of SWA."""
    means = region_means(rows, REGION_KEYS)
    front, centre = (select(means, channel=place, measure="swa").set_index(REGION_KEYS) for place in REGIONS)
    if not len(front) or not len(centre):
        return means
    both = front.assign(central=centre["value"], why=centre["note"]).reset_index()  # side by side, by their keys
    both["value"] /= both.pop("central")
    both["note"] = both["note"].where(both["note"] != "", both.pop("why"))
    ratio = both.assign(measure="frontal_central_ratio", unit="1", channel=FRONTAL_CENTRAL)
    return pd.concat([means, ratio], ignore_index=True)


def _precision(found: _Sorted, regions: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Standard errors of each night by itself."""
    tables = []
    for night in found.nights:
        stretches = {name: night.stretches(name) for name in night.channels if name not in found.dropped}
        spreads = measure_precision(night.epochs, night.waves, stretches, regions, night.settings)
        tables.append(spreads.assign(session=night.session))
    return pd.concat(tables, ignore_index=True)[SPREADS.names]
