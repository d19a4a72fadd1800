"""How much a recording and a scoring can be: what a file says beyond these is not believed, and nothing is held for it.

Every size that is taken from a file is bounded by what the file holds, and by these.
"""

from swa.errors import RecordingError

LONGEST_S = 48 * 3600.0  # of a recording, gaps included: more is two recordings in one file
HIGHEST_RATE_HZ = 1e6  # of a signal
MOST_SIGNALS = 9999  # of a recording: the header of an EDF has four digits for it
MOST_UNPACKED_BYTES = 16 * 2**30  # of a recording that is packed
MOST_SCORING_BYTES = 5_000_000  # of text: that of a night has some 100 kB, in epochs of 1 s 1 MB
MOST_XML_BYTES = 20_000_000  # some name every event and setting
MOST_SCORING_LINES = 100_000  # a day in epochs of 1 s
MOST_SCORING_CELLS = 500_000  # of a table, and of elements in XML
MOST_SHEET_CELLS = 2_000_000  # of a sheet of a workbook, empty ones among them
MOST_STUDY_BYTES = 20_000_000  # of a study file, and of what is packed in an Excel workbook ten times as much
MOST_STUDY_ROWS = 20_000  # the largest studies are some 10,000 nights
MOST_STUDY_COLUMNS = 500


def check_length(name: str, duration_s: float, by: str = "by its header") -> None:
    """Refuse a recording that is longer than any.

    Raises
    ------
    RecordingError
        It lasts more than 48 h by its header, or with its gaps.
    """
    if duration_s > LONGEST_S:
        raise RecordingError(
            f"{name}: {duration_s / 3600:.1f} h {by}; at most {LONGEST_S / 3600:g} h are read.",
            "Split it into one file a night; if it is shorter, its header is damaged: export it again.",
        )
