"""What a night costs that is finished already: the second run of a study, and the third where everything is done.

    python benchmarks/finished_nights.py [--nights 200] [--verify]

One short simulated night is processed; the others are copies of its recording, of which one sample differs (a recording
under two names is refused), and of its files under their own names. At the end `swa compare` after one setting of the
comparison changed: one that no step of a subject reads, then one that they do. The pages are left out (they are
written once, and none is written by the runs that are timed); for each subject 60 figure files stand in their place,
since a run looks at the size and time of each. Target: < 20 ms a night.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from swa import pipeline
from swa.settings import ComparisonSettings, Settings
from swa.simulation.simulated_study import simulate_study
from swa.study.run import plan_of_nights
from swa.study.run.night_work import _fingerprint, _hash_inputs, process_night
from swa.tables.files import write_text

TARGET_MS = 20.0


def make_study(folder: Path, nights: int) -> Path:
    study = simulate_study(
        folder, subjects=1, conditions=("baseline",), hours=1.5, rate_hz=100.0, channels=("C4-M1",), effect={}
    )
    row = pd.read_csv(study, sep="\t", dtype=str).iloc[0]
    first = folder / row["recording"]
    rows = []
    for i in range(nights):
        subject, condition = f"P{i // 2:04d}", ("baseline", "ketamine")[i % 2]
        name = f"{subject}_{condition}.edf"
        recording = bytearray(first.read_bytes())
        middle = 256 + int(0.4 * (len(recording) - 256)) // 2 * 2
        recording[middle : middle + 2] = i.to_bytes(2, "little")
        (folder / name).write_bytes(recording)
        stages = f"truth/{first.stem}_stages.tsv"
        rows.append({"subject": subject, "condition": condition, "recording": name, "hypnogram": stages})
    first.unlink()
    pd.DataFrame(rows).to_csv(study, sep="\t", index=False)
    return study


def scale_spectra(path: Path, factor: float) -> dict[str, object]:
    """Make the night another one: the same spectra are the same recording under another name."""
    spectra = pd.read_parquet(path)
    spectra["density_uv2_hz"] *= factor
    spectra.to_parquet(path)
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}


def finish_all(recordings: Path, results: Path) -> None:
    """Process the first night and copy it to the others."""
    study = pipeline.plan_study(recordings, None, Settings(), results)
    asked = plan_of_nights.Asked(overwrite=False, verify=False, run="", shared=False)
    rows = [row for _, row in study.nights.iterrows()]
    tasks = [plan_of_nights._night_task(row, results, Settings(), asked, None, None) for row in rows]
    assert process_night(tasks[0]).status == "done"
    document = tasks[0].folder.document()
    for number, task in enumerate(tasks[1:], 1):
        task.folder.path.mkdir(parents=True)
        own = json.loads(json.dumps(document))
        for ending in document["files"]:
            shutil.copy(tasks[0].folder.file(ending), task.folder.file(ending))
        own["files"]["desc-spectra.parquet"] = scale_spectra(
            task.folder.file("desc-spectra.parquet"), 1 + 1e-3 * number
        )
        hashes = _hash_inputs(task)
        own["fingerprint"] = _fingerprint(task, hashes)
        own["provenance"] |= {"inputs": hashes, "subject": task.subject, "condition": task.condition}
        time.sleep(0.005)  # older than desc-night.json by the clock of the file system
        task.folder.finish(own)


def write_stand_in(task: object) -> list[tuple[str, str, str]]:
    if isinstance(task, pipeline.PageTask):
        folder = task.results / f"sub-{task.label}"
        write_text("page", folder / f"sub-{task.label}.html")
        (folder / "figures").mkdir(exist_ok=True)
        for i in range(60):
            (folder / "figures" / f"figure-{i}.svg").write_text("figure")
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--verify", action="store_true")
    arguments = parser.parse_args()
    pipeline._write_page = write_stand_in  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as place:
        recordings, results = Path(place) / "recordings", Path(place) / "results"
        make_study(recordings, arguments.nights)
        finish_all(recordings, results)
        print(f"{'run':28} {'nights':>6} {'finished':>8} {'wall s':>7} {'CPU s':>6} {'ms a night':>10}", flush=True)
        worst = 0.0
        for name in ("makes tables", "everything done", "everything done", "everything done"):
            wall, cpu = time.perf_counter(), time.process_time()
            run = pipeline.run_study(recordings, results, jobs=1, verify=arguments.verify)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            per_night = cpu / arguments.nights * 1000
            found = len(run.nights) - run.n_fresh
            print(f"{name:28} {len(run.nights):6} {found:8} {wall:7.2f} {cpu:6.2f} {per_night:10.1f}", flush=True)
            worst = per_night
        pipeline._write_page = lambda _: []
        for name, value in (("equivalence_margin", 1.3), ("confidence", 0.9)):
            wall, cpu = time.perf_counter(), time.process_time()
            changed = Settings(comparison=ComparisonSettings.model_validate({name: value}))
            pipeline.compare_study(results, jobs=1, settings=changed)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"compare, {name} {value}: {wall:.2f} s, CPU {cpu:.2f} s, pages apart", flush=True)
        print(f"overhead of a finished night: {worst:.1f} ms of CPU time, target < {TARGET_MS:g}", end="")
        print(" MISSED" if worst >= TARGET_MS else "")
    sys.exit(int(worst >= TARGET_MS))


if __name__ == "__main__":
    main()
