"""Where a window came from: the one origin that the evidence supports, and why each rival is not it."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.agent import Route
from truelimit.domain.facts import Stack
from truelimit.domain.findings import Exclusion
from truelimit.domain.limits import Origin, SetBy
from truelimit.domain.server import ContextChanged, ServerKind
from truelimit.limits.names import Label, label_for
from truelimit.limits.served import native_context, overrides_definition, served_context

LAUNCHER_WINDOW = 131_072
LAUNCHER_MAX_TOKENS = 16_384
DISCOVERED_WINDOW = 128_000
DISCOVERED_CAP = 32_768
_OLD_DEFAULT = 4096  # tokens: what llama-server took without --ctx-size before it asked the model
_FALLBACK_SOURCES = {"fallback", "filled-default"}
_ORDER = (
    Origin.LAUNCHER_CONSTANT,
    Origin.SIBLING_INHERITANCE,
    Origin.DISCOVERED_DEFAULT,
    Origin.FALLBACK_CONSTANT,
    Origin.AGENT_CAP,
    Origin.NAME_LABEL,
    Origin.USER_CONFIG,
    Origin.SERVER_DEFAULT,
    Origin.SLOTS,
)


@dataclass(frozen=True, slots=True)
class OriginVerdict:
    """Why a window is what it is, in one sentence, and the other origins with the reason why not."""

    origin: Origin
    reason: str
    excluded: tuple[Exclusion, ...] = ()


def origin_of_window(stack: Stack) -> OriginVerdict | None:
    """Return where the agent's window came from, or None without an agent.

    Sources: OpenClaw 2026.2.17 and 2026.9.6 (how a window is resolved); Ollama cmd/config/openclaw.go of 0.15.2 to
    0.16.3 (the launcher's constants).
    """
    if stack.route is None:
        return None
    judged = {origin: judge(stack, stack.route) for origin, judge in _JUDGES.items()}
    chosen = next(origin for origin in _ORDER if judged[origin][0])
    excluded = tuple(
        Exclusion(origin, _why_not(origin, judged[origin], chosen)) for origin in _ORDER if origin is not chosen
    )
    return OriginVerdict(chosen, judged[chosen][1], excluded)


def _why_not(origin: Origin, verdict: tuple[bool, str], chosen: Origin) -> str:
    supported, text = verdict
    if supported and origin is Origin.USER_CONFIG:
        return "written by hand, but the number is not a free choice: see the origin that was named"
    return f"it would fit too ({text}), but the evidence for {chosen.value} is stronger" if supported else text


def _launcher(_: Stack, route: Route) -> tuple[bool, str]:
    """All of the launcher's marks must be there: each alone is a number that a person may choose."""
    own, window = route.configured, route.agent_context.value
    marks = (
        (window == LAUNCHER_WINDOW, f"it writes contextWindow 131,072, this entry holds {window:,}"),
        (own.own_window, "it writes the window into the entry, this one has none of its own"),
        (
            own.max_tokens == LAUNCHER_MAX_TOKENS,
            f"it writes maxTokens 16,384, this entry holds {_held(own.max_tokens)}",
        ),
        (own.api_key_is_launcher_mark, 'it writes the API key "ollama-local", this provider has another or none'),
        (own.costs_all_zero, "it writes costs of zero, this entry does not hold them"),
        (own.base_url_has_v1, "it writes a baseUrl that ends in /v1, this one does not"),
        (route.api == "openai-completions", f"it writes api openai-completions, this entry uses {route.api}"),
    )
    wrong = [text for holds, text in marks if not holds]
    if wrong:
        return False, "not Ollama's launcher: " + "; ".join(wrong)
    return True, (
        "every field of the entry is as Ollama's launcher of 0.15.2 to 0.16.3 wrote it (contextWindow 131,072 and "
        "maxTokens 16,384 for every model, its API key, zero costs, /v1): the number is the launcher's constant"
    )


def _held(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


def _sibling(_: Stack, route: Route) -> tuple[bool, str]:
    own, window = route.configured, route.agent_context.value
    if route.agent_context_source == "sibling":
        named = f" ({own.sibling})" if own.sibling else ""
        return (
            True,
            f"the model has no entry of its own, so the agent lends it the window of its provider's first{named}",
        )
    if own.listed:
        return False, "the model has an entry of its own, so it borrows from no sibling"
    if own.sibling_window is not None and own.sibling_window != window:
        return False, f"the first model of the provider has {own.sibling_window:,}, not {window:,}"
    return False, "the agent took this window from elsewhere than a sibling"


def _discovered(stack: Stack, route: Route) -> tuple[bool, str]:
    window, source = route.agent_context.value, route.agent_context_source
    if _cut_by_cap(stack, route):
        return False, f"discovery found more than the agent's cap of {DISCOVERED_CAP:,} lets through"
    if source != "discovered":
        return False, "the window was not discovered" + (": it is written in the entry" if _explicit(route) else "")
    if window == DISCOVERED_WINDOW:
        return True, "the agent's discovery gives every model 128,000 without asking it"
    return True, f"the agent discovered {window:,} by asking the server"


def _fallback(_: Stack, route: Route) -> tuple[bool, str]:
    if route.agent_context_source in _FALLBACK_SOURCES:
        return True, f"nobody set it: {route.agent_context.value:,} is what the agent's code falls back to"
    return False, "the agent found a window and did not need its fallback"


def _cap(stack: Stack, route: Route) -> tuple[bool, str]:
    if route.agent_context_source == "agent-cap":
        return True, f"the agent caps the window at {route.agent_context.value:,}: {route.agent_context.where}"
    if _cut_by_cap(stack, route):
        return True, (
            f"the agent gives a local model that it discovers at most {DISCOVERED_CAP:,}, whatever it was trained for"
        )
    return False, "no cap of the agent is in force for this model"


def _cut_by_cap(stack: Stack, route: Route) -> bool:
    """OpenClaw's cap for discovered local Ollama models (from July 2026): met where the model was trained for more."""
    if route.agent_context_source != "discovered" or route.agent_context.value != DISCOVERED_CAP:
        return False
    native = native_context(stack)
    return native is None or native.value > DISCOVERED_CAP


def _label(stack: Stack, route: Route) -> tuple[bool, str]:
    window = route.agent_context.value
    label = window_label(stack)
    if not _explicit(route):
        return False, "the number was not written by hand, so no name stood model for it"
    if label is None:
        return False, f"no name of this model carries a label that stands for {window:,}"
    held = stack.definition.num_ctx if stack.definition else None
    both = (
        f", and its definition on the server holds num_ctx {window:,} as well" if held and held.value == window else ""
    )
    return (
        True,
        f'it was written by hand after the label "{label.text}" in the name {label.name}{both}: a name, no limit',
    )


def _user(_: Stack, route: Route) -> tuple[bool, str]:
    if _explicit(route):
        return True, f"somebody wrote {route.agent_context.value:,} into {route.agent_context.where}"
    return False, "no key of the configuration sets it"


def _server_default(_: Stack, route: Route) -> tuple[bool, str]:
    return (
        False,
        f"a default of the server sets what it serves, not what the agent believes ({route.agent_context.where})",
    )


def _slots(_: Stack, __: Route) -> tuple[bool, str]:
    return False, "slots divide what a server serves, not what the agent believes"


_JUDGES = {
    Origin.LAUNCHER_CONSTANT: _launcher,
    Origin.SIBLING_INHERITANCE: _sibling,
    Origin.DISCOVERED_DEFAULT: _discovered,
    Origin.FALLBACK_CONSTANT: _fallback,
    Origin.AGENT_CAP: _cap,
    Origin.NAME_LABEL: _label,
    Origin.USER_CONFIG: _user,
    Origin.SERVER_DEFAULT: _server_default,
    Origin.SLOTS: _slots,
}


def _explicit(route: Route) -> bool:
    known = _FALLBACK_SOURCES | {"discovered", "sibling", "agent-cap"}
    return route.agent_context_source == "explicit" or route.agent_context_source not in known


def window_label(stack: Stack) -> Label | None:
    """Return the label in the names of model and definition that stands for the agent's window, or None."""
    route, definition = stack.route, stack.definition
    if route is None:
        return None
    names = (route.model, definition.name if definition else None, definition.parent if definition else None)
    return label_for(route.agent_context.value, *names)


def definition_label(stack: Stack) -> Label | None:
    """Return the label in the definition's names that stands for its num_ctx, or None."""
    definition = stack.definition
    if definition is None or definition.num_ctx is None:
        return None
    return label_for(definition.num_ctx.value, definition.name, stack.route.model if stack.route else None)


def origin_of_served(stack: Stack) -> OriginVerdict | None:
    """Return where the context that the server gives came from, or None where it is not known."""
    served, definition = served_context(stack), stack.definition
    if served is None:
        return None
    if overrides_definition(stack):
        reason = f"the agent sends num_ctx {served.value:,} with each request, and a request overrides the server"
        same = stack.route is not None and stack.route.agent_context.value == served.value
        agent = origin_of_window(stack) if same else None
        return OriginVerdict(agent.origin if agent else Origin.USER_CONFIG, reason, agent.excluded if agent else ())
    if _is_slot(stack, served.value):
        return OriginVerdict(Origin.SLOTS, f"the server's context is divided by its slots: {served.value:,} for each")
    if definition is not None and definition.num_ctx is not None and definition.num_ctx.value == served.value:
        label = definition_label(stack)
        if label is not None:
            reason = (
                f'the definition holds num_ctx {served.value:,}, the number of the label "{label.text}" in its name'
            )
            return OriginVerdict(Origin.NAME_LABEL, reason)
        return OriginVerdict(Origin.USER_CONFIG, f"somebody set it in the definition: {definition.num_ctx.where}")
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
            reason = f"llama-server was started with {served:,}: by itself it takes what the model was trained for"
            return OriginVerdict(Origin.USER_CONFIG, reason)
        return OriginVerdict(Origin.SERVER_DEFAULT, "neither definition nor request sets it: the server chose it")
    if settings.default_context_set_by is SetBy.SERVER_ENVIRONMENT:
        return OriginVerdict(Origin.USER_CONFIG, f"an environment variable of the server sets it: {default.where}")
    return OriginVerdict(Origin.SERVER_DEFAULT, f"nobody set it: the server's own default ({default.where})")


def _was_asked_for(stack: Stack, served: int) -> bool:
    """A llama-server below the native context was told so: unless memory made it, or an old build's 4,096."""
    server, native = stack.server, native_context(stack)
    if server is None or server.kind is not ServerKind.LLAMA_SERVER or native is None or native.value <= served:
        return False
    reduced = any(isinstance(event, ContextChanged) and event.used == served for event in server.events)
    return not reduced and served != _OLD_DEFAULT
