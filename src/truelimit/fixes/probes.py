"""What the live proof will ask, worked out beforehand so that the plan can show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from truelimit.fixes.change import DefinitionChange, Probe
from truelimit.perf.prefill import prefill_seconds
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.fixes.outlook import Prospect


def probes(definitions: Iterable[DefinitionChange], prospects: Iterable[Prospect]) -> tuple[Probe, ...]:
    """Return one probe for each model that will serve another context: a new definition, or a num_ctx of the agent."""
    definitions, prospects = tuple(definitions), tuple(prospects)
    made = [*_of_definitions(definitions, prospects), *_of_requests(definitions, prospects)]
    return tuple({(probe.server, probe.model): probe for probe in made}.values())


def long_prompt(old: int, new: int) -> Tokens | None:
    """Return the size of a prompt that the old limit refuses and the new one takes, or None when there is no room.

    A tenth above the old limit, at most half way to the new one: long enough to tell, no longer than needed.
    """
    margin = min((new - old) // 2, max(old // 10, 64))
    return Tokens(old + margin) if margin >= 16 else None


def _of_definitions(definitions: Iterable[DefinitionChange], prospects: tuple[Prospect, ...]) -> Iterator[Probe]:
    for change in definitions:
        context = change.parameters.get("num_ctx")
        if context is None:
            continue
        prospect = next((item for item in prospects if item.server == change.server and _concerns(item, change)), None)
        yield _probe(change.server, change.name, Tokens(context), prospect, change.aliases)


def _concerns(prospect: Prospect, change: DefinitionChange) -> bool:
    return prospect.served_name in {change.name, change.base}


def _of_requests(definitions: tuple[DefinitionChange, ...], prospects: tuple[Prospect, ...]) -> Iterator[Probe]:
    for item in prospects:
        defined = any(change.server == item.server and _concerns(item, change) for change in definitions)
        if item.server and item.served_name and item.request_context and not defined:
            yield _probe(item.server, item.served_name, item.request_context, item, item.aliases, item.request_context)


def _probe(
    server: str,
    model: str,
    context: Tokens,
    prospect: Prospect | None,
    aliases: tuple[str, ...],
    request_context: Tokens | None = None,
) -> Probe:
    old = prospect.old_limit if prospect else None
    prompt = long_prompt(old, context) if old is not None else None
    fit = prospect.prefill if prospect else None
    seconds = prefill_seconds(fit, prompt) if fit and prompt else None
    native = prospect.native if prospect else None
    return Probe(server, model, context, request_context, old, prompt, seconds, aliases, native)
