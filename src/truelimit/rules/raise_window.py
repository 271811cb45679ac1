"""The one fix for a window of the wrong size: agent and server set together.

Rules that meet the same wrong window from different sides propose the same edits, so that they cannot conflict.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, ConfigEdit, DefinitionEdit, Edit, FixIdea
from truelimit.domain.message import said
from truelimit.domain.server import Definition, Server, ServerKind
from truelimit.rules.rule import tokens
from truelimit.rules.window_edits import adds_entry, window_edits

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.limits.target import Target

_LABEL = re.compile(r"(?<![0-9a-z.])v?-?\d+(?:\.\d+)?k(?![0-9a-z])", re.IGNORECASE)


def raise_window(
    route: Route | None,
    server: Server | None,
    definition: Definition | None,
    target: Target | None,
    lower: bool = False,
) -> FixIdea | None:
    """Return the edits that give agent and server the target context, or None where nothing is known to set it to.

    Safe when the memory estimate says that the cache fits, unsafe where that is not known. ``lower`` changes its title.
    """
    if target is None or target.fits is False:
        return None
    context = int(target.context)
    title = said("Raise the context to {context} tokens for agent and server", context=tokens(context))
    if lower:
        title = said("Lower the context to {context} tokens for agent and server", context=tokens(context))
    steps = _server_steps(route, server, context)
    if steps:
        return FixIdea(title, Applicability.MANUAL, steps=(*steps, *_agent_steps(route, context)))
    definition_edit = _definition_edit(route, server, definition, context)
    edits: list[Edit] = [definition_edit] if definition_edit else []
    if route is not None:
        edits += window_edits(route, context, definition_edit.name if definition_edit else None)
        if definition_edit:
            edits += _rename_edits(route, definition_edit.name)
    if not edits:
        return None
    others = _loses_others(route, server, definition) if adds_entry(edits) else ()
    safe = target.fits and not others
    return FixIdea(title, Applicability.SAFE if safe else Applicability.UNSAFE, tuple(edits), others)


def _loses_others(route: Route | None, server: Server | None, definition: Definition | None) -> tuple[str, ...]:
    """Agents stop discovering models by themselves once one is listed: what must be done about the others."""
    if route is None or route.agent_context_source != "discovered" or server is None:
        return ()
    shared = set(definition.same_blob) | {definition.name} if definition is not None else set()
    others = sorted(item.name for item in server.definitions if item.name not in shared)
    if definition is not None and not others:
        return ()
    named = ", ".join(others[:5]) if others else said("those that you use")
    return (
        said(
            "once one model is listed the agent discovers no others of this provider: list them too ({named})",
            named=named,
        ),
    )


def _agent_steps(route: Route | None, context: int) -> tuple[str, ...]:
    """The agent must not be raised before the server is: it would plan with tokens that do not exist."""
    if route is None or route.agent_context.value == context:
        return ()
    key = str(route.agent_context_place)
    return (
        said(
            "once the server serves it, set the agent to {context} as well ({key}; `truelimit fix` then does it)",
            context=context,
            key=key,
        ),
    )


def _definition_edit(
    route: Route | None, server: Server | None, definition: Definition | None, context: int
) -> DefinitionEdit | None:
    """A new definition is needed where the agent sends no num_ctx of its own."""
    sends_context = route is not None and route.request_context is not None
    if server is None or server.kind is not ServerKind.OLLAMA or definition is None or sends_context:
        return None
    held = definition.num_ctx or server.settings.default_context
    if held is not None and held.value == context:
        return None
    taken = {item.name for item in server.definitions}
    name = label_for(definition.name, context, taken)
    return DefinitionEdit(
        server.url or server.name,
        name,
        definition.name,
        {"num_ctx": context},
        said("this agent sends no num_ctx, so only the definition can change what the server allocates"),
    )


def label_for(name: str, context: int, taken: set[str]) -> str:
    """Return a new model name whose label tells the truth: ``x:v-128k`` becomes ``x:v-256k``."""
    label = f"{context // 1024}k"
    base, colon, tag = name.partition(":")
    tag = "" if tag == "latest" else tag
    text = f"{base}:{tag}" if tag else base
    match = _LABEL.search(text, len(base) if colon else 0) or _LABEL.search(text)
    if match:
        prefix = re.match(r"\D*", match.group()).group()  # type: ignore[union-attr]
        new = text[: match.start()] + prefix + label + text[match.end() :]
    else:
        new = f"{text}-{label}" if tag else f"{text}:{label}"
    candidate, number = new, 2
    while candidate in taken:
        candidate, number = f"{new}-{number}", number + 1
    return candidate


def _rename_edits(route: Route, name: str) -> list[Edit]:
    edits: list[Edit] = []
    if route.model_place is not None and route.configured.listed:
        why = said("the entry must name the new definition")
        edits.append(ConfigEdit(route.model_place.file, (*route.model_place.path, "id"), route.model, name, why))
    places = route.references or ((route.primary_place,) if route.primary_place else ())
    edits += [
        ConfigEdit(
            place.file, place.path, route.ref, f"{route.provider}/{name}", said("the agent must use the new definition")
        )
        for place in places
    ]
    return edits


def _server_steps(route: Route | None, server: Server | None, context: int) -> tuple[str, ...]:
    sends_context = route is not None and route.request_context is not None
    if server is None or server.kind is not ServerKind.LLAMA_SERVER or sends_context or _serves(server, context):
        return ()
    slots = server.settings.parallel.value if server.settings.parallel else 1
    split = slots > 1 and not (server.settings.unified_kv is None or server.settings.unified_kv.value)
    if split:
        all_of_it = said("--ctx-size {context} --parallel {slots}", context=context * slots, slots=slots)
        return (
            said(
                "restart llama-server with {all_of_it} (each slot gets its share), or as SRV001 says",
                all_of_it=all_of_it,
            ),
        )
    return (said("restart llama-server with --ctx-size {context}", context=context),)


def _serves(server: Server, context: int) -> bool:
    """Whether the server already gives so much to one request."""
    return any(item.context is not None and item.context.value >= context for item in server.loaded)
