"""Tables and texts of a results folder: written whole or not at all, harmless to spreadsheets, and read back."""

import hashlib
import io
import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from swa.tables.results_tables import table_of

# Names that may look like numbers: `01` must not come back as 1.
TEXT_COLUMNS = ("subject", "session", "condition", "subject_label", "session_label", "recording", "channel", "arm")
FORMULA_MARKS = "=+-@\t\r'"


def write_table(table: pd.DataFrame, path: Path, *, lasting: bool = True) -> None:
    """Write a table as `.tsv` (cells that a spreadsheet would run are made harmless) or `.parquet`, whole or not.

    `lasting` as in `replace_file`.
    """
    if path.suffix == ".parquet":
        schema = _without_nulls(pa.Schema.from_pandas(table, preserve_index=False))
        fill = partial(table.to_parquet, index=False, compression="zstd", schema=schema)
        replace_file(path, fill, lasting=lasting)
        return
    write_text(table_text(table), path, lasting=lasting)


def _without_nulls(schema: "pa.Schema") -> "pa.Schema":
    """A column without a value is one of text: numbers have a type of their own."""
    for place, field in enumerate(schema):
        is_label = pa.types.is_dictionary(field.type)
        if pa.types.is_null(field.type.value_type if is_label else field.type):
            kind = pa.dictionary(field.type.index_type, pa.string()) if is_label else pa.large_string()
            schema = schema.set(place, field.with_type(kind))
    return schema


def table_text(table: pd.DataFrame) -> str:
    """A table as the text of a `.tsv`."""
    safe = table.copy(deep=False)
    for column in safe.columns[[pd.api.types.is_bool_dtype(dtype) for dtype in safe.dtypes]]:
        safe[column] = safe[column].map({True: "true", False: "false"})
    for column in safe.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in safe.dtypes]]:
        if not _is_plain(safe[column]):
            safe[column] = safe[column].map(_harmless)
    safe.columns = safe.columns.map(_harmless)
    return safe.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")


def write_text(text: str, path: Path, *, private: bool = False, lasting: bool = True) -> None:
    """Write a text file as UTF-8, whole or not at all; a private one can be read by its owner alone.

    `lasting` as in `replace_file`.
    """

    def write(temporary: Path) -> None:
        if private:
            temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8", newline="\n")

    replace_file(path, write, lasting=lasting)


def write_json(
    document: Mapping[str, object], path: Path, *, indent: int | None = 1, private: bool = False, lasting: bool = True
) -> None:
    """Write a JSON object as `write_text` does."""
    write_text(json.dumps(document, indent=indent, ensure_ascii=False), path, private=private, lasting=lasting)


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object; empty where there is no file, or a damaged one: no JSON, no UTF-8, no object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):  # the last where it is nested without end
        return {}
    return found if isinstance(found, dict) else {}


def read_table(path: Path) -> pd.DataFrame:
    """Read a `.tsv` of the results folder, its cells as they were before `write_table` made them harmless."""
    known = table_of(path)
    types = dict.fromkeys(TEXT_COLUMNS, "str") | (known.dtypes if known else {})
    content = path.read_bytes()
    if known and content == ("\t".join(known.names) + "\n").encode():  # as most are of a study that compares nothing
        return known.empty()
    table = pd.read_csv(io.BytesIO(content), sep="\t", na_values=["n/a"], keep_default_na=False, dtype=types)
    if b"'" not in content:
        return table
    for column in table.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]]:
        table[column] = table[column].map(_as_it_was).astype(table[column].dtype)  # all missing, it would be of numbers
    table.columns = table.columns.map(_as_it_was)
    return table


def read_rows(path: Path, columns: Sequence[str] | None = None, **wanted: Sequence[str]) -> pd.DataFrame:
    """Read the rows of a small `.parquet` whose columns hold one of these texts: in half the time of pandas' filters.

    Parameters
    ----------
    path : Path
        A file of one night or subject, which fits in memory.
    columns : sequence of str, optional
        Read no others; those of `wanted` are among them.
    **wanted : sequence of str
        Column and its texts.
    """
    with pq.ParquetFile(path) as file:
        table = file.read(columns=columns, use_threads=False)
    for name, texts in wanted.items():
        table = table.filter(pc.is_in(table[name].cast(pa.string()), value_set=pa.array(texts, pa.string())))
    found: pd.DataFrame = table.to_pandas(use_threads=False)
    return found


def replace_file(path: Path, write: Callable[[Path], object], *, lasting: bool = True) -> None:
    """Let `write` fill a temporary file, then put it in the place of `path`: whole or not at all.

    One that is `lasting` is on the disk before it counts, so that a power cut leaves no part of it. Waiting for the
    disk takes longer than drawing a small figure, and what a power cut takes of a figure the next run draws again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two writers of one night, on one host or two, must not share a temporary file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        write(temporary)
        if lasting:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _harmless(cell: object) -> object:
    """Put a quote before what a spreadsheet would run, and before a quote, so that reading can take it off again."""
    if isinstance(cell, str) and cell[:1] in FORMULA_MARKS and cell and not _is_number(cell):
        return "'" + cell
    return cell


def _is_plain(column: pd.Series) -> bool:
    """Whether nothing in a column of text needs a quote: asked of each text once, for cells are many."""
    return isinstance(column.dtype, pd.StringDtype) and all(_harmless(text) is text for text in column.unique())


def _as_it_was(cell: object) -> object:
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
