"""A bounded walk over the bytes of a header."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from functools import partial
from itertools import repeat
from struct import Struct

from truelimit.adapters.files.gguf.error import GgufError, ShortError
from truelimit.domain.message import Message, said

Buffer = bytes | mmap.mmap

# A real header is at most some 20 MB (vocabulary and merges); no valid one comes near this.
HEADER_CAP = 128 * 2**20
MAX_KEY_BYTES = 65535
# Strings between two looks at the limit, so that a walk led astray in a large file ends soon.
_HIGH_BYTES = 7
_STRIDE = 2**14

_LENGTH = Struct("<Q")


def _at_the_start() -> Message:
    return said("the first bytes")


def _in_list(doing: Callable[[], str], what: str, count: int) -> Message:
    return said("{doing}, {what} of {number:,}", doing=doing(), what=what, number=count)


class Cursor:
    """A position in the bytes of a header; ``doing`` names the key or tensor at hand, asked only for errors.

    ``exact`` reads all eight bytes of every string length in an array; otherwise only the lowest one (see
    ``skip_strings``).
    """

    def __init__(self, buffer: Buffer, where: str, *, exact: bool) -> None:
        """Start at the beginning."""
        self.buffer, self.where, self.exact = buffer, where, exact
        self.position = 0
        self.limit = min(len(buffer), HEADER_CAP)
        self.doing: Callable[[], str] = _at_the_start

    def unpack(self, form: Struct) -> tuple[int, ...]:
        """Return the next values in the given form. Raises ShortError at the end of the bytes."""
        start = self.position
        self.skip(form.size)
        return form.unpack_from(self.buffer, start)

    def skip(self, n_bytes: int) -> None:
        """Step over bytes. Raises ShortError at the end of the bytes, GgufError beyond the largest header."""
        self.position += n_bytes
        if self.position > self.limit:
            raise self._beyond()

    def string(self, longest: int) -> str | None:
        """Return the next string, or None (skipped) when it has more than ``longest`` bytes."""
        (length,) = self.unpack(_LENGTH)
        start = self.position
        self.skip(length)
        if length > longest:
            return None
        return self.buffer[start : self.position].decode("utf-8", "replace")

    def name(self) -> str:
        """Return a key or a tensor's name. Raises GgufError when it is longer than GGUF allows, or empty."""
        name = self.string(MAX_KEY_BYTES)
        if not name:
            raise self.error(
                said("a name is empty or too long"),
                said("1 to {max_key_bytes} bytes of text", max_key_bytes=MAX_KEY_BYTES),
            )
        return name

    def fits(self, count: int, smallest: int, what: str) -> None:
        """Raise when ``count`` things of at least ``smallest`` bytes each cannot follow."""
        if count * smallest > self.limit - self.position:
            self.doing = partial(_in_list, self.doing, what, count)
            self.position += count * smallest
            raise self._beyond()

    def skip_strings(self, count: int) -> None:
        """Step over ``count`` strings: the costly part, as each one's length tells where the next begins.

        The quick walk takes only the lowest byte of a length, at half the time. A string of 256 bytes or more leads
        it astray, and then what follows is no valid header: the caller reads again with ``exact``.
        """
        self.fits(count, _LENGTH.size, said("a list"))
        walk = _walk_exact if self.exact else _walk
        for start in range(0, count, _STRIDE):
            try:
                position = walk(self.buffer, self.position, min(_STRIDE, count - start))
            except (IndexError, OverflowError, struct.error):
                self.position = self.limit + 1
                raise self._beyond() from None
            self.skip(position - self.position)

    def error(self, what: str, expected: str, do: str = "") -> GgufError:
        """Return an error at this position."""
        at = min(self.position, self.limit)
        place = said("{where}: {doing} (byte {at:,})", where=self.where, doing=self.doing(), at=at)
        return GgufError(place, what, expected, do or said("download or convert the model again"))

    def _beyond(self) -> GgufError:
        if self.position > HEADER_CAP:
            return self.error(
                said("the header claims to be longer than any model's"),
                said("at most {header_cap:,} bytes", header_cap=HEADER_CAP),
            )
        place = said("{where}: {doing}", where=self.where, doing=self.doing())
        return ShortError(
            place, said("the header goes on after the end (byte {limit:,})", limit=self.limit), self.position
        )


def _walk(buffer: Buffer, position: int, count: int) -> int:
    """Step over strings by the lowest byte of their lengths where that is enough, else by the whole lengths."""
    end = _walk_short(buffer, position, count)
    if _only_short(buffer[position:end], count):
        return end
    return _walk_exact(buffer, position, count)


def _only_short(region: bytes, count: int) -> bool:
    """Each length below 256 has seven zero bytes, and text has none: other sums are read again, with whole lengths.

    Half the time of reading each length; only strings of zero bytes in just the right places could deceive it.
    """
    return region.count(0) == _HIGH_BYTES * count


def _walk_short(buffer: Buffer, position: int, count: int) -> int:
    # Eight steps a turn: the loop itself would cost a quarter more.
    for _ in repeat(None, count // 8):
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
        position += buffer[position] + 8
    for _ in repeat(None, count % 8):
        position += buffer[position] + 8
    return position


def _walk_exact(buffer: Buffer, position: int, count: int) -> int:
    unpack = _LENGTH.unpack_from
    for _ in repeat(None, count):
        position += unpack(buffer, position)[0] + 8
    return position
