"""Whether a file that cannot be read is a scoring all the same, so that it must not be passed over."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from swa.errors import AmbiguousScoringError, SwaError
from swa.recordings.edf.packed import DAMAGE, open_plain
from swa.settings import ScoringSettings
from swa.sleep.formats.cells import cut_rows
from swa.sleep.formats.codes import (
    MOST_LABELS,
    NIGHT_EPOCHS,
    SAME_AGAIN,
    is_code,
    is_night_of_codes,
    known_words,
    plain_word,
)
from swa.sleep.formats.document import EVENT_COLUMNS, STAGE_COLUMNS, Document, read_any_text
from swa.sleep.formats.edf import annotations_of, is_edf, is_read_by_mne
from swa.sleep.formats.exports import is_other_domino
from swa.sleep.formats.tables import stages_a_line

_SIMULATED = re.compile(rb'\s*\{\s*"simulated"')  # what `swa simulate` drew: of many nights, and of no recording
_STAGES_OF_XML = re.compile(rb"<(?:\w+:)?(?:SleepStages|StagingData|rater)\b|>\s*Stages\||Sleep ?Stage", re.IGNORECASE)
_SLEEP = {"N1", "N2", "N3", "R"}
_READ_BYTES = 500_000
_MOST_COLUMNS = 40
_FEWEST_AMONG_EVENTS = 20  # stages of a table of all events


def reads_as_scoring(document: Document, settings: ScoringSettings) -> bool:
    """Whether stages of sleep stand in a file, in whatever form: in XML, as cells of a text, or as annotations."""
    known = known_words(settings.codes)
    try:
        if is_edf(document) or is_read_by_mne(document):
            return _is_night(annotations_of(document), known)
        with open_plain(document.path) as file:
            begin = file.read(_READ_BYTES)
        if document.head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
            return _STAGES_OF_XML.search(begin) is not None
        if _SIMULATED.match(begin):
            return False
        whole = document.is_workbook or document.path.stat().st_size < _READ_BYTES
        if whole and is_other_domino(document):
            return False
        rows = document.cells if whole else cut_rows(read_any_text(begin, "utf-8-sig").splitlines()[:-1])
        if whole and (_names_stages(document, known) or stages_a_line(document)):
            return True
    except AmbiguousScoringError:  # sheets of a workbook
        return True
    except (OSError, SwaError, *DAMAGE):
        return False
    width = max((len(row) for row in rows), default=0)
    columns = [[row[i] for row in rows if len(row) > i] for i in range(min(width, _MOST_COLUMNS))]
    if document.suffix == ".json" or (len(rows) == 1 and width >= _FEWEST_AMONG_EVENTS):
        columns = [[cell.strip('[]" ') for row in rows for cell in row]]
    return any(_is_night(column, known) or is_night_of_codes(column) for column in columns)


def _names_stages(document: Document, known: Mapping[str, str]) -> bool:
    """Whether a column with a name for stages holds codes or words for them, most of them as the one before."""
    table = document.table
    for i in [i for i, name in enumerate(table.names) if table.titled and name in STAGE_COLUMNS]:
        words = [plain_word(cell) for cell in table.cells(i)]
        stages = [word for word in words if is_code(word) or known.get(word, "UNS") != "UNS"]
        again = sum(one == other for one, other in pairwise(words))
        # A night in words that nobody knows is one all the same, under a name that no other event has.
        few = table.names[i] not in EVENT_COLUMNS and len(words) >= NIGHT_EPOCHS and 2 < len({*words}) <= MOST_LABELS
        if (few or 2 * len(stages) >= len(words) > 0) and again >= SAME_AGAIN * (len(words) - 1):
            return True
    return False


def _is_night(cells: Sequence[str], known: Mapping[str, str]) -> bool:
    """Whether most cells are stages, or so many as a night has, or few words that stay the same for long."""
    words = [plain_word(cell) for cell in cells if cell]
    named = [word for word in words if known.get(word, "UNS") != "UNS" and not is_code(word)]
    kinds = {known[word] for word in named}
    # A letter alone is a side (R, L) or a sex (m, w) as well.
    if not kinds & _SLEEP or len(kinds) + any(len(word) > 1 for word in named) < 3:
        return False
    scored = len(named) + sum(is_code(word) for word in words)
    again = sum(one == other for one, other in pairwise(words))
    few = len(words) >= NIGHT_EPOCHS and len(Counter(words)) <= MOST_LABELS and again >= SAME_AGAIN * len(words)
    return 2 * scored >= len(words) or len(named) >= _FEWEST_AMONG_EVENTS or few
