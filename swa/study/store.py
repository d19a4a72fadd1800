"""The results folder: where each file stands, written whole or not at all, and read back."""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from swa.errors import StudyError
from swa.night.analysis import Night
from swa.settings import Settings
from swa.tables.results_tables import SPECTRA, STORED, STUDY_TABLES, WAVES, table_of

WAVE_STAGES = ("N2", "N3")
NIGHT_TABLES = {
    "epochs": "desc-swa_timeseries.tsv",
    "hypnogram": "desc-hypnogram_events.tsv",
    "waves": "desc-slowwaves_events.parquet",
    "average": "desc-slowwaveaverage_timeseries.tsv",
    "spectra": "desc-spectra.parquet",
    "spectrogram": "desc-spectrogram.parquet",
    "cycles": "desc-cycles_events.tsv",
    "rejection": "desc-rejection.tsv",
    "staging_bias": "desc-stagingbias.tsv",
    "measures": "desc-measures.parquet",
}
# Names that may look like numbers: `01` must not come back as 1.
TEXT_COLUMNS = ("subject", "session", "condition", "subject_label", "session_label", "recording", "channel", "arm")
FORMULA_MARKS = "=+-@\t\r'"
KEY = ["subject", "session", "channel", "stages", "window", "measure", "variant"]


