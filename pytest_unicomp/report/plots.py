"""Turns a matplotlib figure into inline SVG that says only where things lie: colours, widths and fonts are the style sheet's."""

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
# matplotlib writes an artist's gid as the id of its group; ours carry the class by which the style sheet knows them.
CLASS: Final = "u-"
Side = Literal["start", "middle", "end"]
SETTINGS: Final = {"svg.fonttype": "none", "svg.hashsalt": "unicomp", "font.family": ["DejaVu Sans"], "path.simplify": False}


class Sheet:
    """A drawing `width` by `height` CSS pixels large, the origin at the lower left; every mark names its class."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        # 72 points an inch are what the SVG backend counts in: one unit is one CSS pixel at the drawing's own size.
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
        """Draw several lines as one mark; nothing where there is none."""
        # A point that is no number ends a line and begins the next.
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
        # Centred for matplotlib, so that it writes `at` itself and not a place measured with a font that the reader may not have.
        self._axes.text(*at, one_line(text), gid=f"{CLASS}{kind} {side}", ha="center", va="baseline", clip_on=False, parse_math=False)

    def markup(self, kind: str, name: str, title: str, description: str) -> Markup:
        """Return the drawing as an `<svg class=kind>` that reads as one picture; `name` makes the ids of its title and description."""
        drawn = Markup("".join(_marks(_tree(self.figure))))
        return Markup(
            '<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{name}-title {name}-text">'
            '<title id="{name}-title">{title}</title><desc id="{name}-text">{text}</desc>{drawn}</svg>'
        ).format(kind=kind, width=self.width, height=self.height, name=name, title=one_line(title), text=one_line(description), drawn=drawn)


def width_of(text: str, size: float) -> float:
    """Return about how wide a text of `size` pixels is, for placing what must not overlap."""
    return 0.58 * size * len(text)


def _tree(figure: Figure) -> ElementTree.Element:
    import warnings

    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # The reader's fonts draw the text, not the one that matplotlib measures it with.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return ElementTree.fromstring(buffer.getvalue())


def _marks(root: ElementTree.Element) -> list[str]:
    """Return the marks of every group that carries a class, in drawing order; what matplotlib adds of its own is left out."""
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
    """Return a path with a tenth of a pixel and without the blanks that mean nothing."""
    numbers = re.sub(r"-?\d+\.?\d*(?:e-?\d+)?", lambda found: _short(found[0]), drawn)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", numbers).strip()
