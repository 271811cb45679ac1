"""Where the context that the server gives came from: a request, its slots, the definition, or its own default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.limits import Origin, SetBy
from truelimit.domain.message import said
from truelimit.domain.server import ContextChanged, ServerKind
from truelimit.limits.origin import OriginVerdict, definition_label, origin_of_window
from truelimit.limits.served import native_context, overrides_definition, served_context

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack

_OLD_DEFAULT = 4096  # tokens: what llama-server took without --ctx-size before it asked the model


def origin_of_served(stack: Stack) -> OriginVerdict | None:
    """Return where the context that the server gives came from, or None where it is not known."""
    served, definition = served_context(stack), stack.definition
    if served is None:
        return None
    if overrides_definition(stack):
        reason = said(
            "the agent sends num_ctx {served:,} with each request, and a request overrides the server",
            served=served.value,
        )
        same = stack.route is not None and stack.route.agent_context.value == served.value
        agent = origin_of_window(stack) if same else None
        return OriginVerdict(agent.origin if agent else Origin.USER_CONFIG, reason, agent.excluded if agent else ())
    if _is_slot(stack, served.value):
        return OriginVerdict(
            Origin.SLOTS, said("the server's context is divided by its slots: {served:,} for each", served=served.value)
        )
    if definition is not None and definition.num_ctx is not None and definition.num_ctx.value == served.value:
        label = definition_label(stack)
        if label is not None:
            reason = said(
                'the definition holds num_ctx {served:,}, the number of the label "{label}" in its name',
                served=served.value,
                label=label.text,
            )
            return OriginVerdict(Origin.NAME_LABEL, reason)
        return OriginVerdict(
            Origin.USER_CONFIG, said("somebody set it in the definition: {where}", where=definition.num_ctx.where)
        )
    return _default_origin(stack, served.value)


def _is_slot(stack: Stack, served: int) -> bool:
    server, definition = stack.server, stack.definition
    if server is None or server.kind is not ServerKind.LLAMA_SERVER or server.settings.parallel is None:
        return False
    unified = server.settings.unified_kv
    split = unified is not None and not unified.value
    asked = definition.num_ctx if definition else None
    divided = asked is not None and asked.value > served
    return server.settings.parallel.value > 1 and (split or (unified is None and divided))


def _default_origin(stack: Stack, served: int) -> OriginVerdict | None:
    settings = stack.server.settings if stack.server else None
    default = settings.default_context if settings else None
    if settings is None or default is None or default.value != served:
        native = stack.header.native_context if stack.header else None
        if native is not None and native.value == served:
            return None
        if _was_asked_for(stack, served):
            reason = said(
                "llama-server was started with {served:,}: by itself it takes what the model was trained for",
                served=served,
            )
            return OriginVerdict(Origin.USER_CONFIG, reason)
        return OriginVerdict(Origin.SERVER_DEFAULT, said("neither definition nor request sets it: the server chose it"))
    if settings.default_context_set_by is SetBy.SERVER_ENVIRONMENT:
        return OriginVerdict(
            Origin.USER_CONFIG, said("an environment variable of the server sets it: {where}", where=default.where)
        )
    return OriginVerdict(
        Origin.SERVER_DEFAULT, said("nobody set it: the server's own default ({where})", where=default.where)
    )


def _was_asked_for(stack: Stack, served: int) -> bool:
    """A llama-server below the native context was told so: unless memory made it, or an old build's 4,096."""
    server, native = stack.server, native_context(stack)
    if server is None or server.kind is not ServerKind.LLAMA_SERVER or native is None or native.value <= served:
        return False
    reduced = any(isinstance(event, ContextChanged) and event.used == served for event in server.events)
    return not reduced and served != _OLD_DEFAULT
