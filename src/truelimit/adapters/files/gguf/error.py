"""What can be wrong with a GGUF file."""

from __future__ import annotations

from truelimit.domain.message import said


class GgufError(Exception):
    """A GGUF header that cannot be read.

    ``where`` is the file or URL, with key, tensor or byte offset; ``what`` happened; what was ``expected``;
    what to ``do`` about it.
    """

    def __init__(self, where: str, what: str, expected: str, do: str) -> None:
        """Keep the four parts and make one sentence of them."""
        super().__init__(
            said("{where}: {what} (expected {expected}); {do}", where=where, what=what, expected=expected, do=do)
        )
        self.where, self.what, self.expected, self.do = where, what, expected, do


class ShortError(GgufError):
    """The bytes end within the header. ``needs`` is how many there must be at least, as far as is known."""

    def __init__(self, where: str, what: str, needs: int) -> None:
        """Keep the number of bytes needed."""
        super().__init__(where, what, said("at least {needs:,} bytes", needs=needs), said("download the model again"))
        self.needs = needs
