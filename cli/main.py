"""The commands. Heavy libraries load inside the command that needs them, so that `swa --help` costs nothing."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .bids_app import is_bids_call, read_bids_call
from .decimals import decimal

if TYPE_CHECKING:
    import pandas as pd

    from swa.pipeline import StudyRun
    from swa.settings import Settings

DONE, SOME_FAILED, WRONG_CALL, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="swa",
    help="Did the drug change slow-wave sleep? Compares sleep EEG between nights.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0 (done), 1 (some nights failed), 2 (the call is wrong) or 130 (stopped)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # Windows consoles may be narrower
    arguments = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in arguments
    if debug:
        arguments.remove("--debug")
    if args is None:
        _keep_libraries_quiet(debug=debug)
    try:
        if is_bids_call(arguments, [command.name or command.callback.__name__ for command in app.registered_commands]):
            _run_bids_app(arguments)
        app(arguments)
    except Exception as error:
        from swa.errors import SwaError

        if debug:
            raise
        if isinstance(error, SwaError):
            _fail(str(error))
        if isinstance(error, OSError):
            what = f"{error.filename or 'a file'}: {error.strerror or error}"
            _fail(f"{what}. Check that the folder can be written and its disk has room.")
        _fail(f"{type(error).__name__}: {error}. This is a fault of swa; --debug shows where.")


def _keep_libraries_quiet(*, debug: bool) -> None:
    """What libraries warn of is for those who write programs; ``--debug`` and ``-W`` show it.

    Python's own process that counts semaphores at the end of a run that was stopped tells nobody anything.
    """
    import logging
    import warnings

    given = os.environ.get("PYTHONWARNINGS", "")
    os.environ["PYTHONWARNINGS"] = ",".join([*[given] * bool(given), "ignore:resource_tracker:UserWarning"])
    if debug:
        return
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"  # of its other processes, too
    logging.disable()


def _version(wanted: bool) -> None:
    if wanted:
        from swa import __version__

        typer.echo(f"swa {__version__}")
        raise typer.Exit


def _code(nights: "pd.DataFrame", problems: "pd.DataFrame") -> int:
    """1 where a night, a subject step, a table, a figure or a page is missing."""
    from swa.study.problems import MISSING_STEPS

    is_missing = nights["status"].eq("failed").any() or problems["step"].isin(MISSING_STEPS).any()
    return SOME_FAILED if is_missing else DONE


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere in a call.")] = False,
) -> None:
    """Did the drug change slow-wave sleep? Compares sleep EEG between nights."""


@app.command()
def run(
    recordings: Annotated[
        Path, typer.Argument(help="Folder of recordings (EDF, BDF, BrainVision, EEGLAB, EGI, FIF), or one.")
    ],
    results: Annotated[Path, typer.Option("--results", "-o", help="Folder for the results.")] = Path("swa-results"),
    study: Annotated[
        Path | None, typer.Option(help="Study file (.tsv, .csv, .xlsx, .xlsm, .xls, .ods): a row a night.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings (TOML); `swa settings` prints the defaults.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: cores, nights, memory.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler that does the work.")] = None,
    part: Annotated[
        str | None, typer.Option(metavar="I/N", help="Every N-th night from the I-th; then `swa compare`.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="SUBJECT[/SESSION]", help="Leave out; may be given several times.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SUBJECT[/SESSION]", help="Work at these alone; others stay as they were."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do finished nights again.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every recording again.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove stored nights that the study no longer names.")
    ] = False,
    blind: Annotated[bool, typer.Option("--blind", help="Codes in the place of conditions, until unblind.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
) -> None:
    """Stage, measure and compare every recording of a folder, and write the pages."""
    from swa.pipeline import run_study

    asked = partial(
        run_study,
        recordings,
        results,
        study_file=study,
        settings=_read_settings(settings),
        jobs=jobs,
        scheduler=scheduler,
        part=part,
        exclude=exclude or (),
        only=only or (),
        overwrite=overwrite,
        verify=verify,
        prune=prune,
        blind=blind,
    )
    _follow(asked, recordings, quiet=quiet)


def _follow(study: "Callable[..., StudyRun]", recordings: Path, *, quiet: bool = False) -> NoReturn:
    """Run a study, say what became of it, and exit with its code."""
    from .show import Bar, show_run

    with _stoppable(), Bar(quiet=quiet) as bar:
        bar.say(f"looking through {recordings} ...")
        outcome = study(progress=bar.update)
    show_run(outcome, quiet=quiet)
    raise typer.Exit(_code(outcome.nights, outcome.problems))


@contextmanager
def _stoppable(then: str = "the same command goes on from there") -> Iterator[None]:
    """End a command at Ctrl+C with one line."""
    from swa.errors import StudyStopped

    try:
        yield
    except KeyboardInterrupt as stop:
        kept = "what was done before is kept"
        if isinstance(stop, StudyStopped):
            kept = f"{stop.finished} of {stop.total} nights {'is' if stop.finished == 1 else 'are'} finished and kept"
        typer.echo(f"swa: stopped: {kept}; {then}.", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # Dask's own end would wait for the workers, which end with this process


def _run_bids_app(arguments: Sequence[str]) -> NoReturn:
    """Run ``swa BIDS_DIR OUT participant|group``."""
    from swa.pipeline import run_study

    call = read_bids_call(arguments)
    asked = partial(
        run_study,
        call.bids_dir,
        call.output_dir,
        settings=_read_settings(call.settings),
        jobs=call.jobs,
        only=[f"sub-{label.removeprefix('sub-')}" for label in call.participant_label],
        nights_only=call.level == "participant",
    )
    try:
        _follow(asked, Path(call.bids_dir))
    except typer.Exit as end:
        sys.exit(end.exit_code)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    study: Annotated[Path | None, typer.Option(help="Study file, as for `swa run`.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what recordings hold and what `swa run` would do, from headers only."""
    from swa.study.plan.inspection import inspect_study

    from .show import show_inspection

    chosen = _read_settings(settings)
    found = inspect_study(path, study_file=study, settings=chosen)
    show_inspection(found, as_json=as_json, settings=chosen)
    _check_primary(found, chosen)
    raise typer.Exit(SOME_FAILED if any(recording["problems"] for recording in found["recordings"]) else DONE)


