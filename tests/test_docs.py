"""What the documentation says is true: examples of docstrings, README and docs are run, links and names are checked."""

import doctest
import inspect
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, version
from pathlib import Path

import pandas as pd
import pytest
import typer

import swa
from swa.comparison.verdicts import verdict_of_orders
from swa.report.words.references import bibtex
from swa.settings import check_settings
from swa.tables import doubts

ROOT = Path(__file__).parents[1]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _documented() -> Iterator[tuple[str, object]]:
    for name in swa.__all__:
        item = getattr(swa, name)
        if inspect.ismodule(item):
            yield from ((f"{name}.{part}", getattr(item, part)) for part in item.__all__)
        elif callable(item):
            yield name, item
    yield "WaveCriteria.preset", swa.WaveCriteria.preset
    yield "Recording.from_raw", swa.Recording.from_raw


DOCUMENTED = dict(_documented())
FUNCTIONS = {name: item for name, item in DOCUMENTED.items() if not inspect.isclass(item)}
NEEDS_RESULTS = {name for name, item in FUNCTIONS.items() if '"results"' in (item.__doc__ or "")}
# YASA's staging imports for seconds, and nights cost a second each.
SLOW = NEEDS_RESULTS | {name for name in FUNCTIONS if "figures." in name} | {"stage_recording", "compare_nights"}


