"""A fault of swa: an exception that nobody foresaw costs the piece that it struck, and leaves a file to send.

The file holds where in the code it happened, versions and settings. The message of the exception is not in it: it may
quote a header, and a patient's name with it.
"""

import platform
import sys
import traceback
import zlib
from importlib.metadata import version
from pathlib import Path

import swa
from swa.errors import SwaError
from swa.settings import Settings
from swa.tables.files import write_text

PACKAGES = ("swa", "yasa", "mne", "numpy", "scipy", "pandas", "pyarrow", "matplotlib", "edfio", "distributed")
_HOME = Path(swa.__file__).parents[1]


def is_fault(error: BaseException) -> bool:
    """Whether an exception is one that nobody foresaw: neither wrong input, nor a disk, nor memory."""
    return isinstance(error, Exception) and not isinstance(error, SwaError | OSError | MemoryError)


def leave_fault(results: Path, settings: Settings, what: str, error: BaseException) -> str:
    """Write the file of a fault, one for each place in the code; returns what to do about it.

    Parameters
    ----------
    results : Path
        The results folder.
    settings : Settings
        Of the run.
    what : str
        What was being done, without a name of anybody.
    error : BaseException
        What came.
    """
    if isinstance(error, SwaError) and error.remedy:
        return error.remedy
    if not is_fault(error):
        return "Run again; if it stays, please report it."
    places = "\n".join(_places(error))
    name = f"fault-{zlib.crc32((what + places).encode()):08x}.txt"
    versions = "\n".join(f"  {package} {version(package)}" for package in PACKAGES)
    text = (
        f"A fault of swa: {what}.\n"
        "No name, text or path of a patient, a recording or a user is in this file. Please send it with your report.\n"
        f"\n{places}\n\nPython {sys.version.split()[0]}, {platform.system()} {platform.machine()}\n{versions}\n"
        f"\n{settings.to_toml()}"
    )
    try:
        write_text(text, results / name)
    except OSError:
        return "This is a fault of swa: please report it."
    return f"This is a fault of swa: please report it, and send {name}, which holds nothing of a patient."


def describe_fault(error: BaseException) -> str:
    """What an exception says, in few words, for a row of `problems.tsv`."""
    if isinstance(error, SwaError):
        return error.problem
    return f"{type(error).__name__}: {str(error)[:200]}"


def clear_faults(results: Path) -> None:
    """Remove the files of an earlier run."""
    for path in results.glob("fault-*.txt"):
        path.unlink(missing_ok=True)


def _places(error: BaseException) -> list[str]:
    """Where an exception came from, the innermost place last, and before it those that it followed from."""
    before = error.__cause__ or error.__context__
    lines = [*_places(before), "which led to"] if before is not None else []
    lines += [
        f"  {_in_package(Path(frame.filename))}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return [*lines, type(error).__name__]


def _in_package(path: Path) -> str:
    """A file by its place in its package, without the folders of a user."""
    if path.is_relative_to(_HOME):
        return path.relative_to(_HOME).as_posix()
    parts = path.parts
    at = len(parts) - 1 - parts[::-1].index("site-packages") if "site-packages" in parts else len(parts) - 2
    return "/".join(parts[at + 1 :])
