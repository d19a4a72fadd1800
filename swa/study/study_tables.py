"""The tables of a whole study: nights, problems, and the long table of measures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from swa.glossary import short_names
from swa.measures.quality import UNUSABLE, judge_night
from swa.settings import Settings
from swa.study.copies import content_of, find_copies, find_same_starts
from swa.study.infusions import dose_columns
from swa.study.plan.manifest import Study
from swa.study.run.night_work import NightOutcome
from swa.study.store import NightFolder, read_results, replace_file, write_table
from swa.study.subject import DOUBTFUL, subject_file
from swa.tables.results_tables import MEASURES, PROBLEMS, REJECTION

START_REMEDY = (
    "Nobody sleeps two nights at once: name the recording of each night, or correct the start in the header that is "
    "wrong; parts of one night are to be joined."
)
SUBJECTS_AT_ONCE = 100  # of 12,000 rows each: 60 MB
JOINED_TEXTS = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "unit", "note"]
STATISTICS = ("TIB", "TST", "SOL", "WASO", "SE", "N1", "N2", "N3", "REM")


def nights_table(
    study: Study, outcomes: dict[int, NightOutcome], excluded: set[int], results: Path, settings: Settings
) -> pd.DataFrame:
    """One row a night: the study file's columns, what became of it, its sleep, and the verdict on it."""
    table = study.nights.drop(columns=["path", "problem", "hypnogram"], errors="ignore").copy()
    rows, summaries = [], {}
    for i in table.index:
        outcome = outcomes.get(i)
        status = "excluded" if i in excluded else outcome.status if outcome else "failed"
        row: dict[str, object] = {"status": status}
        folder = NightFolder(results, table.loc[i, "subject_label"], table.loc[i, "session_label"])
        summary = (folder.summary() or {}).get("summary") if status == "done" else None
        summaries[i] = summary or {}
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
    # A count stays one beside nights that have none, as in a part of a run.
    measured = pd.DataFrame(rows, index=table.index).astype({"nrem_cycles": "Int64"})
    return pd.concat([table, measured, dose_columns(table, summaries)], axis=1)


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
        paths = kept["path"].tolist()
        copies = find_copies(paths)
        for copy, first in copies.items():
            one, same = kept.iloc[copy], kept.iloc[first]
            problem = f"holds the same signals as the recording of {same['subject']} {same['session']}."
            remedy = f"One of the two is a copy: name the recording of each night. {_of_copies(one, same)}"
            rows.append((one["subject"], one["session"], one["recording"], "plan", problem, remedy))
            places.append(kept.index[copy])
        # Without its date, which could say in what order the nights of a blinded study were.
        for later, (first, _) in find_same_starts(kept["subject"].tolist(), paths, copies).items():
            one, same = kept.iloc[later], kept.iloc[first]
            problem = f"begins at the same second as the recording of {same['subject']} {same['session']}."
            rows.append((one["subject"], one["session"], one["recording"], "plan", problem, START_REMEDY))
            places.append(kept.index[later])
    return PROBLEMS.frame(rows).set_axis(places)


def _of_copies(one: pd.Series, same: pd.Series) -> str:
    """What becomes of two nights with one recording."""
    if one["subject"] != same["subject"]:
        return "Until then both subjects are compared, as if they were two."
    if one["condition"] != same["condition"]:
        return "Until then neither of them is compared."
    return "Until then the first of them counts."


