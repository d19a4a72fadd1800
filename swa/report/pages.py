"""The pages of a results folder: HTML that stands alone, opens from disk and asks nothing of any network."""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from swa.report.figures import figure_files
from swa.study.store import Results, write_table, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = Literal["small", "medium", "wide"]


@dataclass(frozen=True, kw_only=True)
class PageTask:
    """The page of one subject.

    Attributes
    ----------
    results : Path
        The results folder.
    subject, label : str
        As in the study file, and as in file names.
    """

    results: Path
    subject: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on a page and beside it.

    Attributes
    ----------
    name : str
        File name without suffix.
    source : str
        The figure itself, as a data address.
    alt, caption : str
        What it shows, with the numbers, for those who cannot see it; and what it is.
    files : tuple of (str, str)
        Kind and relative path of its files: SVG, PNG and the plotted numbers.
    size : {"small", "medium", "wide"}
        How much of the width of the page it needs; on a small screen the larger ones scroll.
    """

    name: str
    source: str
    alt: str
    caption: str
    files: tuple[tuple[str, str], ...]
    size: Size


def write_subject_page(task: PageTask) -> Path:
    """Write the page of one subject and its figures.

    Parameters
    ----------
    task : PageTask
        Whose page.

    Returns
    -------
    Path
        ``RESULTS/sub-LABEL/sub-LABEL.html``.
    """
    from swa.report.subject_page import describe_subject

    folder = task.results / f"sub-{task.label}"
    path = folder / f"sub-{task.label}.html"
    shelf = Shelf(folder)
    content = describe_subject(Results(task.results), task.subject, shelf)
    write_text(render("subject.html", content), path)
    shelf.tidy()
    return path


def write_study_page(results: Results) -> Path:
    """Write the page of the study and its figures.

    Parameters
    ----------
    results : Results
        The results folder.

    Returns
    -------
    Path
        ``RESULTS/index.html``.
    """
    from swa.report.study_page import describe_study

    path = results.path / "index.html"
    shelf = Shelf(results.path)
    content = describe_study(results, shelf)
    write_text(render("study.html", content), path)
    write_text(content["paper"].text, results.path / "methods.txt")
    write_text(content["paper"].references, results.path / "methods.bib")
    shelf.tidy()
    return path


def render(template: str, content: dict[str, Any]) -> str:
    """Fill a template; every value is escaped, a missing one is an error.

    Parameters
    ----------
    template : str
        Name of the template.
    content : dict
        What it shows.
    """
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Only this script can run, and nothing can ask a network, whatever a name or note of a study contains.
    return _environment().get_template(template).render(content, script=script, script_hash=f"sha256-{digest}")


@lru_cache(maxsize=1)
def _script() -> str:
    return (files("swa.report") / "templates" / "page.js").read_text(encoding="utf-8").strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("swa.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Shelf:
    """Where the figures of a page go: into its text, and as files into the folder `figures` beside it.

    Parameters
    ----------
    folder : Path
        Folder of the page.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()

    def tidy(self) -> None:
        """Take away figures that an earlier run left and this one did not draw: they would show other numbers."""
        for path in (self.folder / "figures").glob("*"):
            if path.suffix in (".svg", ".png", ".tsv") and path.stem not in self.names:
                path.unlink()

    def put(
        self,
        name: str,
        draw: "Callable[[], Figure]",
        numbers: pd.DataFrame,
        *,
        alt: str,
        caption: str,
        size: Size = "small",
    ) -> Picture:
        """Draw a figure, and write it as SVG and PNG with its numbers as TSV.

        Parameters
        ----------
        name : str
            File name without suffix.
        draw : callable
            Draws it.
        numbers : DataFrame
            What it shows.
        alt, caption, size
            As in `Picture`.
        """
        self.names.add(name)
        drawn, pixels = figure_files(draw())
        base = self.folder / "figures" / name
        write_text(drawn.decode("utf-8"), base.with_name(f"{name}.svg"))
        _write_bytes(pixels, base.with_name(f"{name}.png"))
        write_table(numbers, base.with_name(f"{name}.tsv"))
        return Picture(
            name=name,
            source="data:image/svg+xml;base64," + base64.b64encode(drawn).decode("ascii"),
            alt=alt,
            caption=caption,
            files=tuple((kind.upper(), f"figures/{name}.{kind}") for kind in ("svg", "png", "tsv")),
            size=size,
        )


def _write_bytes(content: bytes, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