@dataclass(frozen=True)
class NightFolder:
    """The files of one night.

    Parameters
    ----------
    results : Path
        The results folder.
    subject, session : str
        Labels: letters and digits only.
    """

    results: Path
    subject: str
    session: str

    @property
    def stem(self) -> str:
        """What the names of the night's files begin with."""
        return f"sub-{self.subject}_ses-{self.session}_task-sleep"

    @property
    def path(self) -> Path:
        """Where they stand."""
        return self.results / f"sub-{self.subject}" / f"ses-{self.session}" / "eeg"

    def file(self, ending: str) -> Path:
        """Path of one of them, by its ending."""
        return self.path / f"{self.stem}_{ending}"

    def read(self, name: str) -> pd.DataFrame:
        """One of the night's tables (`NIGHT_TABLES`)."""
        path = self.file(NIGHT_TABLES[name])
        return pd.read_parquet(path) if path.suffix == ".parquet" else read_table(path)

    def summary(self) -> dict[str, Any] | None:
        """What `desc-night.json` says; None when the night is not finished."""
        try:
            found = json.loads(self.file("desc-night.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file, or a damaged one: no JSON, no UTF-8
            return None
        return found if isinstance(found, dict) and {"fingerprint", "summary", "files"} <= set(found) else None

    def is_finished(self, fingerprint: str, verify: bool = False) -> bool:
        """Whether the night was finished from the same inputs, and its files are still as they were written.

        Parameters
        ----------
        fingerprint : str
            Of the inputs.
        verify : bool
            Hash every file, whatever its size and time say.
        """
        found = self.summary()
        if found is None or found.get("fingerprint") != fingerprint:
            return False
        try:
            # They were written before desc-night.json: one of its size that is older than it was not touched since.
            told_ns = 0 if verify else self.file("desc-night.json").stat().st_mtime_ns
            return all(self._is_as_written(ending, written, told_ns) for ending, written in found["files"].items())
        except (OSError, KeyError, TypeError, AttributeError):
            return False

    def _is_as_written(self, ending: str, written: Mapping[str, Any], told_ns: int) -> bool:
        state = self.file(ending).stat()
        if state.st_size != written["size"]:
            return False
        return state.st_mtime_ns < told_ns or hash_file(self.file(ending)) == written["sha256"]


def write_night(folder: NightFolder, night: Night, fingerprint: str, provenance: Mapping[str, Any]) -> None:
    """Write the tables of a night; `desc-night.json` goes last and alone makes the night finished."""
    waves = night.waves.table
    stages = night.hypnogram.proba
    epochs = night.epochs.drop_duplicates("onset_s")
    hypnogram = pd.DataFrame(
        {
            "onset": epochs["onset_s"],
            "duration": 1 / night.hypnogram.sampling_frequency,
            "stage": epochs["stage"],
            "confidence": np.nan if stages is None else stages.max(axis=1).to_numpy().round(4),
        }
    )
    tables = {
        "epochs": _rounded(night.epochs),
        "hypnogram": hypnogram,
        "waves": WAVES.typed(waves[waves["stage"].isin(WAVE_STAGES)]),
        "average": _rounded(night.waves.average),
        "spectra": SPECTRA.typed(night.spectra),
        "spectrogram": night.spectrogram,
        "cycles": night.cycles,
        "rejection": _rounded(night.rejection),
        "staging_bias": _rounded(night.staging_bias),
        "measures": night.measures,
    }
    folder.file("desc-night.json").unlink(missing_ok=True)  # from here on the night is neither the old nor the new one
    files = {}
    for name, ending in NIGHT_TABLES.items():
        write_table(tables[name], folder.file(ending))
        path = folder.file(ending)
        files[ending] = {"size": path.stat().st_size, "sha256": hash_file(path)}
    document = {
        "fingerprint": fingerprint,
        "summary": night.summary,
        "notes": list(night.notes),
        "provenance": dict(provenance),
        "analysed_minutes": night.waves.analysed_min.round(4).to_dict("list"),
        "files": files,
    }
    write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True), folder.file("desc-night.json"))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as `.tsv` (cells that a spreadsheet would run are made harmless) or `.parquet`, whole or not."""
    if path.suffix == ".parquet":
        schema = _without_nulls(pa.Schema.from_pandas(table, preserve_index=False))
        replace_file(path, lambda file: table.to_parquet(file, index=False, compression="zstd", schema=schema))
        return
    write_text(table_text(table), path)


def _without_nulls(schema: pa.Schema) -> pa.Schema:
    """A column without a value is one of text: numbers have a type of their own."""
    for place, field in enumerate(schema):
        is_label = pa.types.is_dictionary(field.type)
        if pa.types.is_null(field.type.value_type if is_label else field.type):
            kind = pa.dictionary(field.type.index_type, pa.string()) if is_label else pa.large_string()
            schema = schema.set(place, field.with_type(kind))
    return schema


def table_text(table: pd.DataFrame) -> str:
    """A table as the text of a `.tsv`."""
    safe = table.copy()
    for column in safe.columns[[pd.api.types.is_bool_dtype(dtype) for dtype in safe.dtypes]]:
        safe[column] = safe[column].map({True: "true", False: "false"})
    for column in safe.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in safe.dtypes]]:
        safe[column] = safe[column].map(_harmless)
    safe.columns = safe.columns.map(_harmless)
    return safe.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")


def write_text(text: str, path: Path) -> None:
    """Write a text file as UTF-8, whole or not at all."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def read_table(path: Path) -> pd.DataFrame:
    """Read a `.tsv` of the results folder, its cells as they were before `write_table` made them harmless."""
    known = table_of(path)
    types = dict.fromkeys(TEXT_COLUMNS, "str") | (known.dtypes if known else {})
    table = pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False, encoding="utf-8", dtype=types)
    for column in table.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]]:
        table[column] = table[column].map(_as_it_was).astype(table[column].dtype)  # all missing, it would be of numbers
    table.columns = table.columns.map(_as_it_was)
    return table


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Results:
    """A results folder, read table by table.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    @cached_property
    def nights(self) -> pd.DataFrame:
        """One row a night."""
        return read_table(self.path / "nights.tsv")

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The long table."""
        return pd.read_parquet(self.path / "measures.parquet")

    @cached_property
    def _row_groups(self) -> dict[str, list[int]]:
        """Row groups of the long table that hold a measure, from their statistics."""
        found: dict[str, list[int]] = {}
        with pq.ParquetFile(self.path / "measures.parquet") as file:
            column = file.schema_arrow.get_field_index("measure")
            for group in range(file.num_row_groups):
                limits = file.metadata.row_group(group).column(column).statistics
                if limits is not None and limits.has_min_max and limits.min == limits.max:
                    names = [limits.min]
                else:
                    names = file.read_row_group(group, columns=["measure"]).column(0).unique().to_pylist()
                for name in names:
                    found.setdefault(str(name), []).append(group)
        return found

    def measure_names(self) -> list[str]:
        """Names of the measures in the long table."""
        return list(self._row_groups)

    def measure(self, name: str) -> pd.DataFrame:
        """Rows of one measure of the long table, read alone; text columns as categories."""
        texts = [*KEY, "condition", "unit", "note"]
        with pq.ParquetFile(self.path / "measures.parquet", read_dictionary=texts) as file:
            table = file.read_row_groups(self._row_groups.get(name, [])).to_pandas()
        return table[(table["measure"] == name).to_numpy(dtype=bool)]

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """Changes within subjects and over the group."""
        return read_table(self.path / "contrasts.tsv")

    @cached_property
    def comparability(self) -> pd.DataFrame:
        """The gain check, and what else differs between compared nights."""
        return read_table(self.path / "comparability.tsv")

    @cached_property
    def problems(self) -> pd.DataFrame:
        """Nights and channels that were left out."""
        return read_table(self.path / "problems.tsv")

    @cached_property
    def settings(self) -> Settings:
        """The settings that these results come from."""
        from swa.settings import read_settings

        return read_settings(self.path / "settings.toml")

    def __repr__(self) -> str:
        nights = self.nights
        counts = ", ".join(f"{count} {status}" for status, count in nights["status"].value_counts().items())
        contrasts = ", ".join(self.contrasts["contrast"].unique()) or "no contrast"
        return f"<Results {self.path.name}: {nights['subject'].nunique()} subjects, nights {counts}; {contrasts}>"

    def _repr_html_(self) -> str:
        """For notebooks: the nights, and the change of the whole-night slow-wave activity over the group."""
        shown = ["subject", "session", "condition", "status", "staging_source", "verdict"]
        nights = self.nights[[name for name in shown if name in self.nights]]
        group = self.contrasts
        group = group[(group["subject"] == "group") & (group["measure"] == "swa") & (group["stages"] == "NREM")]
        group = group[(group["window"] == "night") & (group["variant"].fillna("") == "")]
        numbers = group[["contrast", "channel", "estimate", "ci_low", "ci_high", "p", "n"]]
        title = f"<p>{escape(repr(self).strip('<>'))}</p>"
        change = f"<p>SWA in NREM, whole night, ratio to the baseline</p>{numbers.to_html(index=False)}"
        return title + nights.to_html(index=False) + (change if len(numbers) else "")

    def night(self, subject_label: str, session_label: str) -> NightFolder:
        """The files of one night."""
        return NightFolder(self.path, subject_label, session_label)


