"""``results.xlsx``: what clinics and offices open. The same values as the tables, with names and units in words."""

import datetime
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from swa.comparison.primary import declared_primary
from swa.glossary import headline_measures, measures_in, read_glossary
from swa.report.facts import ENDS, as_told
from swa.report.leading_rows import find_headline, headline_rows
from swa.report.words.numbers import change_with_interval, in_plain_letters
from swa.study.store import Results
from swa.tables.contrast import GROUP
from swa.tables.files import replace_file
from swa.tables.marker import matches, select
from swa.tables.results_tables import CONTRASTS, NIGHTS
from swa.tables.schema import fill

WORKBOOK = "results.xlsx"
WIDEST = 48
NUMBER_FORMAT, P_FORMAT = "0.000", "0.0000"  # what a cell shows; its value stays whole
_MIDNIGHT = "T00:00:00"  # of a cell that holds a date
# For programs, who read the tables.
_CODES = {"doubts", "reasons", "subject_label", "session_label"}
# A cell is what it is: no text becomes a formula, a link or a number.
_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_ALWAYS = datetime.datetime(2000, 1, 1)  # the same results are the same bytes


def write_workbook(results: Results) -> Path:
    """Write the subjects' changes, the nights, the group contrasts and what every column means as one workbook.

    The rows of the declared primary come first, then the secondary ones, then the markers that pages show; the workbook
    opens on the sheet that leads with it. Numbers are numbers, whatever the language of the computer. Of the contrasts
    it has the declared ones, and those of the headline markers and of sleep architecture that are measured in the usual
    way; ``contrasts.tsv`` has all.

    Parameters
    ----------
    results : Results
        A results folder with its tables.

    Returns
    -------
    Path
        ``results.xlsx`` of the folder.
    """
    contrasts = _in_words(_in_order(_leading(results.contrasts), results))
    is_group = matches(contrasts, subject=GROUP)
    sheets = {
        "Contrasts": contrasts[is_group],
        "Subjects": contrasts[~is_group],
        "Nights": _with_plain_dates(results.nights.drop(columns=list(_CODES), errors="ignore")),
        "Columns": _columns(results),
    }
    path = results.path / WORKBOOK
    replace_file(path, partial(_write, sheets))
    return path


def _leading(contrasts: pd.DataFrame) -> pd.DataFrame:
    markers = {*headline_measures(), *measures_in("architecture")}
    leads = matches(contrasts, measure=markers, stages=("NREM", "any"), variant="")
    return contrasts[~matches(contrasts, role="exploratory") | leads]


def _in_order(contrasts: pd.DataFrame, results: Results) -> pd.DataFrame:
    """What was declared, what the pages lead with, and the rest as it stands."""
    declared = declared_primary(results.nights, results.settings.comparison)
    of_group = select(contrasts, subject=GROUP)
    headline = find_headline(declared, contrasts if of_group.empty else of_group)
    shown = headline_rows(contrasts, headline).index
    leads = contrasts.index.isin(headline.marker.select(contrasts).index)
    rank = contrasts["role"].map({"primary": 0, "secondary": 1}).astype(float).fillna(2).mask(leads, 0)
    place = pd.Series(range(len(shown)), index=shown).reindex(contrasts.index).fillna(len(shown))
    return contrasts.iloc[np.lexsort((place, rank))]


def _in_words(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Contrasts with the name of each measure, its change in words, and the unit of the numbers."""
    known = read_glossary()
    measures = contrasts["measure"].astype(str)
    is_ratio = contrasts["scale"].eq("ratio")
    own_units = measures.map({name: entry.unit for name, entry in known.items()}).fillna("")
    units = own_units.mask(is_ratio, "ratio")
    numbers = (as_told(contrasts)[name].astype(float) for name in ("estimate", *ENDS))
    said = map(change_with_interval, *numbers, contrasts["scale"].astype(str), own_units)
    changes = [in_plain_letters(text) for text in said]
    names = measures.map({name: entry.name for name, entry in known.items()})
    shown = contrasts.drop(columns=list(_CODES), errors="ignore")
    columns = (("measure", "marker", names), ("estimate", "change", changes), ("ci_low", "unit", units))
    for place, name, column in columns:
        shown.insert(list(shown.columns).index(place), name, column)
    return shown


def _with_plain_dates(nights: pd.DataFrame) -> pd.DataFrame:
    """Nights with dates as dates: a cell of a spreadsheet that holds one brings a midnight along."""
    shown = nights.copy()
    for name in shown.columns:
        texts = shown[name].dropna().astype(str)
        texts = texts[texts != ""]
        if len(texts) and texts.str.endswith(_MIDNIGHT).all():
            shown[name] = shown[name].astype(str).str.removesuffix(_MIDNIGHT).where(shown[name].notna())
    return shown


def _columns(results: Results) -> pd.DataFrame:
    """What every column of the other sheets means."""
    rows = [
        ("Contrasts, Subjects", "marker", "", "The measure in words; the glossary of the pages and docs define it"),
        (
            "Contrasts, Subjects",
            "change",
            "",
            "The change with its interval, as the pages write it (of two subjects none); the columns after it hold the "
            "numbers",
        ),
        (
            "Contrasts, Subjects",
            "unit",
            "",
            "Of estimate and interval; of a ratio 1 is no change",
        ),
    ]
    for sheet, table in (("Contrasts, Subjects", CONTRASTS), ("Nights", NIGHTS)):
        columns = [*table.columns, *((table.others,) if table.others else ())]
        rows += [
            (sheet, column.name, column.unit, fill(column.text, results.settings))
            for column in columns
            if column.name not in _CODES
        ]
    return pd.DataFrame(rows, columns=["sheet", "column", "unit", "meaning"])


def _format_of(column: pd.Series) -> str:
    """How numbers with decimals are shown; empty for texts and counts."""
    if not pd.api.types.is_float_dtype(column) or (column.dropna() % 1 == 0).all():
        return ""
    return P_FORMAT if str(column.name).partition("_")[0] == "p" else NUMBER_FORMAT


def _write(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    whole = io.BytesIO()
    with pd.ExcelWriter(whole, engine="xlsxwriter", engine_kwargs={"options": _PLAIN}) as book:
        book.book.set_properties({"title": "Results of swa", "created": _ALWAYS})
        for name, table in sheets.items():
            table.to_excel(book, sheet_name=name, index=False, freeze_panes=(1, 0))
            sheet = book.sheets[name]
            sheet.autofilter(0, 0, len(table), max(len(table.columns) - 1, 0))
            for place, column in enumerate(table.columns):
                longest = table[column].astype(str).str.len().max() if len(table) else 0
                shown = book.book.add_format({"num_format": form}) if (form := _format_of(table[column])) else None
                sheet.set_column(place, place, min(max(len(str(column)), longest) + 2, WIDEST), shown)
        first = next((name for name, table in sheets.items() if len(table)), None)
        if first:
            book.sheets[first].activate()
    path.write_bytes(whole.getvalue())
