"""The program's fixed words that a report shows: names of limits, kinds, bases, causes, endings, units.

They are defined where they belong, in English. This is the list of them for the catalogues: whoever adds a word there
gets its translation asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from truelimit.domain.findings import Applicability, Severity
from truelimit.domain.limits import LimitKind
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Cause
from truelimit.domain.workload import Ending
from truelimit.limits.words import NAMES
from truelimit.report.language import marked

_ENUMS: tuple[type[StrEnum], ...] = (LimitKind, Basis, Severity, Applicability, Cause, Ending)
UNITS = (
    marked("tokens"), marked("tokens/s"), marked("s/token"), marked("s/token^2"), marked("bytes"), marked("cells"),
    marked("layers"), marked("heads"), marked("values"), marked("bytes/value"), marked("caches"), marked("attempts"),
    marked("USD"), marked("requests"), marked("weeks"), marked("days"), marked("hours"), marked("s"),
)  # fmt: skip
OTHERS = (marked("weights"), marked("state"), marked("compaction"))
OPTIONS = (
    marked("nothing"), marked("truelimit fix"), marked("the gateway"), marked("a second machine like this one"),
    marked("the fix, and an agent without these timers"),
)  # fmt: skip


def fixed_words() -> Iterator[str]:
    """Yield the words of the program that are looked up in a catalogue by what they are, not by a literal."""
    for kind in _ENUMS:
        yield from (item.value for item in kind)
    yield from NAMES.values()
