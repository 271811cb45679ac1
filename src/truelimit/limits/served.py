"""served_context: what the server gives to one request.

Precedence in Ollama (server/routes.go, server/sched.go): the request's num_ctx, the definition's, the environment's,
the default by memory tier; then clamped to what the model was trained for. /api/ps tells what is loaded now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import ServerKind
from truelimit.limits.remembered import Remembered
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.server import Loaded, ModelLoaded

PADDING = 256  # llama.cpp rounds a context up to a multiple of this


def served_context(stack: Stack) -> Known[Tokens] | None:
    """Return the tokens that one request may use, with where this is known from; None where nothing tells.

    What is loaded now is the truth, unless the agent's own num_ctx differs from it: then the model was loaded for
    somebody else, and the agent's next request makes Ollama load it again with its own.
    """
    loaded, asked = loaded_context(stack), _requested(stack)
    if asked is not None and not _explains(loaded, asked, stack):
        return asked
    return loaded or _unloaded(stack)


def loaded_entry(stack: Stack) -> Loaded | None:
    """Return the entry of this model among those in memory, or None. llama-server holds one model."""
    if stack.server is None or not stack.server.loaded:
        return None
    from truelimit.limits.names import same_model

    names = [stack.definition.name if stack.definition else None, stack.model, stack.route and stack.route.model]
    for item in stack.server.loaded:
        if any(name and same_model(item.name, name) for name in names):
            return item
    single = stack.server.kind is ServerKind.LLAMA_SERVER and len(stack.server.loaded) == 1
    return stack.server.loaded[0] if single else None


def loaded_context(stack: Stack) -> Known[Tokens] | None:
    """Return the context for one slot that the server reports for the loaded model, or None."""
    entry = loaded_entry(stack)
    return entry.context if entry else None


def native_context(stack: Stack) -> Known[Tokens] | None:
    """Return what the model was trained for: from its header, else as the server reports it."""
    headers: tuple[ModelHeader | None, ...] = (stack.header, stack.definition.header if stack.definition else None)
    for header in headers:
        if header is not None and header.native_context is not None:
            return header.native_context
    entry = loaded_entry(stack)
    if entry is not None and entry.native_context is not None:
        return entry.native_context
    seen = [event for event in _loads(stack) if event.native_context]
    return Known(Tokens(seen[-1].native_context or 0), seen[-1].where, Basis.REPORTED) if seen else None


def request_context(stack: Stack) -> Known[Tokens] | None:
    """Return the num_ctx that the agent really sends, where the server heeds one (Ollama), else None."""
    if stack.route is None or (stack.server is not None and stack.server.kind is not ServerKind.OLLAMA):
        return None
    return stack.route.request_context


def overrides_definition(stack: Stack) -> bool:
    """Return whether the agent's requests carry a num_ctx, which wins over definition, environment and default."""
    return request_context(stack) is not None


def clamped(asked: Known[Tokens], stack: Stack) -> Known[Tokens]:
    """Return the context that comes of a wish: never above what the model was trained for."""
    native = native_context(stack)
    return native if native is not None and native.value < asked.value else asked


def _requested(stack: Stack) -> Known[Tokens] | None:
    asked = request_context(stack)
    return clamped(asked, stack) if asked is not None else None


def _explains(loaded: Known[Tokens] | None, asked: Known[Tokens], stack: Stack) -> bool:
    """Return whether what is loaded can have come from this wish (padding, or a clamp that we can't check)."""
    if loaded is None:
        return False
    same = 0 <= loaded.value - asked.value < PADDING
    return same or (native_context(stack) is None and loaded.value < asked.value)


def _unloaded(stack: Stack) -> Known[Tokens] | None:
    """What a request would get from a server that has not loaded the model."""
    server, definition = stack.server, stack.definition
    if server is None:
        return clamped(definition.num_ctx, stack) if definition and definition.num_ctx else None
    logged = _last_load(stack)
    if server.kind is ServerKind.LLAMA_SERVER:
        return logged or _per_slot(stack)
    if definition is not None and definition.num_ctx is not None:
        return clamped(definition.num_ctx, stack)
    if logged is not None:
        return logged
    default = server.settings.default_context or server.settings.tier_context
    return clamped(default, stack) if default is not None else None


def _per_slot(stack: Stack) -> Known[Tokens] | None:
    """--ctx-size over its slots. Unset, llama-server gives 4 slots that share all of it (b10434 and later)."""
    server, definition = stack.server, stack.definition
    whole = definition.num_ctx if definition else None
    if server is None or whole is None:
        return None
    slots, unified = server.settings.parallel, server.settings.unified_kv
    if slots is None or slots.value < 2 or unified is None or unified.value:
        return clamped(whole, stack)
    where = said("{where} over {slots} slots ({where2})", where=whole.where, slots=slots.value, where2=slots.where)
    return clamped(Known(Tokens(whole.value // slots.value), where, Basis.DERIVED), stack)


def _last_load(stack: Stack) -> Known[Tokens] | None:
    seen = [event for event in _loads(stack) if event.context_per_slot]
    return Known(Tokens(seen[-1].context_per_slot or 0), seen[-1].where, Basis.REPORTED) if seen else None


def last_load(stack: Stack) -> ModelLoaded | None:
    """Return the last load of this model in the server's log, or None."""
    return next(reversed(_loads(stack)), None)


def _loads_of(stack: Stack) -> list[ModelLoaded]:
    if stack.server is None or not stack.server.events:
        return []
    from truelimit.domain.server import ModelLoaded
    from truelimit.limits.attribution import concerns
    from truelimit.limits.log_events import stack_events

    loads = stack_events(stack, ModelLoaded)
    known = {event.model: event for event in loads}
    own = {model for model, event in known.items() if concerns(event, stack)}
    return [event for event in loads if event.model in own]


_loads = Remembered(_loads_of)
