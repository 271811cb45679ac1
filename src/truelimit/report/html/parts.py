"""What a page has beside the blocks of every report: sections, figures, folded parts, tables with captions."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.report.blocks import Block, Rows
from truelimit.report.plots.figure import Figure


@dataclass(frozen=True, slots=True)
class Captioned:
    """A table with its caption. ``numeric`` are the columns whose cells are numbers."""

    caption: str
    rows: Rows
    numeric: frozenset[int] = frozenset({1})


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with what it shows below it; ``note`` is one more sentence."""

    figure: Figure
    note: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """Parts that are shown when asked for; on paper always."""

    summary: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Badge:
    """A word that is set apart; ``tone`` is good, bad or plain."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page with its heading and the name of its anchor."""

    name: str
    title: str
    parts: tuple[Part, ...]


Part = Block | Captioned | Drawn | Folded | Badge
