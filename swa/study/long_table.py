"""The long table of measures: the rows of all subjects, joined so that one measure can be read alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swa.study.store import subject_file
from swa.tables.files import replace_file, write_table
from swa.tables.results_tables import MEASURES

SUBJECTS_AT_ONCE = 100  # of 12,000 rows each: 60 MB
JOINED_TEXTS = ["subject", "session", "condition", "channel", "stages", "window", "measure", "variant", "unit", "note"]


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
    packed: list[tuple[pq.ParquetFile, dict[str, int]]] = []
    schemas = []
    for start in range(0, len(labels), SUBJECTS_AT_ONCE):
        parts: dict[str, list[pa.Table]] = {}
        for label in labels[start : start + SUBJECTS_AT_ONCE]:
            path = subject_file(results, label)
            schemas.append(pq.read_schema(path))
            for name, part in _by_measure(pq.read_table(path, read_dictionary=JOINED_TEXTS)):
                parts.setdefault(name, []).append(part)
        if parts:  # nights of which nothing could be measured have no row
            packed.append(_pack(parts))
        schemas = [pa.unify_schemas(schemas, promote_options="permissive")]
    rows = 0

    def write(temporary: Path) -> None:
        nonlocal rows
        with pq.ParquetWriter(temporary, schemas[0], compression="zstd") as writer:
            for name in sorted({name for _, places in packed for name in places}):
                pieces = [file.read_row_group(places[name]) for file, places in packed if name in places]
                joined = pa.concat_tables([piece.cast(schemas[0]) for piece in pieces])
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


def _pack(parts: Mapping[str, Sequence[pa.Table]]) -> tuple[pq.ParquetFile, dict[str, int]]:
    """The rows of each measure as a row group of a file in memory, and which one it is."""
    tables = [pa.concat_tables(each, promote_options="permissive").unify_dictionaries() for each in parts.values()]
    schema = pa.unify_schemas([table.schema for table in tables], promote_options="permissive")
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="lz4", write_statistics=False) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(len(table), 1))
    return pq.ParquetFile(pa.BufferReader(sink.getvalue())), {name: place for place, name in enumerate(parts)}
