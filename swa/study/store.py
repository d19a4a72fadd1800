"""The results folder: where each file stands, and how its tables are read."""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from swa.errors import StudyError
from swa.glossary import read_glossary
from swa.recordings.edf.fields import SIMULATED
from swa.settings import Settings, read_results_settings
from swa.study.written import write_believed
from swa.tables.contrast import GROUP
from swa.tables.files import hash_file, read_json, read_table, write_json, write_text
from swa.tables.marker import matches, select
from swa.tables.night_document import NightDocument, Summary, WrittenFile
from swa.tables.results_tables import STORED, STUDY_TABLES
from swa.version import __version__

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
# A change of what a night's files hold asks for nights to be done again; other versions of the package do not.
NIGHT_FORMAT = 8
BLINDING_RECORD = "blinding.json"  # the codes, and a keyed hash that proves which key they came from
KEY = ["subject", "session", "channel", "stages", "window", "measure", "variant"]


STATUSES = ("done", "failed", "excluded")
_PARTS = ("summary", "provenance", "files")
_LABEL = re.compile("[A-Za-z0-9]+")
Found = TypeVar("Found")


def subject_file(results: Path, label: str, name: str = "measures") -> Path:
    """A table of a subject: its rows of the long table, or another by the end of its name."""
    return results / f"sub-{label}" / f"sub-{label}_task-sleep_desc-{name}.parquet"


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

    def document(self) -> NightDocument | None:
        """What `desc-night.json` says; None when the night is not finished, or it is not as it was written."""
        found = read_json(self.file("desc-night.json"))
        whole = isinstance(found.get("fingerprint"), str) and all(isinstance(found.get(name), dict) for name in _PARTS)
        own = found.pop("sha256", None)  # those of other versions have none, and are told by their format
        is_own = own == digest_of(found) if found.get("format") == NIGHT_FORMAT else True
        return cast(NightDocument, found) if whole and is_own else None

    def summary(self) -> Summary:
        """Sleep statistics, staging and unusable time; empty when the night is not finished."""
        found = self.document()
        return found["summary"] if found else cast(Summary, {})

    def finish(self, document: NightDocument) -> None:
        """Write `desc-night.json`, which alone makes the night finished: after all other files."""
        own = {**document, "sha256": digest_of(document)}
        write_text(json.dumps(own, indent=1, ensure_ascii=False, sort_keys=True), self.file("desc-night.json"))

    def is_finished(self, fingerprint: str, *, verify: bool = False) -> bool:
        """Whether the night was finished from the same inputs, and its files are still as they were written.

        Parameters
        ----------
        fingerprint : str
            Of the inputs.
        verify : bool
            Hash every file, whatever its size and time say.
        """
        found = self.document()
        if found is None or found["fingerprint"] != fingerprint:
            return False
        try:
            # They were written before desc-night.json: one of its size that is older than it was not touched since.
            told_ns = 0 if verify else self.file("desc-night.json").stat().st_mtime_ns
            return all(self._is_as_written(ending, written, told_ns) for ending, written in found["files"].items())
        except (OSError, KeyError, TypeError, AttributeError):
            return False

    def find_damage(self) -> str:
        """Why the night's files cannot be trusted; empty where each is as it was written, by its hash."""
        found = self.document()
        if found is None:
            return "desc-night.json is missing, damaged or edited, as after a copy that was not finished"
        if found.get("format") != NIGHT_FORMAT:
            return "another version of swa measured it"
        for ending, written in found["files"].items():
            try:
                if hash_file(self.file(ending)) != written["sha256"]:
                    return f"{self.file(ending).name} is not as it was written: damaged, or edited"
            except (OSError, KeyError, TypeError):
                return f"{self.file(ending).name} is missing or cannot be read"
        missing = set(NIGHT_TABLES.values()) - set(found["files"])
        return f"{', '.join(sorted(missing))} is missing" if missing else ""

    def _is_as_written(self, ending: str, written: WrittenFile, told_ns: int) -> bool:
        state = self.file(ending).stat()
        if state.st_size != written["size"]:
            return False
        return state.st_mtime_ns < told_ns or hash_file(self.file(ending)) == written["sha256"]


