"""Which column of a table holds the stages, and what its codes mean where a file beside it or its name says so."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from swa.errors import AmbiguousScoringError
from swa.settings import ScoringSettings
from swa.sleep.formats.cells import is_number
from swa.sleep.formats.codes import AASM_CODES, STAGE_BY_WORD, is_code, is_stage_word, known_words, plain_word
from swa.sleep.formats.document import EVENT_COLUMNS, STAGE_COLUMNS, Document, choose_scorer
from swa.tables.files import read_json

_SCORED = re.compile(
    r"stag|hypno|hipno|scor|rater|expert|majority|consensus|yasa|usleep|gssc|stadi|stade|fase|etapa|schlafphase", re.I
)
_NOT_STAGES = re.compile(
    r"conf|prob|certain|kappa|agree|time|onset|start|duration|date|zeit|dauer|beginn|datum", re.IGNORECASE
)
_MACHINE = re.compile(
    r"(?:^|_)(?:ai|auto|automatic|machine|yasa|usleep|u_sleep|gssc|pred|predicted|model)(?:_|$)", re.I
)
_OWN_CODES = {"stage_hum": AASM_CODES, "stage_ai": AASM_CODES}  # of BOAS (OpenNeuro ds005555); 8 is a disconnection
_MOST_STAGES = 12


class NamelessTableError(AmbiguousScoringError):
    """A table that could be of anything: none of its columns has a known name, and none holds a word for a stage."""


def stage_column(document: Document, settings: ScoringSettings) -> int | None:
    """Position of the column that holds the stages; None where there is none.

    A column whose name says that a machine has scored stands back behind one that does not.

    Raises
    ------
    AmbiguousScoringError
        Several hold stages and differ, and the settings name none of them.
    """
    table = document.table
    names = table.names if table.titled else [str(number + 1) for number in range(len(table.titles))]
    wanted = column_of(settings)
    if wanted and wanted in names:
        return names.index(wanted)
    words = known_words(settings.codes)
    found = [i for i, name in enumerate(names) if _holds_stages(document, i, name, words)]
    spelt = [i for i in found if any(cell and is_stage_word(cell, words) for cell in table.cells(i))]
    if table.titled:
        # Codes are stages under a name that says so; where there are words, no other codes are.
        found = [i for i in found if i in spelt or _SCORED.search(names[i])] or found[:1]
    nameless = not (table.titled or found)
    if nameless:
        found = _nameless_codes(document)
    known = [names.index(name) for name in (*STAGE_COLUMNS, *EVENT_COLUMNS) if name in names]
    found = sorted(found, key=lambda i: known.index(i) if i in known else len(known) + i)
    different: list[int] = []
    people = [i for i in found if not _MACHINE.search(names[i])] or found
    for i in people:
        if not any(_same(table.cells(i), table.cells(other)) for other in different):
            different.append(i)
    if len(different) > 1:
        kind = NamelessTableError if nameless else AmbiguousScoringError
        written = [table.titles[i].strip() if table.titled else names[i] for i in people]
        return people[choose_scorer(document, written, settings.column, kind)]
    return next(iter(different or known), None)


def _nameless_codes(document: Document) -> list[int]:
    """Columns of stage codes in a table without names; what is 0 and 1 alone is a flag, as SpiSOP's of artefacts."""
    table = document.table
    found = []
    for column in range(min((len(row) for row in table.rows), default=0)):
        words = [plain_word(cell) for cell in table.cells(column)]
        words = words if is_number(words[0]) else words[1:]  # below names that are not known
        codes = {word for word in words if STAGE_BY_WORD.get(word) != "UNS"}
        if all(map(is_code, codes)) and codes - {"0", "1"} and len(set(words)) < len(words):
            found.append(column)
    return found


def column_of(settings: ScoringSettings) -> str:
    """The column that the settings name, as names of columns are compared."""
    return re.sub(r"[\s-]+", "_", settings.column.strip()).casefold()


def _holds_stages(document: Document, column: int, name: str, known: Mapping[str, str]) -> bool:
    """Whether the cells of a column are stages; codes alone are that only under a name for stages."""
    table = document.table
    cells = [cell for cell in table.cells(column) if cell]
    kinds = {plain_word(cell) for cell in cells}
    if not cells or len(kinds) > 40 or (table.titled and _NOT_STAGES.search(name)):
        return False
    words = sum(is_stage_word(cell, known) for cell in cells)
    codes = sum(is_code(cell) for cell in cells)
    if table.titled and name in EVENT_COLUMNS:  # with other events among the stages
        return words > 0 or (codes == len(cells) and len(kinds) <= _MOST_STAGES)
    named = table.titled and (name in STAGE_COLUMNS or _SCORED.search(name) is not None)
    if words + codes < 0.8 * len(cells):
        return False
    return 2 * words >= len(cells) or (named and (words > 0 or len(kinds) <= _MOST_STAGES))


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two columns are one scoring: the same stages, or a word in one wherever the other has its code."""
    pairs = {(plain_word(a), plain_word(b)) for a, b in zip(one, other, strict=True)}
    coded = [any(is_code(cell) for cell in column) for column in (one, other)]
    if coded[0] != coded[1]:
        return len(pairs) in (len({a for a, _ in pairs}), len({b for _, b in pairs}))
    return all(STAGE_BY_WORD.get(a, a) == STAGE_BY_WORD.get(b, b) for a, b in pairs)


def codes_of_column(document: Document, column: int) -> Mapping[str, str] | None:
    """What number codes of a column mean by the JSON beside a table of BIDS (`Levels`), or by the data set's name."""
    title = document.table.titles[column].strip()
    for sidecar in [each for path in document.places for each in _sidecars(path)]:
        told = read_json(sidecar).get(title)
        levels = told.get("Levels") if isinstance(told, dict) else None
        if not isinstance(levels, dict):
            continue
        found = {str(code): _level(meaning) for code, meaning in levels.items()}
        known = {code: STAGE_BY_WORD[word] for code, word in found.items() if word in STAGE_BY_WORD}
        if known:
            return known
    return _OWN_CODES.get(document.table.names[column])


def _level(meaning: object) -> str:
    text = meaning.get("Description", "") if isinstance(meaning, dict) else str(meaning)
    return plain_word(str(text))


def _sidecars(path: Path) -> list[Path]:
    """JSON files that describe a table, the nearest first: BIDS lets one above it stand for all below."""
    found = [path.with_suffix(".json")] if path.with_suffix(".json").is_file() else []
    parts = set(path.stem.split("_"))
    for folder in (path.parent, *list(path.parents)[1:4]):
        found += sorted(
            other for other in folder.glob("*events.json") if set(other.stem.split("_")) <= parts and other not in found
        )
    return found
