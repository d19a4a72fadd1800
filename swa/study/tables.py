"""The tables of a whole study: nights, problems, and the long table of measures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from swa.measures.quality import UNUSABLE, judge_night
from swa.measures.rejection import REJECTION_COLUMNS
from swa.night_tables import MEASURE_COLUMNS
from swa.settings import Settings
from swa.study.copies import find_copies
from swa.study.manifest import Study
from swa.study.nights import NightOutcome
from swa.study.store import NightFolder, read_results, replace_file, write_table
from swa.study.subject import DOUBTFUL, subject_file

SAME_REMEDY = "One of the two is a copy: name the recording of each night; their comparison says nothing."
PROBLEM_COLUMNS = ["subject", "session", "recording", "step", "problem", "remedy"]
HEADLINES = ("swa", "wave_density", "wave_amplitude_p90", "wave_slope_up_matched")
STATISTICS = ("TIB", "TST", "SOL", "WASO", "SE", "N1", "N2", "N3", "REM")


def nights_table(
    study: Study, outcomes: dict[int, NightOutcome], excluded: set[int], results: Path, settings: Settings
) -> pd.DataFrame:
    """One row a night: the study file's columns, what became of it, its sleep, and the verdict on it."""
    table = study.nights.drop(columns=["path", "problem", "hypnogram"], errors="ignore").copy()
    rows = []
    for i in table.index:
        outcome = outcomes.get(i)
        status = "excluded" if i in excluded else outcome.status if outcome else "failed"
        row: dict[str, object] = {"status": status}
        folder = NightFolder(results, table.loc[i, "subject_label"], table.loc[i, "session_label"])
        summary = (folder.summary() or {}).get("summary") if status == "done" else None
        row["staging_source"] = summary["staging_source"] if summary else ""
        for name in ("recording_min", "sleep_onset_min", "nrem_cycles", "staging_confidence"):
            value = summary[name] if summary else None
            row[name] = np.nan if value is None else round(value, 3)
        if settings.scoring.compare_with_yasa:
            agreement = (summary or {}).get("agreement") or {}
            for name in ("accuracy", "kappa"):
                value = agreement.get(name)
                row[f"yasa_{name}"] = np.nan if value is None else value
        for name in STATISTICS:
            value = summary["statistics"].get(name) if summary else None
            row[name if name == "SE" else f"{name}_min"] = np.nan if value is None else value
        row["verdict"], row["verdict_reasons"] = "", ""
        if summary:
            row["verdict"], reasons = judge_night(summary, settings.artifacts, settings.quality)
            row["verdict_reasons"] = "; ".join(reasons)
        elif status == "failed":
            row["verdict"], row["verdict_reasons"] = UNUSABLE, "failed (see problems.tsv)"
        rows.append(row)
    return pd.concat([table, pd.DataFrame(rows, index=table.index)], axis=1)


def problems_table(study: Study, outcomes: dict[int, NightOutcome], excluded: set[int]) -> pd.DataFrame:
    """Every night that was left out, where it failed, why, and what to do; indexed by place in the plan."""
    rows, places = [], []
    for i, night in enumerate(study.nights.to_dict("records")):
        outcome = outcomes.get(i)
        if i in excluded:
            step, problem, remedy = "exclude", "left out by --exclude", ""
        elif night["problem"]:
            step, problem, remedy = "plan", f"{night['problem'].rstrip('.')}.", "Correct the study file."
        elif outcome and outcome.status == "failed":
            step, problem, remedy = outcome.step, outcome.problem, outcome.remedy
        else:
            continue
        rows.append((night["subject"], night["session"], night["recording"], step, problem, remedy))
        places.append(i)
    if not study.needs_template:  # there nothing is compared
        kept = study.nights.drop(index=list(excluded))
        for copy, first in find_copies(kept["path"].tolist()).items():
            one, same = kept.iloc[copy], kept.iloc[first]
            problem = f"holds the same signals as the recording of {same['subject']} {same['session']}."
            rows.append((one["subject"], one["session"], one["recording"], "plan", problem, SAME_REMEDY))
            places.append(kept.index[copy])
    return pd.DataFrame(rows, columns=PROBLEM_COLUMNS, index=places)


def join_measures(results: Path, labels: Sequence[str]) -> pd.DataFrame:
    """The long table: the subjects' rows, one row group per measure, so that one measure can be read alone."""
    tables = [pd.read_parquet(subject_file(results, label)) for label in labels]
    if not tables:
        empty = pd.DataFrame(columns=["subject", "session", "condition", *MEASURE_COLUMNS]).astype({"value": float})
        write_table(empty, results / "measures.parquet")
        return empty
    joined = pd.concat(tables, ignore_index=True).sort_values("measure", kind="stable", ignore_index=True)
    path = results / "measures.parquet"
    schema = pa.Schema.from_pandas(joined, preserve_index=False)

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for _, part in joined.groupby("measure", sort=False):
                writer.write_table(pa.Table.from_pandas(part, schema, preserve_index=False))

    replace_file(path, write)
    return joined


def join_rejection(results: Path, nights: pd.DataFrame) -> None:
    """What each artefact rule removed of NREM, SWA and slow waves, of every night and channel: ``rejection.tsv``."""
    columns = ["subject", "session", "condition", *REJECTION_COLUMNS]
    tables = []
    for night in nights.to_dict("records"):
        table = NightFolder(results, night["subject_label"], night["session_label"]).read("rejection")
        tables.append(table.assign(**{name: night[name] for name in columns[:3]})[columns])
    write_table(pd.concat(tables) if tables else pd.DataFrame(columns=columns), results / "rejection.tsv")


def add_headlines(results: Path, measures: pd.DataFrame) -> None:
    """Headline markers of each night (N2+N3, whole night, frontal or else the first channel) beside its sleep."""
    nights = read_results(results).nights
    keys = ["subject", "session"]
    whole = measures[(measures["stages"] == "NREM") & (measures["window"] == "night") & (measures["variant"] == "")]
    for name in HEADLINES:
        rows = whole[whole["measure"] == name]
        front = rows[rows["channel"] == "frontal"]
        first = rows.assign(doubt=rows["note"].str.startswith(DOUBTFUL)).sort_values("doubt", kind="stable")
        first = first.drop(columns="doubt").drop_duplicates(keys)
        chosen = pd.concat([front, first[~first["subject"].isin(front["subject"])]])
        values = chosen.set_index(keys)["value"].round(4)
        nights[name] = [values.get((row.subject, row.session), np.nan) for row in nights[keys].itertuples()]
    write_table(nights, results / "nights.tsv")
