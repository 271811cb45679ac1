"""The rungs of the context ladder that a server sets: default, definition, request, fit, slot, and what is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.limits import LimitKind, Origin, Rung, SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import ContextChanged, ModelLoaded, ServerKind
from truelimit.limits.attribution import concerns
from truelimit.limits.log_events import stack_events
from truelimit.limits.names import label_for
from truelimit.limits.origin import definition_label, origin_of_window
from truelimit.limits.served import PADDING, loaded_context, native_context, request_context
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

_BY_ITSELF = {"fit", "out-of-memory"}


def server_rungs(stack: Stack) -> tuple[list[Rung], list[Rung]]:
    """Return the server's limits that are in force, and those that a stronger one overrides.

    In order of strength: request, definition, environment or default, default by memory tier.
    """
    known = (_request(stack), _definition(stack), *_defaults(stack))
    strongest_first = [rung for rung in known if rung is not None]
    if not strongest_first and (started := _started(stack)) is not None:
        strongest_first = [started]
    overridden = [replace(rung, note=_joined(rung.note, "overridden")) for rung in strongest_first[1:]]
    in_force = [_noted_clamp(stack, rung) for rung in strongest_first[:1]]
    return [*in_force, *_fit(stack), *_slot(stack)], overridden


def _joined(note: str, more: str) -> str:
    return said("{note}; {more}", note=note, more=more) if note else more


def _noted_clamp(stack: Stack, rung: Rung) -> Rung:
    native = native_context(stack)
    if native is None or rung.value <= native.value:
        return rung
    return replace(rung, note=_joined(rung.note, said("clamped to the native {native:,}", native=native.value)))


def _request(stack: Stack) -> Rung | None:
    asked = request_context(stack)
    if asked is None:
        return None
    names = (stack.route.model if stack.route else None, stack.definition.name if stack.definition else None)
    label = label_for(asked.value, *names) if _by_name(stack, asked) else None
    kind = LimitKind.LABEL if label else LimitKind.CONFIGURED
    note = said("sent with each request, so it overrides the server") + (
        said('; the label "{label}"', label=label.text) if label else ""
    )
    return Rung("request", asked.value, SetBy.REQUEST, kind, asked.where, asked.basis, note=note)


def _by_name(stack: Stack, asked: Known[Tokens]) -> bool:
    """Whether the number can have come from a name: not where the agent's code gave it."""
    origin = origin_of_window(stack) if stack.route and stack.route.agent_context.value == asked.value else None
    return origin is None or origin.origin is Origin.NAME_LABEL


def _definition(stack: Stack) -> Rung | None:
    held = stack.definition.num_ctx if stack.definition else None
    if held is None:
        return None
    label = definition_label(stack)
    kind = LimitKind.LABEL if label else LimitKind.CONFIGURED
    note = said('the number of the label "{label}" in {label2}', label=label.text, label2=label.name) if label else ""
    return Rung("definition", held.value, SetBy.SERVER_DEFINITION, kind, held.where, held.basis, note=note)


def _defaults(stack: Stack) -> list[Rung]:
    settings = stack.server.settings if stack.server else None
    if settings is None:
        return []
    found, default, tier = [], settings.default_context, settings.tier_context
    if default is not None:
        set_by = settings.default_context_set_by
        found.append(_configured("server-default", default, set_by))
    if tier is not None and (default is None or default.value != tier.value):
        found.append(_configured("vram-tier", tier, SetBy.SERVER_DEFAULT))
    return found


def _configured(name: str, known: Known[Tokens], set_by: SetBy, note: str = "") -> Rung:
    return Rung(name, known.value, set_by, LimitKind.CONFIGURED, known.where, known.basis, note=note)


