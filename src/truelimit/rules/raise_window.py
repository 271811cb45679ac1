"""The one fix for a window that is too small: agent and server raised together.

Rules that meet the same wrong window from different sides propose the same edits, so that they cannot conflict.
"""

from __future__ import annotations

import re

from truelimit.domain.agent import ConfigPath, Route
from truelimit.domain.findings import ABSENT, Applicability, ConfigEdit, DefinitionEdit, Edit, FixIdea
from truelimit.domain.server import Definition, Server, ServerKind
from truelimit.limits.target import Target
from truelimit.rules.rule import tokens

_LABEL = re.compile(r"(?<![0-9a-z.])v?-?\d+(?:\.\d+)?k(?![0-9a-z])", re.IGNORECASE)


def raise_window(
    route: Route | None, server: Server | None, definition: Definition | None, target: Target | None
) -> FixIdea | None:
    """Return the edits that give agent and server the target context, or None where nothing is known to raise it to.

    Safe when the memory estimate says that the larger cache fits, unsafe where that is not known.
    """
    if target is None or target.fits is False:
        return None
    context = int(target.context)
    definition_edit = _definition_edit(route, server, definition, context)
    edits: list[Edit] = [definition_edit] if definition_edit else []
    steps = _server_steps(route, server, context)
    if route is not None:
        edits += window_edits(route, context)
        if definition_edit:
            edits += _rename_edits(route, definition_edit.name)
    if not edits and not steps:
        return None
    applicability = Applicability.SAFE if target.fits else Applicability.UNSAFE
    return FixIdea(
        f"Raise the context to {tokens(context)} tokens for agent and server",
        applicability if edits else Applicability.MANUAL,
        tuple(edits),
        steps,
    )


def window_edits(route: Route, context: int) -> list[Edit]:
    """Return the edits of the agent's own keys. Empty where the model has no entry to edit."""
    if route.model_place is None or not route.configured.listed:
        return []
    numbers = route.configured.numbers
    return [
        ConfigEdit(
            route.model_place.file,
            (*route.model_place.path, *_keys(key)),
            numbers.get(key, ABSENT),
            context,
            "the agent must believe what the server gives",
        )
        for key in route.window_keys
        if numbers.get(key) != context
    ]


def _keys(dotted: str) -> ConfigPath:
    return tuple(dotted.split("."))


def _definition_edit(
    route: Route | None, server: Server | None, definition: Definition | None, context: int
) -> DefinitionEdit | None:
    """A new definition is needed where the agent sends no num_ctx of its own."""
    sends_context = route is not None and route.request_context is not None
    if server is None or server.kind is not ServerKind.OLLAMA or definition is None or sends_context:
        return None
    if definition.num_ctx is not None and definition.num_ctx.value == context:
        return None
    taken = {item.name for item in server.definitions}
    name = label_for(definition.name, context, taken)
    return DefinitionEdit(
        server.url or server.name,
        name,
        definition.name,
        {"num_ctx": context},
        "this agent sends no num_ctx, so only the definition can change what the server allocates",
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
        why = "the entry must name the new definition"
        edits.append(ConfigEdit(route.model_place.file, (*route.model_place.path, "id"), route.model, name, why))
    places = route.references or ((route.primary_place,) if route.primary_place else ())
    edits += [
        ConfigEdit(
            place.file, place.path, route.ref, f"{route.provider}/{name}", "the agent must use the new definition"
        )
        for place in places
    ]
    return edits


def _server_steps(route: Route | None, server: Server | None, context: int) -> tuple[str, ...]:
    sends_context = route is not None and route.request_context is not None
    if server is None or server.kind is not ServerKind.LLAMA_SERVER or sends_context:
        return ()
    return (f"restart llama-server with --ctx-size {context} (and --parallel 1 if one agent uses it)",)