def join_measures(results: Path, labels: Sequence[str]) -> int:
    """The long table: the subjects' rows, one row group per measure, so that one measure can be read alone.

    10,000 nights have some 60 million rows. A subject's file is read once; its measures wait packed, as parquet in
    memory, until all subjects are there, and are unpacked one measure at a time.

    Returns
    -------
    int
        Number of rows.
    """
    if not labels:
        write_table(MEASURES.empty(), results / "measures.parquet")
        return 0
    packed: dict[str, list[bytes]] = {}
    schemas = []
    for start in range(0, len(labels), SUBJECTS_AT_ONCE):
        parts: dict[str, list[pa.Table]] = {}
        for label in labels[start : start + SUBJECTS_AT_ONCE]:
            path = subject_file(results, label)
            schemas.append(pq.read_schema(path))
            for name, part in _by_measure(pq.read_table(path, read_dictionary=JOINED_TEXTS)):
                parts.setdefault(name, []).append(part)
        for name, tables in parts.items():
            packed.setdefault(name, []).append(_pack(tables))
        schemas = [pa.unify_schemas(schemas, promote_options="permissive")]
    rows = 0

    def write(temporary: Path) -> None:
        nonlocal rows
        with pq.ParquetWriter(temporary, schemas[0], compression="zstd") as writer:
            for name in sorted(packed):
                tables = [pq.read_table(pa.BufferReader(piece)).cast(schemas[0]) for piece in packed.pop(name)]
                joined = pa.concat_tables(tables)
                rows += joined.num_rows
                writer.write_table(joined)

    replace_file(results / "measures.parquet", write)
    return rows


def _by_measure(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Stretches of one measure each: a subject's rows are sorted by measure."""
    column = table.unify_dictionaries().column("measure").combine_chunks()
    codes, names = column.indices.to_numpy(), column.dictionary
    edges = np.flatnonzero(np.diff(codes)) + 1
    for first, end in zip([0, *edges], [*edges, len(codes)], strict=True):
        if end > first:
            yield str(names[int(codes[first])]), table.slice(first, end - first)


def _pack(tables: Sequence[pa.Table]) -> bytes:
    sink = pa.BufferOutputStream()
    joined = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    pq.write_table(joined, sink, compression="lz4", write_statistics=False)
    return bytes(sink.getvalue())


def join_rejection(results: Path, nights: pd.DataFrame) -> None:
    """What each artefact rule removed of NREM, SWA and slow waves, of every night and channel: ``rejection.tsv``."""
    tables = []
    for night in nights.to_dict("records"):
        table = NightFolder(results, night["subject_label"], night["session_label"]).read("rejection")
        tables.append(table.assign(**{name: night[name] for name in ("subject", "session", "condition")}))
    write_table(REJECTION.typed(pd.concat(tables)) if tables else REJECTION.empty(), results / "rejection.tsv")


def mark_copies(results: Path) -> None:
    """Say in `nights.tsv` which nights of a subject are one and the same recording, from what was stored of them."""
    nights = read_results(results).nights
    shared = pd.Series("", index=nights.index, dtype=object)
    done = nights[nights["status"] == "done"]
    lengths = ["subject", *(["recording_min"] if "recording_min" in nights else [])]  # others need not be opened
    for _, alike in done[done.duplicated(lengths, keep=False)].groupby(lengths, sort=False):
        folders = [NightFolder(results, *labels) for labels in alike[["subject_label", "session_label"]].to_numpy()]
        contents = [set(content_of(folder.summary() or {}, folder.read("spectra"))) for folder in folders]
        for place, content in zip(alike.index, contents, strict=True):
            same = [session for session, other in zip(alike["session"], contents, strict=True) if content & other]
            if len(same) > 1:
                shared[place] = ", ".join(map(str, same))
    write_table(nights.assign(same_recording=shared), results / "nights.tsv")


def add_headlines(results: Path) -> None:
    """Headline markers of each night (N2+N3, whole night, frontal or else the first channel) beside its sleep."""
    found = read_results(results)
    nights, keys = found.nights, ["subject", "session"]
    for name in short_names():
        rows = found.measure(name)
        whole = (rows["stages"] == "NREM") & (rows["window"] == "night") & (rows["variant"] == "")
        rows = rows[whole].astype(dict.fromkeys(keys, str))
        front = rows[rows["channel"] == "frontal"]
        first = rows.assign(doubt=rows["note"].astype(str).str.startswith(DOUBTFUL)).sort_values("doubt", kind="stable")
        first = first.drop(columns="doubt").drop_duplicates(keys)
        chosen = pd.concat([front, first[~first["subject"].isin(front["subject"])]])
        values = chosen.set_index(keys)["value"].round(4).to_dict()
        nights[name] = [values.get(key, np.nan) for key in zip(nights["subject"], nights["session"], strict=True)]
    write_table(nights, results / "nights.tsv")
