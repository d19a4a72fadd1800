"""How a figure becomes files: SVG and PNG from one pass over what it shows."""

# matplotlib says no types of its renderers.
# mypy: disable-error-code="no-untyped-call, no-any-return"

import io
from functools import lru_cache
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedPath

from swa.report.figures.style import STYLE

SVG_DPI = 72  # of the SVG renderer: its unit is the point
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def figure_bytes(figure: Figure, kind: Literal["svg", "png"], *, dpi: float = 120) -> bytes:
    """Write a figure as a file without date or version: equal figures are equal bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    kind : {"svg", "png"}
        Format.
    dpi : float
        Resolution of a PNG, and of dense layers in an SVG.

    Returns
    -------
    bytes

    Examples
    --------
    >>> import pathlib, swa
    >>> figure = swa.figures.forest(swa.read_results("results").contrasts.head(0))
    >>> pathlib.Path("forest.svg").write_bytes(swa.figures.figure_bytes(figure, "svg")) > 0
    True
    """
    svg, png = figure_files(figure, dpi=dpi)
    return svg if kind == "svg" else png


def figure_files(figure: Figure, *, dpi: float = 120) -> tuple[bytes, bytes]:
    """Write a figure as SVG and as PNG.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    dpi : float
        Resolution of the PNG, and of dense layers in the SVG.

    Returns
    -------
    svg, png : bytes

    Examples
    --------
    >>> import swa
    >>> svg, png = swa.figures.figure_files(swa.figures.forest(swa.read_results("results").contrasts.head(0)))
    >>> svg[:5], png[1:4]
    (b'<?xml', b'PNG')
    """
    text = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.set_dpi(SVG_DPI)
        width, height = figure.bbox.size
        vector = RendererSVG(width, height, text, image_dpi=dpi, metadata=NO_METADATA)
        pixels = RendererAgg(round(width * dpi / SVG_DPI), round(height * dpi / SVG_DPI), dpi)
        figure.draw(BothRenderers(vector, pixels))
        vector.finalize()
        figure.set_dpi(dpi)
    image = io.BytesIO()
    nameless: dict[str, Any] = {"Software": None}
    drawn = np.asarray(pixels.buffer_rgba())
    imsave(image, drawn, format="png", dpi=dpi, metadata=nameless, pil_kwargs={"compress_level": 3})
    return text.getvalue().encode(), image.getvalue()


class BothRenderers(RendererBase):
    """Passes what a figure draws to an SVG and to an Agg renderer.

    Artists work out their ticks, labels and places anew at each drawing, which costs as much as writing the file: a
    page took a third longer with one drawing for each format.

    Parameters
    ----------
    vector : RendererSVG
        In points; its coordinates are those of the figure.
    pixels : RendererAgg
        The same, enlarged. Its letters are outlines, as in the SVG.
    """

    def __init__(self, vector: RendererSVG, pixels: RendererAgg) -> None:
        super().__init__()
        self.vector, self.pixels = vector, pixels
        self.zoom = pixels.dpi / SVG_DPI
        self.enlarge = Affine2D().scale(self.zoom)

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Size in points."""
        return self.vector.get_canvas_width_height()

    def get_image_magnification(self) -> float:
        """Images have the pixels of the PNG in both."""
        return self.vector.get_image_magnification()

    def option_image_nocomposite(self) -> bool:
        """Images are drawn one by one."""
        return True

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        """Size of a text in points."""
        return _text_size(s, prop, ismath)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group of the SVG."""
        self.vector.open_group(s, gid)

    def close_group(self, s: str) -> None:
        """End a group of the SVG."""
        self.vector.close_group(s)

    def _both(self, draw: str, gc: GraphicsContextBase, *args: Any, **kwargs: Any) -> None:
        """Draw by both; transforms, which say how large and where, are enlarged for the pixels."""
        getattr(self.vector, draw)(gc, *args, **kwargs)
        larger = [self._larger(arg) if isinstance(arg, Transform) else arg for arg in args]
        getattr(self.pixels, draw)(self._enlarged(gc), *larger, **kwargs)

    def draw_path(self, gc: GraphicsContextBase, *args: Any, **kwargs: Any) -> None:
        """Draw a path."""
        self._both("draw_path", gc, *args, **kwargs)

    def draw_markers(self, gc: GraphicsContextBase, *args: Any, **kwargs: Any) -> None:
        """Draw a marker at each point of a path."""
        self._both("draw_markers", gc, *args, **kwargs)

    def draw_path_collection(self, gc: GraphicsContextBase, *args: Any, **kwargs: Any) -> None:
        """Draw many paths."""
        self._both("draw_path_collection", gc, *args, **kwargs)

    def draw_quad_mesh(self, gc: GraphicsContextBase, *args: Any, **kwargs: Any) -> None:
        """Draw a mesh, as colour bars have it."""
        self._both("draw_quad_mesh", gc, *args, **kwargs)

    def draw_image(self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None) -> None:
        """Draw an image, which has the pixels of the PNG."""
        self.vector.draw_image(gc, x, y, im)
        self.pixels.draw_image(self._enlarged(gc), round(x * self.zoom), round(y * self.zoom), im)

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Draw a text, as outlines of its letters."""
        self.vector.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        size = self.pixels.points_to_pixels(prop.get_size_in_points()) / text_to_path.FONT_SCALE
        place = Affine2D().scale(size).rotate_deg(angle).translate(x * self.zoom, self.pixels.height - y * self.zoom)
        wide = self._enlarged(gc)
        wide.set_linewidth(0)
        self.pixels.draw_path(wide, _outlines(s, prop, ismath), place, gc.get_rgb())

    def _larger(self, transform: Transform) -> Transform:
        if transform.is_affine:  # much quicker than a chain of transforms
            return Affine2D(self.enlarge.get_matrix() @ transform.get_matrix())
        return transform + self.enlarge

    def _enlarged(self, gc: GraphicsContextBase) -> GraphicsContextBase:
        """Clipping in pixels; widths and dashes are in points for both."""
        wide = self.pixels.new_gc()
        wide.copy_properties(gc)
        clip = gc.get_clip_rectangle()
        if clip is not None:
            wide.set_clip_rectangle(Bbox(clip.get_points() * self.zoom))
        clip_path: Any = gc.get_clip_path()
        path, transform = clip_path
        if path is not None:
            wide.set_clip_path(TransformedPath(path, transform + self.enlarge))
        return wide


@lru_cache(maxsize=4096)
def _text_size(text: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
    """As any renderer of points has it; matplotlib forgets the sizes of its texts with each figure."""
    return RendererBase().get_text_width_height_descent(text, prop, ismath)


@lru_cache(maxsize=4096)
def _outlines(text: str, prop: Any, ismath: Any) -> Path:
    """Outlines of a text; many texts of a page stand on it, and on the next one, again."""
    vertices, codes = text_to_path.get_text_path(prop, text, ismath=ismath)
    return Path(vertices, codes)
