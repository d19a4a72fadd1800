"""What the pages need from a results folder, read without loading all of it."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from swa.comparison.compared_nights import TRUE_WORDS, find_baseline, text_column
from swa.comparison.contrasts import subject_values
from swa.comparison.designs.statement import design_statement
from swa.comparison.late_nights import late_nights
from swa.comparison.primary import declared_primary
from swa.errors import StudyError
from swa.report.facts import ENDS, Simulated, StudyFacts, as_told, done_nights
from swa.settings import Settings
from swa.study.store import Results, is_blinded, stored_nights
from swa.study.written import late_primary
from swa.tables.marker import select
from swa.tables.results_tables import CONTRASTS, SUBJECT_VALUES

NUMBERS = ("estimate", *ENDS, "p", "p_adjusted")


def read_facts(results: Results, subject: str = "") -> StudyFacts:
    """Read what every page of a study says.

    Parameters
    ----------
    results : Results
        The results folder.
    subject : str
        Whose page it is: the recordings of this subject alone are asked whether they were simulated.
    """
    nights, settings = results.nights, results.settings
    done = done_nights(nights)
    baseline, design = "", ""
    try:
        baseline = find_baseline(nights, settings.comparison)
        design = design_statement(nights, baseline, settings.comparison)
    except StudyError:
        design = (
            f"{_no_baseline(nights, settings)}, so the nights are described and not compared."
            + _how_to_name_one(nights, settings)
            if len(done)
            else "No night could be analysed, so there is nothing to describe or compare."
        )
    own = nights[nights["subject"].astype(str) == subject] if subject else nights
    return StudyFacts(
        nights=nights,
        settings=settings,
        baseline=baseline,
        conditions=tuple(dict.fromkeys(text_column(done, "condition"))),
        design=design,
        simulated=_simulated(results, own),
        blinded=is_blinded(results.path),
        late_primary=late_primary(results.path, str(declared_primary(nights, settings.comparison) or "")),
        late_nights=late_nights(results.path, own),
    )


def _simulated(results: Results, nights: pd.DataFrame) -> Simulated:
    """Which of the nights that count were simulated, by the study file or the header of their recording."""
    done = done_nights(nights)
    stated = text_column(done, "simulated").str.casefold().isin(TRUE_WORDS)
    found = [one or night.is_simulated for one, night in zip(stated, stored_nights(results.path, done), strict=True)]
    return ("all" if all(found) else "some") if any(found) else ""


def _no_baseline(nights: pd.DataFrame, settings: Settings) -> str:
    """Why no night that was analysed is a baseline: the study has none, or those that it has were left out."""
    words = settings.comparison.baseline
    found = text_column(nights, "condition")
    lost = found[found.str.casefold().isin([word.casefold() for word in words])]
    return f"No {lost.iloc[0]} night was analysed" if len(lost) else f"No night is a baseline ({', '.join(words)})"


def _how_to_name_one(nights: pd.DataFrame, settings: Settings) -> str:
    """What makes one of several conditions the baseline, where none of the words for one is among them."""
    found = list(dict.fromkeys(text_column(done_nights(nights), "condition")))
    known = {word.casefold() for word in settings.comparison.baseline}
    if len(found) < 2 or known & set(text_column(nights, "condition").str.casefold()):
        return ""
    return (
        f' To compare them, write two lines into a file, [comparison] and baseline = "{found[0]}" (or another of '
        f"{', '.join(found)}), and run again with --settings FILE; or call it {settings.comparison.baseline[0]} in the "
        "column condition of the study file."
    )


def read_contrasts(results: Path, subject: str) -> pd.DataFrame:
    """Rows of one subject, or of the ``group``, from the contrasts; block by block, since the file may be large."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    types = dict.fromkeys(CONTRASTS.names, pa.string()) | dict.fromkeys(NUMBERS, pa.float64()) | {"n": pa.int64()}
    reader = csv.open_csv(
        results / "contrasts.tsv",
        parse_options=csv.ParseOptions(delimiter="\t", newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=types, null_values=["n/a", ""], strings_can_be_null=False),
    )
    with reader:
        parts = [batch.filter(pc.equal(batch["subject"], subject)) for batch in reader]
        table: pd.DataFrame = pa.Table.from_batches(parts, reader.schema).to_pandas()
    texts = [name for name in CONTRASTS.names if name not in (*NUMBERS, "n")]
    missing = {name: "" for name in texts if name not in table}  # of an earlier version
    return as_told(table.assign(**missing).astype(dict.fromkeys(texts, "object")))


def read_measures(path: Path, measures: Sequence[str]) -> pd.DataFrame:
    """Rows of some measures of a long table, of the default variant."""
    import pyarrow.parquet as pq

    if pq.read_metadata(path).num_rows == 0:  # its text columns have no type to compare with
        return pd.read_parquet(path)
    return pd.read_parquet(path, filters=[("measure", "in", list(measures)), ("variant", "==", "")])


def paired_values(
    measures: pd.DataFrame, nights: pd.DataFrame, contrasts: Collection[str], settings: Settings
) -> pd.DataFrame:
    """Baseline and treatment value of each subject in each contrast; empty where a subject set lacks a condition."""
    parts: list[pd.DataFrame] = []
    with suppress(StudyError):  # the planned ones in one go over the markers; there may be no night of a baseline
        if len(contrasts) > 1:
            parts.append(select(subject_values(measures, nights=nights, settings=settings), contrast=contrasts))
    found = {name for part in parts for name in part["contrast"]}
    for name in sorted(set(contrasts) - found):
        with suppress(StudyError):  # these subjects may have no night of one of the two conditions
            parts.append(subject_values(measures, nights=nights, contrast=name, settings=settings))
    return pd.concat(parts, ignore_index=True) if parts else SUBJECT_VALUES.empty()
