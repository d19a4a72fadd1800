"""What the commands print: a progress bar on a terminal, plain lines elsewhere, and short tables."""

import json
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from .alike_notes import told_together

if TYPE_CHECKING:
    import pandas as pd

    from swa.comparison.further.planning import SamplePlan
    from swa.pipeline import StudyRun
    from swa.report.optional_tables import PlainTable
    from swa.settings import Settings
    from swa.study.store import Results

MOST_NAMED = 10
_NOT_YET = "; of the recordings that can run no two are compared yet"
MANY_ALIKE = 4  # recordings of which nothing is to be said but their length
DESIGN_COLUMNS = (
    *("date", "order", "period", "phase", "arm", "group", "adaptation", "exclude"),
    *("dose_start", "dose_end", "lights_off", "lights_on"),
)
# Of a file's name or a cell: these would move the cursor, colour or rename the window, or turn the text around.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
_CONTROLS |= {ord(mark): mark for mark in "\n\t"}


def plain(text: str) -> str:
    """A text without characters that a terminal would obey."""
    return text.translate(_CONTROLS)


class Bar:
    """Progress on standard error: a bar with pace and time left on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[int, float]] = {}  # how many were done of a stage when it began, and when

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}"),  # rich forgets speeds after 30 s, and a night takes longer
                console=self._console,
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Say what is being done before anything can be counted."""
        _say(self._console if self._bar is None else self._bar.console, text)

    def update(self, stage: str, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` are done at this stage."""
        if stage not in self._begun:
            self._begun[stage] = done, time.monotonic()
            if stage == "nights":
                which = f"{total - done} of {total}" if done else f"{total}"
                self.say(f"reading {which} recordings ...")
        left = self._pace(stage, done, total) if stage == "nights" else ""
        if self._bar is None:
            if what or stage != "nights":
                _say(self._console, f"{stage} {done}/{total} {what} {left}".rstrip())
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total, left=left)
        self._bar.update(self._tasks[stage], completed=done, left=left)

    def _pace(self, stage: str, done: int, total: int) -> str:
        """Nights an hour so far, and how long the rest takes so; empty while none is done, and at the end."""
        before, begun = self._begun[stage]
        if done <= before or done >= total:
            return ""
        hours = max(time.monotonic() - begun, 1e-3) / (done - before) / 3600
        left_min = hours * 60 * (total - done)
        left = f"about {left_min:.0f} min left" if left_min >= 1 else "less than 1 min left"
        return f"{1 / hours:.0f} nights/h, {f'about {left_min / 60:.0f} h left' if left_min >= 90 else left}"


def show_run(run: "StudyRun", *, quiet: bool = False) -> None:
    """Print what a run left, and on standard error every night that failed; nothing else where it is to be quiet."""
    if quiet:
        tell_failed(run.nights, run.problems)
        return
    errors = Console(stderr=True, soft_wrap=True)
    from swa.study.plan.manifest import TEMPLATE, tell_template

    template = run.results.path / TEMPLATE
    for note in run.study.notes:
        _say(errors, f"note: {note}")
    if kept := tell_template(run.study, template):
        _say(errors, f"note: {kept}")
    if run.strays:
        strays = ", ".join(run.strays)
        _say(
            errors,
            f"note: {run.results.path} holds nights that this study does not name: {strays}; they are in no table, and "
            "--prune removes them",
        )
    nights = run.nights
    failed = nights[nights["status"] == "failed"]
    tried = tell_failed(nights, run.problems)
    if run.key is not None:
        _say(errors, f"note: the key is {run.key}; keep it from those who read the results")
    counts = nights["status"].value_counts()
    finished = int(counts.get("done", 0))
    before = finished - (run.n_fresh - tried)
    found = f", {before} of them finished before" if before > 0 else ""
    from swa.report.words.numbers import plural

    part = f"Part {run.part}: " if run.part else ""
    _say(
        _console(),
        f"{part}{plural(len(nights), 'night')} of {plural(nights['subject'].nunique(), 'subject')} "
        f"({run.study.source}): "
        f"{finished} done{found}, {len(failed)} failed, {int(counts.get('excluded', 0))} excluded.",
    )
    if run.part:
        _say(_console(), f"When every part is done: swa compare {run.results.path}")
    if not run.has_tables:
        return
    _show_design(run.results)
    show_results(run.results)
    if run.study.needs_template and len(nights) > 1 and template.is_file():
        to = run.study.root / "study.tsv"
        _say(_console(), f"To compare nights: copy {template} to {to}, fill in the column condition, and run again.")


def tell_failed(nights: "pd.DataFrame", problems: "pd.DataFrame") -> int:
    """Name every night that failed on standard error; returns how many of them were worked on."""
    errors = Console(stderr=True, soft_wrap=True)
    failed = nights.loc[nights["status"] == "failed", ["subject", "session"]]
    rows = problems.merge(failed, on=["subject", "session"])
    missing = rows[rows["step"] == "plan"]
    for row in rows.drop(missing.index[MOST_NAMED:]).itertuples():
        _say(errors, f"failed: {row.subject} {row.session}: {row.problem} {row.remedy}")
    if len(missing) > MOST_NAMED:
        more = f"{len(missing) - MOST_NAMED} more rows of the study file name no file that is there"
        _say(errors, f"failed: {more} (see problems.tsv).")
    return len(rows[rows["step"] != "plan"].drop_duplicates(["subject", "session"]))


def _show_design(results: "Results") -> None:
    """Print how each contrast was analysed, as the study file was understood; nothing where there is none."""
    from swa.comparison.contrasts import state_designs
    from swa.comparison.lost_contrasts import state_lost_contrasts

    for text in (
        *state_designs(results.nights, results.settings),
        *state_lost_contrasts(results.nights, results.settings),
    ):
        _say(_console(), f"Design as understood: {text}.")


def show_results(results: "Results") -> None:
    """Print the contrasts that lead and where to look."""
    from swa.report.terminal import absent_lines, leading_lines, leading_tables

    console = _console()
    for table in leading_tables(results):
        _print_table(console, table)
        if table.about:
            _say(console, table.about)
        console.print()
    if (results.path / "index.html").is_file():
        _say(console, f"Open {results.path / 'index.html'}")
    if len(results.problems):
        _say(console, f"Problems: {len(results.problems)} (see {results.path / 'problems.tsv'})")
    for line in (*absent_lines(results), *leading_lines(results)):
        _say(console, line)


def contrast_names(results: Path) -> set[str]:
    """Names of the contrasts of a results folder; none where there is no table of them yet."""
    from swa.tables.files import read_table

    path = results / "contrasts.tsv"
    return set(read_table(path)["contrast"].astype(str)) if path.is_file() else set()


def tell_dropped(names: "set[str]") -> None:
    """Say which contrasts were there before and are not now: those of an earlier ``--contrast`` are not kept.

    What a folder holds follows from its nights and settings, not from what was once asked of it.
    """
    errors = Console(stderr=True, soft_wrap=True)
    for name in sorted(names):
        _say(errors, f"note: {name} is no longer among the contrasts; --contrast {name} makes it again")


def show_plan(plan: "SamplePlan", settings: "Settings") -> None:
    """Print how many subjects are needed, what a number of them can find, and the power curve."""
    from swa.report.terminal import plan_in_words
    from swa.report.words.numbers import in_plain_letters

    console = _console()
    sentences, curve = plan_in_words(plan, settings)
    for sentence in sentences:
        _say(console, in_plain_letters(sentence))
    _print_table(console, curve, justify="right")


def show_inspection(found: dict[str, Any], *, as_json: bool, settings: "Settings | None" = None) -> None:
    """Print what `inspect_study` found, the design that a run would follow, and how many recordings can run."""
    found["design"], found["lost"], found["absent"], compared = [], [], [], []
    if len({night["condition"] for night in found["plan"]}) > 1:  # else there is nothing to import for
        import pandas as pd

        from swa.comparison.contrasts import state_designs
        from swa.comparison.lost_contrasts import state_lost_contrasts
        from swa.comparison.participation import expected_absences
        from swa.errors import SwaError
        from swa.report.terminal import say_what_is_tested
        from swa.report.words.absent import told_together
        from swa.settings import Settings, given_or_default
        from swa.study.plan.selection import excluded_by_file

        settings = given_or_default(settings, Settings)
        # What the names of a data set say of its baseline counts for the run, too.
        comparison = settings.comparison.model_copy(update={"baseline": found["baseline"]})
        told = settings.model_copy(update={"comparison": comparison})
        nights = pd.DataFrame(found["plan"])
        nights["status"] = excluded_by_file(nights).map({True: "excluded", False: "done"})
        can_run = {one["recording"] for one in found["recordings"] if one["can_run"]}
        expected = nights["status"].mask((nights["status"] == "done") & ~nights["recording"].isin(can_run), "failed")
        able = nights[nights["recording"].isin(can_run)]
        found["design"] = state_designs(able, told)
        if not found["design"]:
            planned = state_designs(nights, told)
            found["design"] = planned if able.empty else [f"{text}{_NOT_YET}" for text in planned]
        found["lost"] = state_lost_contrasts(nights.assign(status=expected), told)
        with suppress(SwaError):  # a wrong primary is refused once what was found is told
            compared = say_what_is_tested(nights, told)
            found["absent"] = told_together(expected_absences(able, _eeg_channels(found["recordings"]), told), told)
            compared += found["absent"]
    if as_json:
        print(plain(json.dumps(found, indent=1, ensure_ascii=False)))
        return
    lines = _plan_lines(found)
    lines += [f"Design as understood: {text}" for text in (*found["design"], *found["lost"])]
    lines += [*compared, _who_stages(found["scorings"]), *(f"note: {note}" for note in found["notes"])]
    if len(found["recordings"]) > 1:
        rows = [("label", "recordings", "channel", "role", "why")]
        rows += [
            (told["label"], str(told["recordings"]), told["channel"], told["role"], told["note"])
            for told in found["labels"]
        ]
        lines += ["Labels, and what they are taken for:", *_align(rows)]
    scorings = {night["recording"]: Path(night["hypnogram"]).name for night in found["plan"] if night["hypnogram"]}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for recording in found["recordings"]:
        groups.setdefault(tuple(_channel_lines(recording)), []).append(recording)
    for channels, alike in groups.items():
        told = _recordings_lines(alike, scorings)
        same = [f"{len(alike)} recordings:"] if len(alike) > 1 and channels else []
        lines += ["", *told, *same, *channels]
    _say(_console(), "\n".join([*lines, "", *_sum_up(found["recordings"])]))


def _eeg_channels(recordings: list[dict[str, Any]]) -> dict[str, list[str]]:
    """EEG channels of each recording."""
    return {
        one["recording"]: [channel["name"] for channel in one["channels"] if channel["role"] == "eeg"]
        for one in recordings
    }


def _plan_lines(found: dict[str, Any]) -> list[str]:
    """The nights that a run would take, where there is a plan."""
    if not found["plan"]:
        return []
    from swa.study.plan.cell_words import leaves_out

    number = len(found["plan"])
    stages = {recording["recording"]: _stages_of(recording) for recording in found["recordings"]}
    told = [name for name in DESIGN_COLUMNS if any(night.get(name) for night in found["plan"])]
    starts = {recording["recording"]: recording["start"] or recording["clock"] for recording in found["recordings"]}
    rows = [("subject", "condition", "session", "recording", "start", *told, "stages")]
    for night in found["plan"]:
        scoring = stages.get(night["recording"], "") or Path(night["hypnogram"]).name
        names = (night[name] for name in ("subject", "condition", "session", "recording"))
        scoring = "left out" if leaves_out(night.get("exclude", "")) else scoring
        start = starts.get(night["recording"]) or "-"
        rows.append((*names, start, *(_design_cell(night.get(name, "")) for name in told), scoring))
    left_out = sum(leaves_out(night.get("exclude", "")) for night in found["plan"])
    less = f", {left_out} of them left out (column exclude)" if left_out else ""
    return [f"Plan ({found['source']}): {number} night{'' if number == 1 else 's'}{less}", *_align(rows)]


def _design_cell(value: object) -> str:
    """A cell of the design; a dash where there is nothing to say."""
    if isinstance(value, bool):
        return "yes" if value else "-"
    return f"{value:g}" if isinstance(value, float) else str(value) or "-"


def _who_stages(scorings: dict[str, Any]) -> str:
    """How many nights come with their scoring, and how many are staged."""
    scored, staged = scorings["scored"], scorings["staged"]
    return f"Stages: {scored} night{'' if scored == 1 else 's'} by a scoring, {staged} by YASA"


def _recordings_lines(alike: list[dict[str, Any]], scorings: dict[str, str]) -> list[str]:
    """What is to be said of recordings with equal channels: what holds of several of them once."""
    own, shared = told_together({one["recording"]: one["notes"] for one in alike}, scorings)
    alike = [one | {"notes": own[one["recording"]]} for one in alike]
    quiet = [one for one in alike if not one["notes"] and not one["problems"] and one["duration_s"] is not None]
    quiet = quiet if len(quiet) >= MANY_ALIKE else []
    lines = [line for one in alike if one not in quiet for line in _recording_lines(one)]
    if quiet:
        minutes = sorted({f"{one['duration_s'] / 60:.1f}" for one in quiet}, key=float)
        names = ", ".join(one["recording"] for one in quiet[:MANY_ALIKE])
        more = f" and {len(quiet) - MANY_ALIKE} more" if len(quiet) > MANY_ALIKE else ""
        lines.append(f"{names}{more}: {' to '.join(dict.fromkeys((minutes[0], minutes[-1])))} min")
    return lines + [f"  note, {line}" for line in shared]


def _recording_lines(recording: dict[str, Any]) -> list[str]:
    """What is to be said of one recording."""
    lines = [f"{recording['recording']}: {_describe(recording)}"]
    lines += [f"  problem: {problem}" for problem in recording["problems"]]
    return lines + [f"  note: {note}" for note in recording["notes"]]


def _channel_lines(recording: dict[str, Any]) -> list[str]:
    """The channels of a recording, and what of them is used."""
    rows = [("channel", "role", "from", "rate", "unit", "why")]
    ignored: dict[str, list[str]] = {}
    for channel in recording["channels"]:
        if channel["role"] == "ignore":
            ignored.setdefault(channel["note"], []).append(channel["labels"][0])
        else:
            labels, rate = " - ".join(channel["labels"]), f"{channel['rate_hz']:g} Hz"
            rows.append((channel["name"], channel["role"], labels, rate, channel["unit"], channel["note"]))
    lines = _align(rows) if len(rows) > 1 else []
    if recording["staging"]:
        lines.append(f"  staged on {', '.join(recording['staging'])}")
    return lines + [f"  not used ({reason}): {', '.join(labels)}" for reason, labels in ignored.items()]


def _stages_of(recording: dict[str, Any]) -> str:
    """Where a night's stages would come from; empty where from its scoring."""
    if not recording["can_run"]:
        return "cannot run"
    return "by YASA" if recording["staging"] else ""


def _sum_up(recordings: list[dict[str, Any]]) -> list[str]:
    """How many recordings can run, then those that cannot, and those that can and have a problem all the same."""
    lines = [f"{sum(recording['can_run'] for recording in recordings)} of {len(recordings)} recordings can run."]
    for title, can_run in (("Cannot run:", False), ("Can run, but look at this first:", True)):
        told = [one for one in recordings if one["problems"] and one["can_run"] is can_run]
        lines += [title] * bool(told)
        lines += [f"  {_named(one['recording'], problem)}" for one in told[:MOST_NAMED] for problem in one["problems"]]
        lines += [f"  and {len(told) - MOST_NAMED} more"] * (len(told) > MOST_NAMED)
    return lines


def _named(recording: str, problem: str) -> str:
    """The problem with its recording, which most problems name themselves."""
    return problem if problem.startswith(recording) else f"{recording}: {problem}"


def _align(rows: "list[tuple[str, ...]]") -> list[str]:
    """Rows as lines in columns; a rich table for each of 1,000 recordings would take 10 s."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no edge to wrap at
    return console


def _print_table(console: Console, table: "PlainTable", justify: Literal["left", "right"] = "left") -> None:
    from swa.report.words.numbers import in_plain_letters

    shown = Table(title=table.label or None, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in table.columns:
        shown.add_column(plain(in_plain_letters(name)), justify=justify, no_wrap=True)
    for row in table.rows:
        shown.add_row(*(plain(in_plain_letters(cell)) for cell in row))
    console.print(shown)


def _say(console: Console, text: str) -> None:
    console.print(plain(text), highlight=False, markup=False, soft_wrap=True)


def _describe(recording: dict[str, Any]) -> str:
    from swa.report.words.numbers import plural

    if recording["duration_s"] is None:
        return "not analysed"
    clock = f"{recording['clock']}, date hidden" if recording["clock"] else "hidden"
    start = recording["start"] or f"start {clock}"
    return f"{recording['duration_s'] / 60:.1f} min, {start}, {plural(len(recording['channels']), 'signal')}"
