"""Sheets of a workbook, a damaged one of which costs itself alone.

Its reader is compiled: in a damaged file it panics, which no `except Exception` catches, asks for memory without end,
or never comes back. So a process of its own reads it first, and what ends that process is refused.
"""

import io
import re
import subprocess
import sys
import zipfile

import pandas as pd

LIMIT_S = 60  # by the clock, of a machine that does much else
_TOO_MANY = 3  # how the process ends that finds more cells than are asked for
_LOOK = f"""
import io, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
    resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
except (ImportError, ValueError, OSError):  # Windows has none, others may have less already
    pass
from python_calamine import SheetTypeEnum, load_workbook
book = load_workbook(io.BytesIO(sys.stdin.buffer.read()))
for told in book.sheets_metadata:
    if told.typ != SheetTypeEnum.WorkSheet:
        continue
    sheet = book.get_sheet_by_name(told.name)
    if sheet.total_height * sheet.total_width > int(sys.argv[1]):
        sys.exit({_TOO_MANY})
    sheet.to_python(skip_empty_area=False)
"""

_MERGED = re.compile(rb'mergeCell\s[^>]*?ref="([A-Z]{1,3}[1-9]\d{0,6}:[A-Z]{1,3}[1-9]\d{0,6})"')


class WorkbookError(ValueError):
    """A workbook that cannot be read; `is_large` where it holds too many cells."""

    def __init__(self, *, is_large: bool) -> None:
        super().__init__()
        self.is_large = is_large


def read_sheets(content: bytes, most_cells: int) -> dict[str, pd.DataFrame]:
    """Sheets of a workbook (.xlsx, .xls, .ods) by name, cells as they are.

    Parameters
    ----------
    content : bytes
        The file.
    most_cells : int
        Of a sheet, empty ones among them.

    Raises
    ------
    WorkbookError
        It is damaged, locked, or holds more cells.
    ImportError
        The package python-calamine is not there.
    """
    import python_calamine  # noqa: F401  # told before a process looks for it

    call = [sys.executable, "-P", "-c", _LOOK, str(most_cells)]  # -P: nothing is imported from where the user stands
    try:
        code = subprocess.run(call, input=content, capture_output=True, timeout=LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        code = 1
    if code:
        raise WorkbookError(is_large=code == _TOO_MANY)
    return pd.read_excel(io.BytesIO(content), sheet_name=None, header=None, dtype=object, engine="calamine")


def merged_down(content: bytes, part: str) -> list[tuple[int, int, int]]:
    """Column (from 0), first and last row (from 1) of the cells of an .xlsx sheet that are merged within one column.

    Excel keeps the value in the first of them and means it for all. Cells merged over columns are titles.

    Parameters
    ----------
    content : bytes
        The file.
    part : str
        The sheet's place in it.
    """
    from openpyxl.utils import range_boundaries  # type: ignore[import-untyped, unused-ignore]  # an optional package

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = [range_boundaries(cells.decode()) for cells in _MERGED.findall(archive.read(part))]
    return sorted((left - 1, top, bottom) for left, top, right, bottom in found if left == right)
