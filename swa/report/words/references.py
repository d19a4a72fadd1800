"""The literature of the texts: `references.bib` beside this file, one entry a paragraph."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_RELEASED = "2026"  # the year of this version, as in CITATION.cff
_ACCENTS = {'"': "\u0308", "'": "\u0301"}  # as BibTeX writes them: {\"o}, {\'e}


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An entry of the bibliography: its text, and its fields in plain letters."""

    entry: str
    fields: dict[str, str]


@cache
def read_references() -> dict[str, Reference]:
    """All entries by key."""
    text = files("swa.report.words").joinpath("references.bib").read_text(encoding="utf-8")
    found = {}
    for entry in text.strip().split("\n\n"):
        key = entry[entry.index("{") + 1 : entry.index(",")]
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.M))
        found[key] = Reference(entry=entry, fields={name: _plain(value) for name, value in fields.items()})
    return found


def cite(key: str) -> str:
    """How a text cites it: authors and year."""
    fields = read_references()[key].fields
    names = [name.partition(",")[0] for name in fields["author"].split(" and ")]
    authors = f"{names[0]} et al." if len(names) > 2 else " & ".join(names)
    return f"{authors}, {fields['year']}"


def source(key: str) -> str:
    """How a page cites it, which has no list of references: with journal, and volume and first page where known."""
    fields = read_references()[key].fields
    place = f" {fields['volume']}:{fields['pages'].partition('-')[0]}" if "volume" in fields else ""
    return f"{cite(key)}, {fields['journal']}{place}"


def bibtex(keys: Iterable[str], version: str = "") -> str:
    """BibTeX entries in alphabetical order, and one of the program itself where its version is given."""
    entries = [read_references()[key].entry for key in sorted(set(keys))]
    if version:
        title = "{swa}: slow-wave activity compared between nights"
        fields = {"author": "{swa developers}", "title": title, "year": _RELEASED, "note": f"Version {version}"}
        entries.append("\n".join(["@misc{swa,", *(f"  {name} = {{{text}}}," for name, text in fields.items()), "}"]))
    return "\n\n".join(entries) + "\n"


def _plain(value: str) -> str:
    """A field without BibTeX's braces and accents."""
    text = re.sub(r"\{\\(.)(\w)\}", lambda found: unicodedata.normalize("NFC", found[2] + _ACCENTS[found[1]]), value)
    return text.translate({ord("{"): None, ord("}"): None})