def read_results(path: str | Path) -> Results:
    """Open a results folder.

    Parameters
    ----------
    path : str or Path
        What `swa run -o` wrote.

    Returns
    -------
    Results
        `measures`, `nights`, `contrasts`, `problems` as DataFrames, read when first asked for.

    Raises
    ------
    StudyError
        The folder holds no results.

    Examples
    --------
    >>> import swa
    >>> results = swa.read_results("results")
    >>> results.nights["condition"].unique().tolist()
    ['baseline', 'ketamine']
    >>> rows = results.contrasts.query("subject == 'group' and measure == 'swa' and window == 'night'")
    >>> rows["scale"].unique().tolist()
    ['ratio']
    """
    path = Path(path)
    if not (path / "nights.tsv").is_file():
        raise StudyError(f"{path}: no results here (nights.tsv is missing).", "Give the folder after `swa run -o`.")
    return Results(path)


def describe_results(results: Path, settings: Settings) -> None:
    """What makes the folder a BIDS derivative that its reader can reproduce."""
    write_text(settings.to_toml(), results / "settings.toml")
    description = {
        "Name": "Slow-wave activity and slow waves",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "swa", "Version": version("swa")}],
    }
    write_text(json.dumps(description, indent=2), results / "dataset_description.json")
    for name, table in STORED.items():
        columns = json.dumps(table.sidecar(settings), indent=1, ensure_ascii=False)
        write_text(columns, results / f"{name}.json")
    ignored = ["*.html", "*.tsv", "*.parquet", "*.toml", "methods.*", "blinding.json", "run.json", "swa.lock"]
    ignored += [f"{table.name}.json" for table in STUDY_TABLES]  # of tables that BIDS lacks
    ignored += [".swa-work/", "*_desc-*", "**/*_desc-*"]
    ignored += ["figures", "**/figures"]  # with a slash the validator still lists the folder
    write_text("\n".join(ignored) + "\n", results / ".bidsignore")


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Six significant digits are more than a marker holds."""
    table = table.copy()
    for column in table.select_dtypes("float"):
        table[column] = [float(f"{value:.6g}") for value in table[column]]
    return table


def _harmless(cell: object) -> object:
    """Put a quote before what a spreadsheet would run, and before a quote, so that reading can take it off again."""
    if isinstance(cell, str) and cell[:1] in FORMULA_MARKS and cell and not _is_number(cell):
        return "'" + cell
    return cell


def _as_it_was(cell: object) -> object:
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then put it in the place of `path`: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two writers of one night, on one host or two, must not share a temporary file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
