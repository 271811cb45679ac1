"""The program's fixed words that a report shows: names of limits, kinds, bases, causes, endings, units.

They are defined where they belong, in English. This is the list of them for the catalogues: whoever adds a word there
gets its translation asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from truelimit.domain.estimates import Tier
from truelimit.domain.findings import Applicability, Severity
from truelimit.domain.limits import LimitKind
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Cause
from truelimit.domain.workload import Ending
from truelimit.report.language import marked
from truelimit.rules.registry import RULES
from truelimit.rules.rule import paragraphs
from truelimit.workload.stack import Outcome
from truelimit.workload.trust import Trust

_ENUMS: tuple[type[StrEnum], ...] = (LimitKind, Basis, Tier, Severity, Applicability, Cause, Ending, Trust)
UNITS = (
    marked("% complete"), marked("GiB"), marked("J"), marked("MiB"), marked("USD"), marked("USD a month"),
    marked("USD per million tokens"), marked("USD/kWh"), marked("W"), marked("a year"), marked("attempts"),
    marked("bits a weight"), marked("bytes"), marked("bytes/s"), marked("bytes/token"), marked("bytes/value"),
    marked("caches"), marked("cells"), marked("compactions"), marked("days"), marked("entries"), marked("experts"),
    marked("groups"), marked("h"), marked("h a week"), marked("heads"), marked("hours"), marked("keys"),
    marked("layers"), marked("of the attempt"), marked("operations/s"), marked("parameters"), marked("passes/s"),
    marked("products"), marked("requests"), marked("rows"), marked("s"), marked("s/layer"), marked("s/token"),
    marked("s/token/token"), marked("s/token^2"), marked("share"), marked("slots"), marked("tok/s"),
    marked("tokens"), marked("tokens/s"), marked("tokens/s at most, implied"), marked("values"), marked("weeks"),
    marked("words"), marked("x"), marked("years"),
)  # fmt: skip
OUTCOMES = tuple(item.name.lower().replace("_", "-") for item in Outcome)
OTHERS = (marked("weights"), marked("state"), marked("compaction"))
OPTIONS = (
    marked("nothing"), marked("truelimit fix"), marked("the gateway"), marked("a second machine like this one"),
    marked("the fix and an agent that waits longer"), marked("a cloud route"),
)  # fmt: skip
PRICES = (  # what a price in the tables is of, where that is no name
    marked("new"), marked("used"), marked("list"), marked("street"), marked("as announced"), marked("at launch"),
    marked("base model"), marked("base model, list"), marked("listing, lowest"), marked("listing, highest"),
    marked("two, list"), marked("two, at launch"), marked("two, as announced"),
)  # fmt: skip


def fixed_words() -> Iterator[str]:
    """Yield the words of the program that are looked up in a catalogue by what they are, not by a literal."""
    for kind in _ENUMS:
        yield from (item.value for item in kind)
    yield from OUTCOMES
    for rule in RULES:
        yield from (text for _, text in paragraphs(rule.page))
