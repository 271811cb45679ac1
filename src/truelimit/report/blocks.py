"""The blocks that a report is made of: text and Markdown print each in its own way."""

from __future__ import annotations

from dataclasses import field

from truelimit.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. ``tone`` is verdict, plain, good, bad or dim."""

    text: str
    tone: str = "plain"
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A table; ``marked`` rows are stressed. The second column is right-aligned.

    The last column is long text: a narrow page sets all but two columns below their row, with their titles where
    ``titled``.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    titled: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of lines."""

    lines: tuple[str, ...]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Text whose lines stay as they are: a diff."""

    text: str


Block = Heading | Paragraph | Rows | Items | Preformatted


@dataclass(slots=True)
class Shown:
    """What a report has said already, so that it says it once: calculations, their terms, steps for a person.

    ``terms`` is what each name stood for when it was last told, a value and a source: a name that has stood for
    something else since is told again in full.
    """

    calculations: set[tuple[str, tuple[tuple[str, float], ...]]] = field(default_factory=set)
    terms: dict[str, tuple[float, str]] = field(default_factory=dict)
    steps: set[str] = field(default_factory=set)
