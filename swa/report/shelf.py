"""Where the figures of a page go: into its text, and as files beside it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import pandas as pd

from swa.report.figures import figure_files
from swa.tables.files import replace_file, write_table, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = Literal["small", "medium", "wide"]
Made = TypeVar("Made")
Other = TypeVar("Other")
_NO_FIGURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="360" height="120" viewBox="0 0 360 120"><rect width="360" '
    b'height="120" fill="#f2f2f2"/><text x="180" y="65" text-anchor="middle" font-family="sans-serif" font-size="14" '
    b'fill="#333">This figure could not be drawn.</text></svg>'
)


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


class Shelf:
    """The folder `figures` beside a page.

    Parameters
    ----------
    folder : Path
        Folder of the page.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()
        self.missing: list[tuple[str, Exception]] = []

    def attempt(self, what: str, make: Callable[[], Made], otherwise: Other) -> Made | Other:
        """What `make` gives for a part of the page; where it fails, `otherwise`, and the page says what is missing."""
        try:
            return make()
        except Exception as error:
            self.missing.append((what, error))
            return otherwise

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
        """Draw a figure under a name, and write it as SVG and PNG with its numbers as TSV.

        Of one that cannot be drawn the page says so in its place, and the numbers stay.
        """
        self.names.add(name)
        drawn, pixels = self.attempt(f"the figure {name}", lambda: figure_files(draw()), (_NO_FIGURE, b""))
        is_drawn = drawn is not _NO_FIGURE
        if not is_drawn:
            alt = caption = f"This figure could not be drawn (problems.tsv says why). {caption}"
        base = self.folder / "figures" / name
        write_text(drawn.decode("utf-8"), base.with_name(f"{name}.svg"), lasting=False)
        kinds = ("svg", "png", "tsv") if is_drawn else ("svg", "tsv")
        if is_drawn:
            replace_file(base.with_name(f"{name}.png"), lambda path: path.write_bytes(pixels), lasting=False)
        else:
            base.with_name(f"{name}.png").unlink(missing_ok=True)
        write_table(numbers, base.with_name(f"{name}.tsv"), lasting=False)
        return Picture(
            name=name,
            source="data:image/svg+xml;base64," + base64.b64encode(drawn).decode("ascii"),
            alt=alt,
            caption=caption,
            files=tuple((kind.upper(), f"figures/{name}.{kind}") for kind in kinds),
            size=size,
        )
