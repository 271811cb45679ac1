"""A chart as PNG, without a graphics library: a canvas of palette pixels, lines, and letters of three by five dots."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from truelimit.domain.message import said
from truelimit.report.plot import UNFIT, Chart, Line, label
from truelimit.report.plot_svg import BOTTOM, COLOURS, HEIGHT, LEFT, LEGEND, RIGHT, TOP, WIDTH, place

_PAPER, _INK, _FAINT, _FIRST = 0, 1, 2, 3
_DOT = 2  # pixels of one dot of a letter
# Each letter is five rows of three dots, a row as one octal digit.
_LETTERS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757", "7": "71122",
    "8": "75757", "9": "75717", "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644",
    "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655", "L": "44447", "M": "57755", "N": "57775",
    "O": "25552", "P": "65644", "Q": "25563", "R": "65655", "S": "34216", "T": "72222", "U": "55557", "V": "55552",
    "W": "55775", "X": "55255", "Y": "55222", "Z": "71247", ".": "00002", ",": "00024", "-": "00700", "_": "00007",
    "/": "11244", ":": "02020", "(": "12221", ")": "42224", "+": "02720", "=": "07070", "%": "51245", "*": "05250",
    "'": "22000", " ": "00000",
}  # fmt: skip
_UNKNOWN = "75557"


class _Canvas:
    """Pixels as numbers of a palette."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(width) for _ in range(height)]

    def dot(self, x: float, y: float, colour: int, size: int = 1) -> None:
        """Fill a square of ``size`` pixels; what lies outside is left out."""
        left, top = round(x), round(y)
        first, last = max(0, left), min(self.width, left + size)
        for row in self._rows[max(0, top) : max(0, top + size)]:
            row[first:last] = bytes([colour]) * max(0, last - first)

    def square(self, x: float, y: float, colour: int, *, fits: bool) -> None:
        """Draw the mark of a point: filled, or hollow where it does not fit."""
        self.dot(x, y, colour, 7)
        if not fits:
            self.dot(x + 2, y + 2, _PAPER, 3)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], colour: int, size: int = 1, *, dashed: bool = False
    ) -> None:
        """Draw a straight line."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            part = step / steps
            if dashed and step % 10 >= 6:
                continue
            self.dot(start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part, colour, size)

    def text(self, x: float, y: float, text: str, colour: int = _INK, share: float = 0.0) -> None:
        """Write capital letters with the top at ``y``; ``share`` of their width lies left of ``x``."""
        left = x - share * len(text) * 4 * _DOT
        for index, letter in enumerate(text.upper()):
            for row, bits in enumerate(_LETTERS.get(letter, _UNKNOWN)):
                for column in range(3):
                    if int(bits, 8) & (4 >> column):
                        at = left + (4 * index + column) * _DOT
                        self.dot(at, y + row * _DOT, colour, _DOT)

    def png(self, palette: bytes) -> bytes:
        """Return the file."""
        rows = b"".join(b"\0" + bytes(row) for row in self._rows)
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def drawn(item: Chart) -> bytes:
    """Return the chart as the bytes of a PNG file."""
    canvas = _Canvas(WIDTH, HEIGHT + LEGEND * (len(item.lines) + item.some_do_not_fit))
    canvas.text(LEFT, 20, item.head)
    _axes(canvas, item)
    for index, line in enumerate(item.lines):
        _line(canvas, item, line, index)
    if item.some_do_not_fit:
        y = HEIGHT - 4 + LEGEND * len(item.lines)
        canvas.square(LEFT, y - 12, _INK, fits=False)
        canvas.text(LEFT + 26, y - 12, UNFIT)
    shades = ["#ffffff", "#333333", "#dddddd", *COLOURS]
    return canvas.png(b"".join(bytes.fromhex(shade[1:]) for shade in shades))


def _axes(canvas: _Canvas, item: Chart) -> None:
    floor, side = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in item.ticks_up():
        _, y = place(item, item.left, value)
        canvas.line((LEFT, y), (side, y), _FAINT)
        canvas.text(LEFT - 8, y - 5, label(value), share=1.0)
    for value in item.ticks_across():
        x, _ = place(item, value, item.low)
        canvas.line((x, floor), (x, floor + 5), _INK)
        canvas.text(x, floor + 10, label(value), share=0.5)
    canvas.line((LEFT, TOP), (LEFT, floor), _INK)
    canvas.line((LEFT, floor), (side, floor), _INK)
    canvas.text(side, floor + 30, said("context in tokens"), share=1.0)


def _line(canvas: _Canvas, item: Chart, line: Line, index: int) -> None:
    colour = _FIRST + index
    at = [place(item, x, y) for x, y in line.points]
    for piece, (start, end) in enumerate(pairwise(at)):
        canvas.line(start, end, colour, 2, dashed=not line.fit_to(piece))
    if len(at) <= 40:
        for point, (x, y) in enumerate(at):
            canvas.square(x - 3, y - 3, colour, fits=line.fit(point))
    y = HEIGHT - 4 + LEGEND * index
    canvas.dot(LEFT, y - 12, colour, 10)
    canvas.text(LEFT + 26, y - 12, line.name)
