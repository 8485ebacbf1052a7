"""Converts a matplotlib figure to inline SVG with positions and class names only; the style sheet sets colours, widths and fonts."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal
from xml.etree import ElementTree

from markupsafe import Markup, escape

from pytest_unicomp.report.visible import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SVG: Final = "{http://www.w3.org/2000/svg}"
# matplotlib writes an artist's gid as the id of its group; this prefix marks those that carry a CSS class.
CLASS: Final = "u-"
Side = Literal["start", "middle", "end"]
SETTINGS: Final = {"svg.fonttype": "none", "svg.hashsalt": "unicomp", "font.family": ["DejaVu Sans"], "path.simplify": False}


class Sheet:
    """A drawing of `width` by `height` CSS pixels, origin at the lower left; every mark has a CSS class (`kind`)."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        # The SVG backend uses 72 points per inch, so one unit is one CSS pixel at the drawing's natural size.
        self.figure: Figure = Figure(figsize=(width / 72, height / 72))
        FigureCanvasSVG(self.figure)
        self._axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(0, height)

    def line(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Draw a line through points."""
        self.lines(kind, [points])

    def lines(self, kind: str, parts: Sequence[Sequence[tuple[float, float]]]) -> None:
        """Draw several lines as one mark; no parts, no mark."""
        # A NaN point separates two lines.
        drawn = [point for part in parts for point in (*part, (math.nan, math.nan))][:-1]
        if drawn:
            self._axes.plot([x for x, _ in drawn], [y for _, y in drawn], gid=CLASS + kind, clip_on=False)

    def area(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Fill a polygon."""
        self._axes.fill([x for x, _ in points], [y for _, y in points], gid=CLASS + kind, clip_on=False)

    def dots(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Draw a dot at each point."""
        if points:
            self._axes.plot([x for x, _ in points], [y for _, y in points], "o", linestyle="", gid=CLASS + kind, clip_on=False)

    def text(self, kind: str, at: tuple[float, float], text: str, side: Side = "middle") -> None:
        """Write one line of text with its baseline at `at`, which is the text's start, middle or end."""
        # Centred, so that matplotlib writes `at` itself, not a position that depends on a font which the reader may lack.
        self._axes.text(*at, one_line(text), gid=f"{CLASS}{kind} {side}", ha="center", va="baseline", clip_on=False, parse_math=False)

    def markup(self, kind: str, name: str, title: str, description: str) -> Markup:
        """Return the drawing as an `<svg class=kind role=img>`; `name` prefixes the ids of its title and description."""
        drawn = Markup("".join(_marks(_tree(self.figure))))
        return Markup(
            '<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{name}-title {name}-text">'
            '<title id="{name}-title">{title}</title><desc id="{name}-text">{text}</desc>{drawn}</svg>'
        ).format(kind=kind, width=self.width, height=self.height, name=name, title=one_line(title), text=one_line(description), drawn=drawn)


def width_of(text: str, size: float) -> float:
    """Return the approximate width in pixels of a text of font size `size`."""
    return 0.58 * size * len(text)


def _tree(figure: Figure) -> ElementTree.Element:
    import warnings

    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # The browser draws the text with its own fonts, so glyphs missing from matplotlib's do not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return ElementTree.fromstring(buffer.getvalue())


def _marks(root: ElementTree.Element) -> list[str]:
    """Return the marks of every group with a class, in drawing order; groups that matplotlib adds itself are left out."""
    marks: list[str] = []
    for group in root.iter(f"{SVG}g"):
        name = group.get("id", "")
        if not name.startswith(CLASS):
            continue
        kind = escape(name.removeprefix(CLASS))
        for element in group.iter():
            if element.tag == f"{SVG}use":
                marks.append(f'<circle class="{kind}" cx="{_short(element.get("x"))}" cy="{_short(element.get("y"))}"/>')
            elif element.tag == f"{SVG}text":
                marks.append(_text(kind, element))
            elif element.tag == f"{SVG}path" and element.get("id") is None:
                marks.append(f'<path class="{kind}" d="{_path(element.get("d", ""))}"/>')
    return marks


def _text(name: str, element: ElementTree.Element) -> str:
    kind, _, side = name.partition(" ")
    anchor = "" if side == "middle" else f' text-anchor="{side}"'
    place = f'x="{_short(element.get("x"))}" y="{_short(element.get("y"))}"'
    return f'<text class="{kind}" {place}{anchor}>{escape("".join(element.itertext()))}</text>'


def _short(number: str | None) -> str:
    return f"{round(float(number or 0), 1):g}"


def _path(drawn: str) -> str:
    """Return a path rounded to a tenth of a pixel, without superfluous spaces."""
    numbers = re.sub(r"-?\d+\.?\d*(?:e-?\d+)?", lambda found: _short(found[0]), drawn)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", numbers).strip()