def test_public_names_are_those_that_are_promised() -> None:
    assert sorted(swa.__all__) == sorted(
        [
            *("read_recording", "Recording", "stage_recording", "read_hypnogram", "detect_slow_waves", "WaveCriteria"),
            *("analyze_night", "Night", "measures_from_waves", "compare_nights", "read_results", "Results", "figures"),
            *(
                "published_effects",
                "Settings",
                "read_settings",
                "SwaError",
                "run_study",
                "compare_study",
                "simulate_study",
                "__version__",
            ),
        ]
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_it_takes_and_gives_with_an_example(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    headings = re.findall(r"^([A-Z]\w+(?: \w+)?)\n-+$", text, flags=re.MULTILINE)
    assert {"Parameters", "Returns", "Examples"} <= set(headings), headings
    order = ["Parameters", "Returns", "Raises", "See Also", "Notes", "Examples"]
    assert headings == [heading for heading in order if heading in headings]
    parameters = text.split("Parameters\n----------\n")[1].split("\n\n")[0]
    own = [parameter for parameter in inspect.signature(FUNCTIONS[name]).parameters if parameter != "self"]
    told = {
        word.strip()
        for line in re.findall(r"^(\w[\w, ]*)(?: :|$)", parameters, re.MULTILINE)
        for word in line.split(",")
    }
    assert set(own) == told


def _run_examples(name: str, text: str) -> None:
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(text), {}, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    assert test.examples
    assert not report, "".join(report)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name, item in DOCUMENTED.items()
        if ">>>" in (item.__doc__ or "")
    ],
)
def test_examples_of_docstrings_give_what_they_say(
    name: str, lab: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in NEEDS_RESULTS:
        request.getfixturevalue("studied")
    monkeypatch.chdir(lab)
    _run_examples(name, DOCUMENTED[name].__doc__ or "")


# --- the blocks of README and docs

PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")})
BLOCK = re.compile(r"^( *)```([\w{}-]*)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)
# Commands that are not run here, by their first words, with who runs them or why nobody does.
ELSEWHERE = {
    "python -m pip install .": ".ci/run installs the wheel; network",
    'python -m pip install ".[test]"': ".ci/run; network",
    "pytest": ".ci/run",
    "swa run sample_recordings -o results": "the fixture `studied`",
    "swa run recordings -o results --blind": "tests/test_blinding.py, as it needs nights of its own",
    "swa unblind": "tests/test_blinding.py",
    "examples/cluster/slurm.sh": "tests/test_selection.py, with a scheduler that works at once",
    "swa run /data/study -o /data/results --jobs 1 --part": "tests/test_selection.py, by the array",
    "snakemake": "tests/test_selection.py, where snakemake is; another program",
    "nextflow": "tests/test_selection.py runs its commands; another program",
    "swa /data/bids": "tests/test_selection.py",
    "docker": "another program, and network",
    "apptainer": "another program, and network",
    "dask": "tests/test_batch.py has a scheduler; this one would need a host",
    "swa run /data/study -o /data/results --scheduler": "tests/test_batch.py",
    "export DASK_": "a variable of Dask's workers",
    "python examples/public/": "tests/test_public_examples.py, on made files; needs the data set",
}
# Blocks of text that are no command of ours: by their first words.
SHOWN = {
    "luna": "Luna is another program",
    "cfg = []": "SleepTrip, in MATLAB",
    "GET DATA": "SPSS",
    "note: 12 nights": "what swa says",
    "VP01/": "names of files",
}
OUTPUTS = {"validation.md"}  # what benchmarks printed
SHELL = ("", "bash")


def _blocks(page: Path) -> list[tuple[str, str]]:
    found = [(match[2], inspect.cleandoc(match[3])) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    return [(kind, text) for kind, text in found if not kind.startswith("{")]  # Sphinx's own


def _commands(text: str) -> list[str]:
    lines = (part.split("  #")[0].strip() for line in text.splitlines() for part in line.split("&&"))
    return [line for line in lines if line]


def _begins(text: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if text.startswith(word)]


def _typed() -> Iterator[str]:
    """Every line that the documentation has typed into a terminal."""
    for page in PAGES:
        for kind, text in _blocks(page):
            if (kind in SHELL and not _begins(text, SHOWN)) or _begins(text, ["python examples/"]):
                yield from _commands(text)


TYPED = sorted(set(_typed()))
COMMANDS = [command for command in TYPED if not _begins(command, ELSEWHERE)]
PYTHON = [
    page
    for page in PAGES
    if any(language == "python" for language, _ in _blocks(page)) and page.name != "cluster.md"  # it asks SLURM
]


def test_every_block_of_the_docs_is_run_or_named_with_a_reason() -> None:
    for page in PAGES:
        for kind, text in _blocks(page):
            assert kind in {"python", "toml", "r", "sql", "bash", "text", ""}, (page.name, kind)
            if kind == "text" and page.name not in OUTPUTS:
                assert _begins(text, [*SHOWN, *ELSEWHERE]), (page.name, text)
    assert all(command.startswith("swa ") for command in COMMANDS), COMMANDS


def test_every_exception_is_of_a_command_that_is_there() -> None:
    texts = [text for page in PAGES for _, text in _blocks(page)]
    assert not [word for word in ELSEWHERE if not any(_begins(command, [word]) for command in TYPED)]
    assert not [word for word in SHOWN if not any(_begins(text, [word]) for text in texts)]


def test_commands_within_sentences_have_the_options_that_they_name() -> None:
    from swa_cli.main import app

    known = typer.main.get_command(app)
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for command in re.findall(r"`swa ([^`]+)`", text):
            name, *words = command.split()
            if name.isalpha() and name.islower():
                options = {option for each in known.commands[name].params for option in each.opts} | {"--help"}
                assert {word for word in words if word.startswith("-")} <= options, (page.name, command)
        for module in re.findall(r"`python (?:-m )?benchmarks[./](\w+)", text):
            assert (ROOT / "benchmarks" / f"{module}.py").is_file(), (page.name, module)


def test_the_faq_gives_an_order_of_nights_the_verdict_that_it_makes() -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| ([^|]+) \|", (ROOT / "docs" / "faq.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    for reason in (doubts.ORDER_OPEN(), doubts.ORDERS(first=7, baseline="placebo", last=1, treatment="ketamine")):
        told = [verdict for text, verdict in rows if re.match(text.replace("…", ".*"), reason.words)]
        assert told == [verdict_of_orders(reason)]


@pytest.mark.parametrize("page", [page for page in PAGES if any(kind == "toml" for kind, _ in _blocks(page))], ids=str)
def test_settings_of_the_docs_are_settings(page: Path) -> None:
    for language, text in _blocks(page):
        if language == "toml":
            check_settings(tomllib.loads(text), page.name)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_docs_run(
    command: str, studied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from swa_cli.main import main

    monkeypatch.chdir(studied)
    (studied / "settings.toml").write_text('[channels]\nroles = { "Kanal 7" = "eeg" }\n')
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    said = capsys.readouterr().err
    if command.startswith("swa plan results"):  # two subjects have no reliability of their own, and are told so
        assert "State the reliability instead" in said
    else:
        assert not ended.value.code, said


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_of_the_docs_runs(page: Path, studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)
    names: dict[str, object] = {}  # the blocks of a page go on from one another
    for language, text in _blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec"), names)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R with lme4 (Debian: r-base-core, r-cran-lme4)")
def test_r_of_the_docs_runs_and_reads_the_same_numbers(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)
    exec(compile((ROOT / "examples" / "tables_for_r.py").read_text(encoding="utf-8"), "tables_for_r.py", "exec"), {})
    blocks = [text for language, text in _blocks(ROOT / "docs" / "howto" / "r.md") if language == "r"]
    shown = 'cat("READ", group$estimate[group$channel == "frontal"], nrow(nights), "\\n")'
    ran = subprocess.run(["Rscript", "-e", "\n".join([*blocks, shown])], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    estimate, nights = ran.stdout.split("READ")[1].split()
    group = swa.read_results("results").contrasts.query(
        "subject == 'group' and stages == 'NREM' and channel == 'frontal'"
    )
    expected = group.query("window == 'cycle-1' and measure == 'swa' and variant == ''")["estimate"].item()
    assert float(estimate) == pytest.approx(expected, rel=1e-5)
    assert int(nights) == len(swa.read_results("results").nights)


@pytest.mark.slow
def test_sql_of_the_docs_runs(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(studied)
    (text,) = [text for kind, text in _blocks(ROOT / "docs" / "howto" / "data-elsewhere.md") if kind == "sql"]
    nights, contrasts = [duckdb.sql(query).fetchall() for query in text.split(";") if query.strip()]
    assert len(nights) == len(swa.read_results("results").nights)
    assert {row[0] for row in contrasts} == {"ketamine:baseline"}
    assert all(isinstance(row[2], float) for row in contrasts)


@pytest.mark.slow
def test_a_script_written_from_the_docs_is_short_and_its_files_are_there(
    studied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights from mne, scored by hand, own band, compared, two figures, exported: at most 25 lines."""
    monkeypatch.chdir(studied)
    script = next(text for language, text in _blocks(ROOT / "docs" / "howto" / "python.md") if language == "python")
    assert len([line for line in script.splitlines() if line.strip()]) <= 25
    assert "mne.io" in script
    names: dict[str, object] = {}
    exec(compile(script, "script.py", "exec"), names)
    changes = pd.read_csv("changes.csv").set_index("measure")
    assert 1.2 < changes.loc["swa", "estimate"] < 1.9  # 1.5 in truth, between two nights that differ anyhow
    assert Path("waves.png").stat().st_size > 5000
    assert Path("changes.svg").read_text().count("<path") > 20
    own, usual = names["settings"], swa.Settings()
    assert own.power.swa_hz != usual.power.swa_hz


def test_links_of_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_version_is_the_same_wherever_it_stands() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version("swa") == told
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {told}\n" in citation
    (year,) = re.findall(r"^date-released: (\d{4})-\d\d-\d\d$", citation, re.MULTILINE)
    assert f"  year = {{{year}}},\n" in bibtex([], told)  # as methods.bib cites it
    for page in ("README.md", "docs/tutorial.md"):
        assert f"({year}). *swa:" in (text := (ROOT / page).read_text(encoding="utf-8")), page
        assert f"(version {told}) [Computer software]" in text, page
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("## ")[1].startswith(told)


def test_a_wheel_needs_no_compiler() -> None:
    """Nothing but Python and text in it, and small."""
    files = [file for file in distribution("swa").files or () if not str(file).startswith("..")]
    assert not [file for file in files if file.suffix in (".so", ".pyd", ".dylib", ".c", ".pyx")]
    package = Path(swa.__file__).parent
    assert sum(path.stat().st_size for path in package.rglob("*") if path.suffix != ".pyc" and path.is_file()) < 5e6
