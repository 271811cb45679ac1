"""What a rule is, and the words that rules share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term
from truelimit.domain.findings import Finding
from truelimit.domain.message import figure, said
from truelimit.domain.provenance import Missing
from truelimit.domain.session import Cause, Incident

if TYPE_CHECKING:
    from truelimit.domain.limits import Rung
    from truelimit.limits.view import StackView

Check = Callable[..., Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A diagnosis: its code and name, a pure check, and its page (the docstring of its module).

    The parameters of ``check`` name the parts of the StackView that it needs; ``view`` asks for all of it.
    """

    code: str
    name: str
    check: Check
    page: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The parts of a StackView that the check asks for."""
        return tuple(inspect.signature(self.check).parameters)

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.strip().splitlines()[0]


def apply(rule: Rule, view: StackView) -> tuple[tuple[Finding, ...], tuple[Missing, ...]]:
    """Return what the rule finds on a stack, or the facts without which it cannot say."""
    parts = {name: view if name == "view" else getattr(view, name) for name in rule.needs}
    absent = [name for name, part in parts.items() if part is None]
    if absent:
        return (), tuple(
            Missing(_WORDS.get(name, name), said("{code} {rule} was not checked", code=rule.code, rule=rule.name))
            for name in absent
        )
    return tuple(rule.check(**parts)), ()


_WORDS = {
    "agent": said("an agent that uses this model"),
    "route": said("an agent that uses this model"),
    "server": said("the server that answers"),
    "definition": said("the server's definition of the model"),
    "header": said("the model's own header"),
    "served": said("the context that the server gives to one request"),
    "prefill": said("how fast this stack reads a prompt"),
    "decode": said("how fast this stack writes"),
    "origin": said("where the window came from"),
    "target": said("the largest context that fits"),
}


def tokens(value: float) -> str:
    """Return a count with thousands separators."""
    return figure(round(value))


def seconds(value: float) -> str:
    """Return a duration for people: ``908 s (15.1 min)``."""
    if value < 120:
        return said("{seconds:,.0f} s", seconds=value)
    return said("{seconds:,.0f} s ({minutes:.1f} min)", seconds=value, minutes=value / 60)


def rung_term(name: str, rung: Rung, unit: str) -> Term:
    """Return a rung as a term of a calculation."""
    return Term(name, rung.value, unit, rung.where, rung.basis)


def caused_by(incidents: tuple[Incident, ...], *causes: Cause) -> tuple[Incident, ...]:
    """Return the incidents with one of these causes."""
    return tuple(item for item in incidents if item.cause in causes)


def over_the_limit(incidents: tuple[Incident, ...], limit: float) -> tuple[Incident, ...]:
    """Return the incidents that a limit of so many tokens explains or made worse: cut, refused, or longer than it.

    A dead engine, a queue or a person who left is no matter of the window, however long the prompt was.
    """
    cut = {Cause.OVERFLOW, Cause.TRUNCATION}
    return tuple(
        item
        for item in incidents
        if item.cause in cut
        or (
            item.cause is Cause.PREFILL_EXCEEDS_WALL
            and item.prompt_tokens is not None
            and item.prompt_tokens.value > limit
        )
    )


def ids(incidents: tuple[Incident, ...]) -> tuple[str, ...]:
    """Return the names of incidents."""
    return tuple(item.id for item in incidents)


def paragraphs(page: str) -> Iterator[tuple[bool, str]]:
    """Yield the paragraphs of a page, each on one line, and whether it is a title: what a catalogue translates."""
    for block in page.strip().split("\n\n"):
        title, _, rest = block.partition("\n") if block.startswith("## ") else ("", "", block)
        if title:
            yield True, title.removeprefix("## ")
        if rest.strip():
            yield False, " ".join(rest.split())
