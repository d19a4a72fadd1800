"""The command line: exit codes, messages, and no traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from swa_cli.main import main
from swa_cli.show import Bar


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(args)
    return int(stopped.value.code or 0)


def test_settings_print_toml_that_reads_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from swa.settings import Settings, read_settings

    assert run("settings") == 0
    path = tmp_path / "settings.toml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_settings(path) == Settings()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    import swa

    for option in ("--version", "-V"):
        assert run(option) == 0
        assert capsys.readouterr().out.strip() == f"swa {version('swa')}"
    assert swa.__version__ == version("swa")


def test_the_package_runs_as_a_module_and_completes_commands() -> None:
    shown = subprocess.run([sys.executable, "-m", "swa", "-V"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("swa ")
    asked = {**os.environ, "_SWA_COMPLETE": "complete_bash", "COMP_WORDS": "swa set", "COMP_CWORD": "1"}
    call = [sys.executable, "-c", "import sys; sys.argv = ['swa']; from swa_cli.main import main; main()"]
    found = subprocess.run(call, capture_output=True, text=True, env=asked, check=False)
    assert found.stdout.split() == ["settings"]


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (("run", "nowhere"), "nowhere"),
        (("compare", "nowhere"), "nowhere"),
        (("inspect", "nowhere.edf"), "nowhere.edf"),
        (("run", ".", "--settings", "nowhere.toml"), "nowhere.toml"),
        (("simulate", "x", "--hours", "0.1"), "hours"),
        (("simulate", "x", "--effect", "ketamine=much"), "ketamine=much"),
        (("simulate", "x", "--effect", "aspirin=1.2"), "aspirin"),
    ],
)
def test_wrong_calls_end_with_2_and_say_why(
    args: tuple[str, ...],
    found: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*args) == 2
    error = capsys.readouterr().err
    assert found in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("x/*.edf"))


def test_unknown_setting_names_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[power]\nsigma_hertz = [11, 13]\n")
    assert run("run", str(tmp_path), "--settings", str(path)) == 2
    assert "power.sigma_hz" in capsys.readouterr().err


def test_inspect_of_a_broken_file_ends_with_1_and_prints_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "broken.edf").write_bytes(b"0" * 300)
    assert run("inspect", str(tmp_path), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["recordings"][0]["problems"]


def test_run_of_a_folder_of_broken_files_ends_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "broken.edf").write_bytes(b"0" * 300)
    assert run("run", str(tmp_path), "-o", str(tmp_path / "out"), "--jobs", "1") == 1
    printed = capsys.readouterr()
    assert "broken" in printed.err
    assert "Traceback" not in printed.err
    assert "index.html" in printed.out
    assert "broken.edf" in (tmp_path / "out" / "problems.tsv").read_text()


def test_simulate_then_inspect(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = str(tmp_path / "study")
    assert run("simulate", folder, "--subjects", "1", "--hours", "1.5", "--rate", "100", "--channels", "C4-M1") == 0
    assert run("inspect", folder, "--json") == 0
    out = capsys.readouterr().out
    plan = json.loads(out[out.index("{") :])["plan"]
    assert [night["condition"] for night in plan] == ["baseline", "ketamine"]
    for text, told in (
        ("swa cycle-1 frontal", "is not 'measure stages"),
        ("swa NREM cycle-1 Fz", "Known: C4-M1, all, "),
    ):
        (tmp_path / "settings.toml").write_text(f'[comparison]\nprimary = "{text}"\n')
        assert run("inspect", folder, "--settings", str(tmp_path / "settings.toml")) == 2
        printed = capsys.readouterr()
        assert told in printed.err
        assert "S01_baseline.edf" in printed.out


def test_plan_says_how_many_subjects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "--icc", "0.9", "--cv", "0.4", "--effect", "20%", "--subjects", "10") == 0
    out = capsys.readouterr().out
    assert "+20.0 % with power 0.8: 10 subjects." in out
    assert "10 subjects: power 0.850" in out


def test_numbers_have_a_decimal_comma_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("plan", "--icc", "0,9", "--cv", "0,4", "--effect", "20%", "--power", ",8") == 0
    assert "+20.0 % with power 0.8: 10 subjects." in capsys.readouterr().out
    assert run("plan", "--icc", "1,000") == 2
    assert "could be 1.000 or 1000" in " ".join(capsys.readouterr().err.split())
    assert run("plan", "--icc", "high") == 2
    assert "is not a number" in capsys.readouterr().err
    effects = ("--effect", "ketamine=1,25", "--hours", "1,5", "--rate", "100", "--channels", "C4-M1")
    assert run("simulate", str(tmp_path / "study"), "--subjects", "1", *effects) == 0


def test_plan_says_where_a_t_finds_more_and_what_to_preregister(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "--icc", "0.9", "--cv", "0.4", "--effect", "30%", "--subjects", "6") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "6 subjects: power 0.66" in said
    assert re.search(r"paired t, which stands beside the sign flips .* has power 0\.8\d+: preregister which", said)


def test_plan_names_the_window_that_it_is_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("plan", "--design", "crossover") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in N2+N3 of NREM cycle 1 at the frontal channels; of the whole night: ICC 0.76, CV 40 %;" in said
    assert "+20.0 % with power 0.8: 36 subjects." in said
    file = tmp_path / "settings.toml"
    file.write_text('[comparison]\nprimary = "swa NREM night frontal"\n')
    assert run("plan", "--design", "crossover", "--settings", str(file)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in N2+N3 of the whole night at the frontal channels; of the whole night: ICC 0.76" in said
    assert "19 subjects." in said
    assert run("plan", "--icc", "0.76") == 0
    assert "(stated of the marker in its own window: ICC 0.76, CV 40 %)" in " ".join(capsys.readouterr().out.split())


def test_plan_takes_a_study_or_a_reliability(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "somewhere", "--icc", "0.9") == 2
    assert "either a results folder" in capsys.readouterr().err
    assert run("plan", "--effect", "much") == 2
    assert "Write it like 20%" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_without_blame(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "swa.lock"))

    monkeypatch.setattr("swa.pipeline.run_study", full)
    assert run("run", str(tmp_path)) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "swa.lock: Permission denied. Check that the folder can be written" in error
    assert "fault of swa" not in error


def test_help_shows_what_stands_in_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "--help") == 0
    assert "the groups `comparison` and `comparability` are used" in " ".join(
        capsys.readouterr().out.replace("│", " ").split()
    )


def test_progress_says_at_once_what_is_read_and_how_long_the_rest_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain lines, as in a file: the first night of a real study takes minutes."""
    clock = iter([0.0, 240.0, 480.0, 720.0, 960.0, 1200.0, 1440.0])
    monkeypatch.setattr("swa_cli.show.time.monotonic", lambda: next(clock))
    with Bar() as bar:
        bar.say("looking through recordings ...")
        bar.update("nights", 0, 6, "")
        assert capsys.readouterr().err.splitlines() == ["looking through recordings ...", "reading 6 recordings ..."]
        for done in range(1, 7):
            bar.update("nights", done, 6, f"P{done} baseline")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "nights 1/6 P1 baseline 15 nights/h, about 20 min left"
    assert said[4:] == ["nights 5/6 P5 baseline 15 nights/h, about 4 min left", "nights 6/6 P6 baseline"]


def test_progress_counts_the_nights_that_were_finished_before_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 30.0])
    monkeypatch.setattr("swa_cli.show.time.monotonic", lambda: next(clock))
    with Bar() as bar:
        bar.update("nights", 4, 6, "")
        bar.update("nights", 5, 6, "P5 baseline")
    assert capsys.readouterr().err.splitlines() == [
        "reading 2 of 6 recordings ...",
        "nights 5/6 P5 baseline 120 nights/h, less than 1 min left",
    ]
