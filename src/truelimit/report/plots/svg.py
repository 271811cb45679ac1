"""Writes SVG: elements as text, everything from outside escaped, and the boxes of all labels for whoever checks them.

Colours are never written into a drawing. An element names its part (``ink``, ``grid``, ``fill-2``) as a class, and the
page, the file or the picture brings the colours of the classes: see ``style``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

from truelimit.report.plots.letters import width_of

SIZE = 13.0
SMALL = 11.5
Value = str | float


@dataclass(frozen=True, slots=True)
class Box:
    """The rectangle that a label takes, by the estimate of its width."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether two labels overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(slots=True)
class Drawing:
    """An SVG in the making: its size, its elements in order, and the boxes of its labels."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, *, part: str = "ink", anchor: str = "start", size: float = SIZE
    ) -> Box:
        """Write a label with its baseline at ``y``; ``anchor`` start, middle or end. Returns its box."""
        self.parts.append(element("text", text, x=x, y=y, text_anchor=anchor, font_size=size, part=part))
        box = label_box(x, y, text, anchor, size)
        self.boxes.append(box)
        return box

    def line(self, x1: float, y1: float, x2: float, y2: float, part: str) -> None:
        """Draw a straight line."""
        self.parts.append(raw("line", "", x1=x1, y1=y1, x2=x2, y2=y2, part=part))

    def rect(self, x: float, y: float, width: float, height: float, part: str, told: str = "") -> None:
        """Draw a rectangle; ``told`` is what a pointer over it shows."""
        inner = _title(told)
        self.parts.append(raw("rect", inner, x=x, y=y, width=max(0.0, width), height=max(0.0, height), part=part))

    def circle(self, x: float, y: float, radius: float, part: str, told: str = "") -> None:
        """Draw a dot."""
        self.parts.append(raw("circle", _title(told), cx=x, cy=y, r=radius, part=part))

    def path(self, points: list[tuple[float, float]], part: str) -> None:
        """Draw a line through points."""
        at = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)
        self.parts.append(raw("polyline", "", points=at, part=part))

    def shape(self, x: float, y: float, points: list[tuple[float, float]], part: str, told: str = "") -> None:
        """Draw a closed shape around a place; the points are relative to it."""
        at = " ".join(f"{coordinate(x + dx)},{coordinate(y + dy)}" for dx, dy in points)
        self.parts.append(raw("polygon", _title(told), points=at, part=part))


def label_box(x: float, y: float, text: str, anchor: str = "start", size: float = SIZE) -> Box:
    """Return the box of a label with its baseline at ``y``."""
    width = width_of(text, size)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return Box(text, left, y - 0.82 * size, left + width, y + 0.24 * size)


def element(name: str, text: str, /, **attributes: Value) -> str:
    """Return an element around a text, which is escaped."""
    return raw(name, safe(text), **attributes)


def raw(name: str, inner: str, /, **attributes: Value) -> str:
    """Return an element around what is SVG already. ``part`` becomes its class; all values are escaped."""
    told = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>"


def safe(text: str) -> str:
    """Return text that is text in HTML and SVG, whatever is in it, without signs that neither may hold."""
    return escape(_BARRED.sub("\ufffd", text), quote=True)


# Signs that a page may not hold, or that turn the direction of the text around them.
_BARRED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def coordinate(value: float) -> str:
    """Return a number as short as a picture needs it."""
    return f"{value:.1f}".removesuffix(".0")


def _title(told: str) -> str:
    return element("title", told) if told else ""


def _name(key: str) -> str:
    return "class" if key == "part" else key.replace("_", "-")


def _value(value: Value) -> str:
    return safe(value) if isinstance(value, str) else coordinate(value)
