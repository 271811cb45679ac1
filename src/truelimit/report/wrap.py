"""Lines of a terminal: how wide a text is, where it breaks, and its colours.

Only signs beyond ASCII need the tables of rich, which cost more to load than most reports take to print.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLES = {
    "bold": "1", "bold underline": "1;4", "dim": "2", "bold dim": "1;2", "bold yellow": "1;33",
    "red": "31", "green": "32", "cyan": "36",
}  # fmt: skip
_WORD = re.compile(r"\s*\S+\s*")
_TAB = 8


def cells(text: str) -> int:
    """Return the columns that a text takes in a terminal: wide signs take two, combining ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def painted(text: str, style: str) -> str:
    """Return the text with the codes of a style of ``STYLES``; an empty style or text has none."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and text else text


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, each at most ``width`` columns; a word that is longer than a line is cut."""
    starts = [0, *_breaks(text, width)]
    return [_cropped(text[start:end], width) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def untabbed(text: str) -> list[str]:
    """Return the parts of a line that end with a tab, each tab as spaces up to a multiple of eight, and the rest."""
    parts, at = [], 0
    for part in re.findall(r"[^\t]*\t|[^\t]+", text):
        if part.endswith("\t"):
            plain = part[:-1] + " "
            plain += " " * (-(at + cells(plain)) % _TAB)
        else:
            plain = part
        at += cells(plain)
        parts.append(plain)
    return parts


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where lines after the first begin; the space after a word counts to its line."""
    used = 0
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        needed = cells(word.rstrip())
        if needed <= width - used:
            used += cells(word)
        elif needed <= width:
            if used and start:
                yield start
            used = cells(word)
        else:
            for part in _chopped(word, width):
                if start:
                    yield start
                start += len(part)
                used = cells(part)


def _chopped(word: str, width: int) -> list[str]:
    if word.isascii():
        return [word[start : start + width] for start in range(0, len(word), width)]
    from rich.cells import chop_cells

    return chop_cells(word, width)


def _cropped(line: str, width: int) -> str:
    """The line without the spaces at its end that lie beyond the width."""
    beyond = len(line) - width
    if beyond > 0:
        spaces = len(line) - len(line.rstrip())
        line = line[: len(line) - min(spaces, beyond)]
    if cells(line) <= width:
        return line
    from rich.cells import set_cell_size

    return set_cell_size(line, width)
