"""The installed version."""

import functools
import hashlib
from importlib.metadata import version
from pathlib import Path

__version__ = version("swa")


@functools.cache
def code_digest() -> str:
    """Digest of the package as it lies on the disk, 10 ms: a version under development has one number for many."""
    digest, root = hashlib.sha256(__version__.encode()), Path(__file__).parent
    for path in sorted(path for ending in ("*.py", "*.toml") for path in root.rglob(ending)):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