def _fit(stack: Stack) -> list[Rung]:
    """A context that the engine reduced by itself at its last load, because memory would not do."""
    if not any(event.reason in _BY_ITSELF for event in stack_events(stack, ContextChanged)):
        return []
    changed: ContextChanged | None = None
    for event in stack_events(stack, ModelLoaded, ContextChanged):
        if isinstance(event, ModelLoaded) and concerns(event, stack):
            fits = changed is not None and event.total_context in {None, changed.used}
            changed = changed if fits else None
        elif isinstance(event, ContextChanged) and event.reason in _BY_ITSELF:
            changed = event
    if changed is None or changed.used <= 0:
        return []
    known = Known(changed.used, changed.where, Basis.REPORTED)
    note = said("the engine reduced {asked:,} by itself ({reason})", asked=changed.asked, reason=changed.reason)
    return [_configured("fit", known, SetBy.SERVER_DEFAULT, note)]


def _started(stack: Stack) -> Rung | None:
    """What a log shows of the context that a server gave, where nothing tells who asked for it.

    llama-server's --ctx-size, over all slots; of Ollama what it loaded. None where the engine itself reduced it.
    """
    if stack.server is None or _fit(stack):
        return None
    loads = [event for event in stack_events(stack, ModelLoaded) if concerns(event, stack)]
    if not loads:
        return None
    last, llama = loads[-1], stack.server.kind is ServerKind.LLAMA_SERVER
    size = (last.total_context if llama else None) or last.context_per_slot
    if not size:
        return None
    known = Known(size, last.where, Basis.REPORTED)
    if llama:
        return _configured("ctx-size", known, SetBy.SERVER_DEFINITION, said("as llama-server was started"))
    return _configured("loaded", known, SetBy.REQUEST, said("as it was loaded; who asked for it no log says"))


def _slot(stack: Stack) -> list[Rung]:
    """llama-server with --parallel N gives each slot an N-th. Ollama's num_ctx is for one slot already."""
    server = stack.server
    if server is None or server.kind is not ServerKind.LLAMA_SERVER:
        return []
    whole, slots = _whole(stack), server.settings.parallel
    unified = server.settings.unified_kv
    if whole is None or slots is None or slots.value < 2 or (unified is not None and unified.value):
        return []
    share = loaded_context(stack)
    if share is None or unified is not None:
        derived = Known(
            Tokens(whole.value // slots.value),
            said("{where}, {where2}", where=whole.where, where2=slots.where),
            Basis.DERIVED,
        )
        share = share if share is not None and share.value < whole.value else derived
    if share.value >= whole.value:
        return []
    note = said("{whole:,} over {slots} slots", whole=whole.value, slots=slots.value)
    return [_configured("slot", share, SetBy.SLOT, note)]


def _whole(stack: Stack) -> Known[Tokens] | None:
    if stack.definition is not None and stack.definition.num_ctx is not None:
        return stack.definition.num_ctx
    loads = [e for e in stack_events(stack, ModelLoaded) if e.total_context and concerns(e, stack)]
    return Known(Tokens(loads[-1].total_context or 0), loads[-1].where, Basis.REPORTED) if loads else None


def loaded_rung(stack: Stack, rungs: list[Rung], served: Known[Tokens] | None) -> tuple[Rung | None, bool]:
    """Return the context that is loaded now, and whether it is what the agent's requests get.

    It is said to be set by the rung that it equals (padding aside); where it equals none, by another client's request.
    """
    loaded = loaded_context(stack)
    if loaded is None:
        return None, False
    truth = served is None or served.value == loaded.value
    source = next((rung for rung in reversed(rungs) if 0 <= loaded.value - rung.value < PADDING), None)
    if source is not None:
        note: str = said("as {source} says", source=source.name)
        rung = Rung("loaded", loaded.value, source.set_by, source.kind, loaded.where, loaded.basis, note=note)
        return rung, truth
    set_by = SetBy.REQUEST if _is_ollama(stack) else SetBy.SERVER_DEFINITION
    note = said("loaded so for another request, another name of the same file, or before a change")
    if not _is_ollama(stack):
        note = said("as llama-server was started")
    return _configured("loaded", loaded, set_by, note), truth


def _is_ollama(stack: Stack) -> bool:
    return stack.server is None or stack.server.kind is ServerKind.OLLAMA