def _check_primary(found: dict[str, Any], settings: "Settings | None") -> None:
    """Refuse what `swa run` would refuse at once, and a channel that it would miss at the end."""
    import pandas as pd

    from swa.comparison.primary import check_primary
    from swa.settings import Settings, given_or_default

    channels = {
        channel["name"]
        for recording in found["recordings"]
        for channel in recording["channels"]
        if channel["role"] == "eeg"
    }
    check_primary(pd.DataFrame(found["plan"]), given_or_default(settings, Settings).comparison, channels)


@app.command()
def compare(
    results: Annotated[Path, typer.Argument(help="A results folder.")],
    contrast: Annotated[
        str | None,
        typer.Option(
            metavar="TREATMENT:BASELINE", help="A further contrast, beside those with the baseline; of this call alone."
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Settings (TOML): the groups `comparison` and `comparability` are used and kept."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes for the pages.")] = None,
) -> None:
    """Make subject steps, contrasts and pages again from stored nights; no recording is read."""
    from swa.pipeline import compare_study

    from .show import Bar, contrast_names, show_results, tell_dropped, tell_failed

    before = contrast_names(results)
    with _stoppable(), Bar() as bar:
        found = compare_study(
            results,
            contrast=contrast,
            jobs=jobs,
            settings=_read_settings(settings),
            progress=bar.update,
        )
    tell_failed(found.nights, found.problems)
    show_results(found)
    tell_dropped(before - contrast_names(results))
    raise typer.Exit(_code(found.nights, found.problems))


