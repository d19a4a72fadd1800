"""Everything that the benchmarks print, as one page: docs/validation.md.

    python -m benchmarks [--full] [--data ../shared/data] [--only NAME ...] [--write docs/validation.md]

With `--only` the other parts of the page stay as they are; each part names the commit that it was made at. What is
written below what a script printed, to say what it shows, stays too.

By default the quick form of each, some minutes in all; `--full` takes the numbers of records that each script has by
itself, some hours. Those on real recordings are left out, and the page says so, where the data are absent. Exits with 1
when one of them does not end by itself. A target that is missed is printed as MISSED by its own script and stands on
the page.
"""

import argparse
import datetime
import itertools
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("swa", "yasa", "mne", "numpy", "scipy", "pandas", "scikit-learn", "specparam", "lunapi")
DATA = "{data}"  # stands for the folder of the real recordings
PEERS = "{data}/../peers"  # scripts that do the same with other programs
YASA_NIGHT = f"{PEERS}/yasa_night.py"


@dataclass(frozen=True)
class Part:
    """One script, its place on the page, and the arguments of its quick and its full form."""

    name: str
    section: str
    quick: tuple[str, ...] = ()
    full: tuple[str, ...] = ()


ACCURACY, AGREEMENT, REAL = "Accuracy where the truth is known", "Agreement with other programs", "Real recordings"
GRID = "All rates"
CALIBRATION, ROBUSTNESS, SPEED = "Calibration of intervals and tests", "Faults, and doubt where there is none", "Speed"
PARTS = (
    Part("known_spectra", ACCURACY, ("--records", "24", "--rates", "100", "160", "256", "800")),
    Part("known_waves", ACCURACY, ("--records", "3")),
    Part("aperiodic", ACCURACY, ("--spectra", "12")),
    Part("matched_slope", ACCURACY, ("--quick",)),
    Part("process_s", ACCURACY, ("--subjects", "150")),
    Part("simulated_staging", ACCURACY, ("--nights", "2")),
    Part("end_to_end", ACCURACY, ("--subjects", "4", "--hours", "2", "--studies", "1")),
    Part("peers_agreement", AGREEMENT, (DATA,), (DATA,)),
    Part("nap_against_yasa", AGREEMENT, *((f"{DATA}/recordings/nap_10ch_256hz.edf",),) * 2),
    Part("scored_cycle", REAL, (DATA,), (DATA,)),
    Part("architecture_reliability", REAL, (DATA,), (DATA,)),
    Part("window_reliability", REAL, (DATA, "--draws", "1"), (DATA,)),
    Part("stretched_waves", REAL, (DATA,), (DATA,)),
    Part("large_effect", REAL, (DATA,), (DATA, "--stage-nap")),
    Part("calibration", CALIBRATION, ("1000",), ("2000",)),
    Part("calibration_designs", CALIBRATION, ("500",), ("2000",)),
    Part("calibration_baselines", CALIBRATION, ("200",), ("1000",)),
    Part("calibration_moderators", CALIBRATION, ("200",), ("2000",)),
    Part("calibration_profiles", CALIBRATION, ("200",)),
    Part("calibration_interactions", CALIBRATION, ("500",), ("2000",)),
    Part("calibration_minutes", CALIBRATION, ("500",), ("2000",)),
    Part("calibration_sleep_minutes", CALIBRATION, ("200",), ("2000",)),
    Part("calibration_levels", CALIBRATION, ("200",), ("2000",)),
    Part("calibration_verdicts", CALIBRATION, ("100",), ("2000",)),
    Part("calibration_of_all", CALIBRATION, ("100",), ("500",)),
    Part("calibration_told", CALIBRATION, ("100",), ("1000",)),
    Part("calibration_families", CALIBRATION, ("100", "50")),
    Part("calibration_plans", CALIBRATION, ("500",)),
    Part("not_eeg", ROBUSTNESS, (DATA,), (DATA,)),
    Part("gain_check", ROBUSTNESS, ("--pairs", "1000")),
    Part("stage_fit", ROBUSTNESS, (DATA, "--repeats", "1"), (DATA, "--repeats", "8")),
    Part("stage_shift", ROBUSTNESS, ("--subjects", "4", "--studies", "1")),
    Part("recording_faults", ROBUSTNESS, ("--nights", "1", "--clean", "4"), ("--nights", "20", "--clean", "50")),
    Part("speed_measures", SPEED, ("--repeat", "3"), (f"{PEERS}/luna_night.py", "--repeat", "3")),
    Part("night_speed", SPEED, (YASA_NIGHT, "--hours", "1", "--repeat", "1"), (YASA_NIGHT,)),
    Part("inspect_speed", SPEED, ("--files", "200")),
    Part("large_study", SPEED, ("1000", "1000")),
)


