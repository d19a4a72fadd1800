"""Recordings that are packed with gzip (`night.edf.gz`)."""

import gzip
import shutil
import tempfile
import weakref
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from swa.errors import RecordingError
from swa.recordings.limits import MOST_UNPACKED_BYTES

_GZIP = b"\x1f\x8b"
DAMAGE = (gzip.BadGzipFile, EOFError, zlib.error)


class Unpacked:
    """What was packed with gzip, as a file of its own, which goes when nobody holds this any more."""

    def __init__(self, packed: Path) -> None:
        folder = tempfile.mkdtemp(prefix="swa-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder, packed.stem)
        with gzip.open(packed) as source, self.path.open("wb") as plain:
            while block := source.read(2**20):
                plain.write(block)
                if plain.tell() > MOST_UNPACKED_BYTES:
                    raise RecordingError(
                        f"{packed.name}: holds more than {MOST_UNPACKED_BYTES / 2**30:g} GB unpacked.",
                        "Unpack it yourself and look at it: no night is as large.",
                    )


def unpack(path: Path) -> Unpacked | None:
    """Unpack a file where it is packed: the records of a night are read here and there, not in order.

    Raises
    ------
    RecordingError
        What is packed is damaged.
    """
    with path.open("rb") as file:
        if file.read(2) != _GZIP:
            return None
    try:
        return Unpacked(path)
    except DAMAGE as error:
        raise RecordingError(
            f"{path.name}: cannot be unpacked with gzip ({error}).", "Copy it again, or unpack it yourself."
        ) from None


def open_plain(path: Path) -> BinaryIO:
    """A file opened for reading; what is packed in it where it is packed."""
    file = path.open("rb")
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    if not packed:
        return file
    file.close()
    return cast("BinaryIO", gzip.open(path))


def read_head(path: Path, n_bytes: int) -> bytes:
    """First bytes of a file, of what is packed in it where it is packed; empty where it cannot be read."""
    try:
        with open_plain(path) as file:
            return file.read(n_bytes)
    except (OSError, *DAMAGE):
        return b""