@app.command()
def unblind(
    results: Annotated[Path, typer.Argument(help="A results folder of `swa run --blind`.")],
    key: Annotated[Path, typer.Option(help="Its key file.")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes for the pages.")] = None,
) -> None:
    """Put the names of the conditions back; contrasts and pages are made again with the true baseline."""
    from swa.pipeline import unblind_study

    from .show import Bar, show_results

    with _stoppable("the same command, or where the names are back `swa compare`, goes on from there"), Bar() as bar:
        found = unblind_study(results, key, jobs=jobs, progress=bar.update)
    show_results(found)
    raise typer.Exit(_code(found.nights, found.problems))


@app.command()
def simulate(
    directory: Annotated[Path, typer.Argument(help="Folder for the recordings, study file and truth.json.")],
    subjects: Annotated[int, typer.Option(min=1, help="Number of subjects.")] = 4,
    conditions: Annotated[str, typer.Option(help="Conditions, the baseline first.")] = "baseline,ketamine",
    hours: Annotated[float, typer.Option(parser=decimal, metavar="NUMBER", help="Length of a night.")] = 8.0,
    effect: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION=RATIO", help="Ratio of slow-wave power in NREM; may be given several times."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    rate: Annotated[float, typer.Option(parser=decimal, metavar="HZ", help="Sampling rate of the EEG.")] = 256.0,
    channels: Annotated[str | None, typer.Option(help="Channels, e.g. F3-M2,C4-M1,E1-M2,Chin.")] = None,
    icc: Annotated[
        float, typer.Option(parser=decimal, metavar="NUMBER", help="Between-night reliability of slow-wave activity.")
    ] = 0.8,
    cv: Annotated[
        float,
        typer.Option(
            parser=decimal, metavar="NUMBER", help="Coefficient of variation of slow-wave activity over all nights."
        ),
    ] = 0.40,
    control_cv: Annotated[
        float, typer.Option(parser=decimal, metavar="NUMBER", help="Between-night variation of the gain-control bands.")
    ] = 0.15,
    artifacts: Annotated[int, typer.Option(min=0, help="Artefacts in each night.")] = 0,
) -> None:
    """Write whole nights with known truth: true stages, waves, Process S and effect."""
    from swa.simulation.simulated_study import DEFAULT_CHANNELS, simulate_study

    from .show import Bar

    names = tuple(name.strip() for name in conditions.split(",") if name.strip())
    with Bar() as bar:
        try:
            study = simulate_study(
                directory,
                subjects=subjects,
                conditions=names,
                hours=hours,
                effect=_effects(effect) if effect else {name: 1.25 for name in names if name == "ketamine"},
                seed=seed,
                rate_hz=rate,
                channels=tuple(channels.split(",")) if channels else DEFAULT_CHANNELS,
                icc=icc,
                cv=cv,
                control_cv=control_cv,
                artifacts=artifacts,
                progress=lambda done, total, what: bar.update("nights", done, total, what),
            )
        except ValueError as error:
            _fail(f"simulate: {error}")
    typer.echo(f"Wrote {subjects * len(names)} simulated nights and {study}.")
    typer.echo(f"Next: swa run {directory} -o results")


@app.command()
def plan(
    results: Annotated[Path | None, typer.Argument(help="A results folder whose own reliability is used.")] = None,
    icc: Annotated[
        float | None,
        typer.Option(parser=decimal, metavar="NUMBER", help="Between-night reliability of the marker (0 to 1)."),
    ] = None,
    cv: Annotated[
        float | None,
        typer.Option(parser=decimal, metavar="NUMBER", help="Coefficient of variation over subjects: 0.4 is 40 %."),
    ] = None,
    effect: Annotated[str, typer.Option(help="Effect to find: 20%, -15%, or a ratio, 1.2.")] = "20%",
    effect_sd: Annotated[
        float | None,
        typer.Option(parser=decimal, metavar="NUMBER", help="SD of the response over subjects (ln). Default: 0."),
    ] = None,
    power: Annotated[float, typer.Option(parser=decimal, metavar="NUMBER", help="Wanted power.")] = 0.8,
    subjects: Annotated[int | None, typer.Option(help="What this number of subjects can find.")] = None,
    design: Annotated[
        str, typer.Option(help="paired, crossover, pre/post crossover, parallel arms or mixed model.")
    ] = "paired",
    dropout: Annotated[
        float, typer.Option(parser=decimal, metavar="NUMBER", help="Share of subjects who will be lost: 0.1 is 10 %.")
    ] = 0.0,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings (TOML): the declared primary is planned for.")
    ] = None,
) -> None:
    """Sample size and smallest effect that can be found, from a stated or a study's own reliability."""
    from swa.comparison.further import planning
    from swa.settings import Settings, given_or_default
    from swa.study.store import read_results

    from .show import show_plan

    own = icc is not None or cv is not None
    if results and (own or settings_file):
        _fail("plan: give either a results folder, or --settings, --icc and --cv.")
    settings, told_of = given_or_default(_read_settings(settings_file), Settings), None
    if results:
        found = read_results(results)
        settings = found.settings
        variation = planning.study_variation(found, settings, effect_sd)
        told_of = planning.own_design(found, settings)[1]
    elif own:
        stated = settings.comparison
        given = (stated.icc if icc is None else icc, stated.cv if cv is None else cv)
        variation = planning.stated_variation(*given, effect_sd or 0.0, "stated of the marker in its own window")
    else:
        variation = planning.declared_variation(settings, effect_sd or 0.0)
    level = round(1 - settings.comparison.confidence, 12)
    asked = {
        "power": power,
        "subjects": subjects,
        "level": level,
        "design": design,
        "dropout": dropout,
        "told_of": told_of,
    }
    show_plan(planning.plan_sample(variation, effect=planning.read_effect(effect), **asked), settings)


@app.command("settings")
def print_settings(
    schema: Annotated[bool, typer.Option("--schema", help="Print a JSON schema, for editors that check TOML.")] = False,
) -> None:
    """Print the default settings as TOML, each with its unit and source."""
    from swa.settings import Settings, releases

    if schema:
        shape = Settings.model_json_schema()
        shape["properties"]["settings"] = {"enum": releases(), "description": "a release whose values count"}
        typer.echo(json.dumps(shape, indent=2))
    else:
        typer.echo(Settings().to_toml(), nl=False)


def _read_settings(path: Path | None) -> "Settings | None":
    """Read a settings file, and say what of a release's numbers it cannot bring back."""
    if path is None:
        return None
    from swa.settings import check_settings, not_reproduced, read_toml

    values = read_toml(path)
    for difference in not_reproduced(values, str(path)):
        typer.echo(f"note: {difference}", err=True)
    return check_settings(values, str(path))


def _effects(texts: Sequence[str]) -> dict[str, float]:
    effects: dict[str, float] = {}
    for text in re.split(r",(?!\d+(?:,|$))", ",".join(texts)):  # not at a decimal comma
        name, _, ratio = text.partition("=")
        try:
            if text:
                effects[name.strip()] = decimal(ratio)
        except typer.BadParameter:
            _fail(f"--effect {text}: expected CONDITION=RATIO, for example ketamine=1.25.")
    return effects


def _fail(message: str, code: int = WRONG_CALL) -> NoReturn:
    from .show import plain

    typer.echo(f"swa: {plain(message)}", err=True)
    sys.stdout.flush()
    sys.exit(code)
