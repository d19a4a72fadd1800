"""Steps of a subject that stay while what they rest on stays: beside their files stands what they were made from.

As a night has its `desc-night.json`: it is written last, and without it, or where a file is not as it was written, the
step is done again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from swa.study.store import digest_of
from swa.tables.files import hash_file, read_json, write_json
from swa.version import code_digest


class _Document(TypedDict):
    fingerprint: str
    files: dict[str, str]
    outcome: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class KeptStep:
    """A step of one subject.

    Attributes
    ----------
    document : Path
        What says that it is done.
    files : sequence of Path
        What it writes.
    rests_on : mapping of str to object
        All that its files hang on but the code of swa, as JSON knows it.
    """

    document: Path
    files: Sequence[Path]
    rests_on: Mapping[str, object]

    def find(self) -> tuple[Mapping[str, object] | None, str]:
        """What the step said, where it is done from the same; else None, and what is damaged where it was."""
        found = read_json(self.document)
        own = found.pop("sha256", None)
        if own != digest_of(found):
            return None, f"{self.document.name} is damaged or edited" if self.document.exists() else ""
        known = cast(_Document, found)
        if known["fingerprint"] != self._fingerprint:
            return None, ""
        for path in self.files:
            if not path.is_file():
                return None, f"{path.name} is missing"
            if hash_file(path) != known["files"][path.name]:
                return None, f"{path.name} is not as it was written: damaged, or edited"
        return known["outcome"], ""

    def begin(self) -> None:
        """From here on the files are neither the old ones nor the new."""
        self.document.unlink(missing_ok=True)

    def finish(self, outcome: Mapping[str, object]) -> None:
        """Say that the files are written."""
        files = {path.name: hash_file(path) for path in self.files}
        document = {"fingerprint": self._fingerprint, "files": files, "outcome": dict(outcome)}
        # Not waited for: one that a power cut takes is a step that is done again.
        write_json(document | {"sha256": digest_of(document)}, self.document, lasting=False)

    @property
    def _fingerprint(self) -> str:
        return digest_of({"code": code_digest(), **self.rests_on})