@dataclass(frozen=True, kw_only=True)
class StoredNight:
    """A finished night of a study, its files read when asked for.

    Attributes
    ----------
    session, condition : str
        As in the study file.
    folder : NightFolder
        Its files.
    aside : str
        Why no comparison uses it as a night of its condition; empty where one does.
    """

    session: str
    condition: str
    folder: NightFolder
    aside: str = ""

    @property
    def name(self) -> str:
        """Condition, the session where that says more, and why it is not compared."""
        called = self.condition if self.session == self.condition else f"{self.condition}, session {self.session}"
        return f"{called} ({self.aside})" if self.aside else called

    @cached_property
    def document(self) -> NightDocument:
        """What `desc-night.json` says; empty where it is gone."""
        return self.folder.document() or cast(NightDocument, {})

    @property
    def summary(self) -> Summary:
        """Sleep statistics, staging and unusable time."""
        return self.document.get("summary", cast(Summary, {}))

    @property
    def channels(self) -> list[str]:
        """EEG channels that were measured."""
        return self.summary.get("channels", [])

    @property
    def is_simulated(self) -> bool:
        """Whether the header of the recording says that no electrode recorded it."""
        return any(facts.get("transducer") == SIMULATED for facts in self.summary.get("header", {}).values())

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers should know."""
        own = [*self.document.get("notes", []), *self.document.get("provenance", {}).get("notes", [])]
        return list(dict.fromkeys(own))

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """Activity and usable time of every epoch and channel."""
        return self.folder.read("epochs")

    @cached_property
    def waves(self) -> pd.DataFrame:
        """Half-waves of N2 and N3."""
        return self.folder.read("waves")

    @cached_property
    def cycles(self) -> pd.DataFrame:
        """NREM cycles."""
        return self.folder.read("cycles")

    @cached_property
    def spectrogram(self) -> pd.DataFrame:
        """Spectrum of every epoch of one channel."""
        return self.folder.read("spectrogram")


def digest_of(document: Mapping[str, object]) -> str:
    """Digest of what a JSON document says."""
    return hashlib.sha256(json.dumps(document, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def content_of(document: NightDocument, spectra: pd.DataFrame) -> tuple[str, ...]:
    """Digests of a finished night's file and of its spectra: an export under another name is the same signals.

    Parameters
    ----------
    document : NightDocument
        What `desc-night.json` says.
    spectra : DataFrame
        Its stored spectra.
    """
    file = document["provenance"].get("inputs", {}).get("recording_sha256", "")
    density = spectra["density_uv2_hz"].to_numpy() if len(spectra) else np.zeros(0)
    known = density[np.isfinite(density)]
    return tuple(text for text in (file, hashlib.sha256(known.tobytes()).hexdigest() if known.size else "") if text)


def stored_nights(results: Path, nights: pd.DataFrame) -> list[StoredNight]:
    """The finished ones of a table of nights, in its order."""
    done = select(nights, status="done").astype(str)
    places = zip(done["subject_label"], done["session_label"], done["session"], done["condition"], strict=True)
    return [
        StoredNight(session=session, condition=condition, folder=NightFolder(results, subject_label, session_label))
        for subject_label, session_label, session, condition in places
    ]


@dataclass(frozen=True)
class Results:
    """A results folder, read table by table.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    def _read(self, name: str, read: Callable[[Path], Found]) -> Found:
        """Read a file of the folder, or say that it is not one that swa wrote."""
        try:
            return read(self.path / name)
        except (OSError, ValueError, KeyError) as error:
            raise StudyError(
                f"{self.path}: {name} is missing, damaged, or edited by hand ({type(error).__name__}).",
                "`swa run` with this folder writes it anew; finished nights are kept.",
            ) from None

    @cached_property
    def nights(self) -> pd.DataFrame:
        """One row a night."""
        return self._read("nights.tsv", _read_nights)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The long table."""
        return self._read("measures.parquet", pd.read_parquet)

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
        """Rows of one measure of the long table, read alone; text columns as categories.

        Raises
        ------
        StudyError
            There is no measure of that name, here or elsewhere.
        """
        known = {*self._row_groups, *read_glossary()}
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "Their names stand in measure_names()."
            raise StudyError(f"There is no measure {name!r}.", hint)
        texts = [*KEY, "condition", "unit", "note"]
        with pq.ParquetFile(self.path / "measures.parquet", read_dictionary=texts) as file:
            groups = file.read_row_groups(self._row_groups.get(name, []))
        table: pd.DataFrame = groups.to_pandas(split_blocks=True, self_destruct=True)  # not both at once in memory
        del groups
        own = matches(table, measure=name)
        return table if own.all() else table[own]

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """Changes within subjects and over the group."""
        return self._read("contrasts.tsv", read_table)

    @cached_property
    def comparability(self) -> pd.DataFrame:
        """The gain check, and what else differs between compared nights."""
        return self._read("comparability.tsv", read_table)

    @cached_property
    def problems(self) -> pd.DataFrame:
        """Nights and channels that were left out."""
        return self._read("problems.tsv", read_table)

    @cached_property
    def settings(self) -> Settings:
        """The settings that these results come from."""
        return self._read("settings.toml", read_results_settings)

    def __repr__(self) -> str:
        nights = self.nights
        counts = ", ".join(f"{count} {status}" for status, count in nights["status"].value_counts().items())
        contrasts = ", ".join(self.contrasts["contrast"].unique()) or "no contrast"
        return f"<Results {self.path.name}: {nights['subject'].nunique()} subjects, nights {counts}; {contrasts}>"

    def _repr_html_(self) -> str:
        """For notebooks: the nights, and the change of the whole-night slow-wave activity over the group."""
        shown = ["subject", "session", "condition", "status", "staging_source", "verdict"]
        nights = self.nights[[name for name in shown if name in self.nights]]
        group = select(self.contrasts, subject=GROUP, measure="swa", stages="NREM", window="night", variant="")
        numbers = group[["contrast", "channel", "estimate", "ci_low", "ci_high", "p", "n"]]
        title = f"<p>{escape(repr(self).strip('<>'))}</p>"
        change = f"<p>SWA in NREM, whole night, ratio to the baseline</p>{numbers.to_html(index=False)}"
        return title + nights.to_html(index=False) + (change if len(numbers) else "")

    def night(self, subject_label: str, session_label: str) -> NightFolder:
        """The files of one night."""
        return NightFolder(self.path, subject_label, session_label)


def _read_nights(path: Path) -> pd.DataFrame:
    table = read_table(path)
    names = [table[name].astype(str) for name in ("subject_label", "session_label") if name in table]
    if not all(column.map(lambda label: _LABEL.fullmatch(label) is not None).all() for column in names):
        raise ValueError("a label that is no name for files")
    table["subject"]  # no table of nights without them
    if "status" in table and not set(table["status"]) <= set(STATUSES):
        raise ValueError("a night that is neither done nor failed nor excluded")
    return table


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


def is_blinded(results: Path) -> bool:
    """Whether the conditions of a results folder are codes (`swa.study.run.blinding`)."""
    return read_json(results / BLINDING_RECORD).get("status") == "blinded"


def describe_results(results: Path, settings: Settings) -> None:
    """What makes the folder a BIDS derivative that its reader can reproduce."""
    write_believed(settings.to_toml(), results / "settings.toml")
    description = {
        "Name": "Slow-wave activity and slow waves",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "swa", "Version": __version__}],
    }
    write_json(description, results / "dataset_description.json", indent=2)
    for name, table in STORED.items():
        write_json(table.sidecar(settings), results / f"{name}.json", lasting=False)  # each call writes them anew
    ignored = ["*.html", "*.tsv", "*.parquet", "*.toml", "methods.*", "*.xlsx", BLINDING_RECORD, "run.json", "swa.lock"]
    ignored += ["fault-*.txt"]
    ignored += [f"{table.name}.json" for table in STUDY_TABLES]  # of tables that BIDS lacks
    ignored += [".swa-work/", "*_desc-*", "**/*_desc-*"]
    ignored += ["figures", "**/figures"]  # with a slash the validator still lists the folder
    write_text("\n".join(ignored) + "\n", results / ".bidsignore")