def main(arguments: list[str] | None = None) -> int:
    """Run them and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS])
    parser.add_argument("--write", type=Path, default=HERE.parent / "docs" / "validation.md")
    options = parser.parse_args(arguments)
    parts = [part for part in PARTS if not options.only or part.name in options.only]
    kept = parts_of(options.write) if options.only and options.write.is_file() else {}
    lines, section, broken = kept.get("", head(full=options.full)), "", 0
    for part in PARTS:
        if part not in parts and title(part.name) not in kept:
            continue
        if part.section != section:
            section = part.section
            lines += [f"## {section}", ""]
        lines += [f"### {title(part.name)}", ""]
        if part not in parts:
            lines += [*kept[title(part.name)], *commented(title(part.name), kept)]
            continue
        given = part.full if options.full else part.quick
        if any(DATA in argument for argument in given) and not options.data.is_dir():
            lines += ["Not run: the real recordings were not there.", "", *commented(title(part.name), kept)]
            continue
        started = time.perf_counter()
        code, text = run(part.name, [argument.replace(DATA, str(options.data)) for argument in given])
        print(f"{part.name}: {time.perf_counter() - started:.0f} s, exit code {code}", flush=True)
        broken += code not in (0, 1)
        shown = " ".join(["python", f"benchmarks/{part.name}.py", *(a.replace(DATA, "DATA") for a in given)])
        lines += [f"`{shown}` (commit {commit()})", "", "```text", without_paths(text, options.data), "```", ""]
        lines += [*said_below(kept.get(title(part.name), [])), *commented(title(part.name), kept)]
    lines = with_grid(lines)
    options.write.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return int(broken > 0)


def parts_of(page: Path) -> dict[str, list[str]]:
    """Lines of each part of a page below its title; of what stands before them, below no title."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            name = line.removeprefix("### ")
            found[name] = []
        elif not line.startswith("## "):
            found[name].append(line)
    found.pop(GRID, None)
    return {name: [*"\n".join(lines).strip("\n").split("\n"), ""] for name, lines in found.items()}


def said_below(lines: list[str]) -> list[str]:
    """What stands below the first block of a part: words on it, by hand."""
    ends = [place for place, line in enumerate(lines) if line == "```"]
    return lines[ends[0] + 2 :] if ends else []


def with_grid(lines: list[str]) -> list[str]:
    """The page with the rates of all calibrations on one table, before the first of them."""
    if f"## {CALIBRATION}" not in lines:
        return lines
    start = lines.index(f"## {CALIBRATION}") + 2
    rows = [f"| {name} | {commit} | {held} | {missed} |" for name, commit, held, missed in rates_of(lines[start:])]
    table = ["| part | commit | rates held to a limit | beyond it |", "| --- | --- | --- | --- |", *rows]
    words = [
        "Each part asks for 99 % over all the rates that it holds to a limit (Bonferroni), so that with nothing wrong",
        f"one part in a hundred has one beyond it: of these {len(rows)}, one in {round(100 / len(rows))} runs of all.",
    ]
    return [*lines[:start], f"### {GRID}", "", *table, "", *words, "", *lines[start:]]


def rates_of(lines: list[str]) -> list[tuple[str, str, int, int]]:
    """Part, its commit, how many rates it holds to a limit and how many lie beyond, from what the scripts printed."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    part = ("", "")
    for line in lines:
        if line.startswith("## "):
            break
        if ran := re.match(r"`python benchmarks/(calibration\w*)\.py.*` \(commit (\S+)\)", line):
            part = ran.group(1), ran.group(2)
        elif counted := re.match(r"(\d+) of (\d+) (gated cells|cells|rates)\b", line):
            missed, held = found.get(part, (0, 0))
            found[part] = missed + int(counted.group(1)), held + int(counted.group(2))
    return [(*part, held, missed) for part, (missed, held) in found.items()]


def commented(name: str, kept: dict[str, list[str]]) -> list[str]:
    """What follows the part of this name on the page without a script of its own, such as a run that took a night."""
    titles, own = list(kept), {title(part.name) for part in PARTS}
    following = titles[titles.index(name) + 1 :] if name in kept else []
    return [
        line
        for other in itertools.takewhile(lambda other: other not in own, following)
        for line in (f"### {other}", "", *kept[other])
    ]


def commit() -> str:
    """Commit of the tree that runs, with a mark where it is changed."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    ran = subprocess.run(asked, capture_output=True, text=True, cwd=HERE, check=False)
    return ran.stdout.strip() or "unknown"


def head(*, full: bool) -> list[str]:
    """What the page is, when it was made, on what and with which versions."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    form = "full" if full else "quick"
    return [
        "# Validation",
        "",
        "What the benchmarks print: how accurate the measures are where the truth is known, how they agree with other",
        "programs, whether intervals and tests keep what they promise, and how fast it goes. Made by one command,",
        "`python -m benchmarks`; only words below a block are written by hand. MISSED marks a target that is not met.",
        "",
        f"Made {today}, {form} form, on {machine()}, Python {platform.python_version()}, {', '.join(found)}.",
        "Simulated nights are not patients, and the real recordings are few: see [the limits](limits.md).",
        "Seconds depend on what else the machine did at the time: compare them within a table.",
        "",
    ]


def machine() -> str:
    """Kind of processor, number of cores and system; no names."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), flags=re.MULTILINE)
        model = names[0].strip() if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def title(name: str) -> str:
    """First sentence of the script's own description."""
    text = (HERE / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    return " ".join(text.split("\n\n")[0].split()).split(". ")[0].rstrip(".")


def run(name: str, arguments: list[str]) -> tuple[int, str]:
    """Exit code and what was printed; where it broke, the last line of the error too."""
    ran = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=HERE.parent,
        env=os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": str(HERE.parent)},
    )
    text = ran.stdout.strip("\n")
    if ran.returncode not in (0, 1) or not text:
        text += "\n" + "\n".join(ran.stderr.strip().splitlines()[-1:])
    return ran.returncode, text.strip("\n")


def without_paths(text: str, data: Path) -> str:
    """Text without the folders of the machine that it was made on."""
    for folder, name in ((data.resolve(), "DATA"), (data, "DATA"), (HERE.parent, "."), (Path.home(), "~")):
        text = text.replace(str(folder), name)
    return "\n".join(line.rstrip() for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
