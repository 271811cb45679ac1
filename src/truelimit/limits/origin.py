"""Where a window came from: the one origin that the evidence supports, and why each rival is not it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.findings import Exclusion
from truelimit.domain.frozen import dataclass
from truelimit.domain.limits import Origin
from truelimit.domain.message import figure, joined, said
from truelimit.limits.names import Label, label_for
from truelimit.limits.served import native_context

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.domain.facts import Stack

LAUNCHER_WINDOW = 131_072
LAUNCHER_MAX_TOKENS = 16_384
DISCOVERED_WINDOW = 128_000
DISCOVERED_CAP = 32_768
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
        return said("written by hand, but the number is not a free choice: see the origin that was named")
    return (
        said("it would fit too ({text}), but the evidence for {chosen} is stronger", text=text, chosen=chosen.value)
        if supported
        else text
    )


def _launcher(_: Stack, route: Route) -> tuple[bool, str]:
    """All of the launcher's marks must be there: each alone is a number that a person may choose."""
    own, window = route.configured, route.agent_context.value
    marks = (
        (
            window == LAUNCHER_WINDOW,
            said("it writes contextWindow 131,072, this entry holds {window:,}", window=window),
        ),
        (own.own_window, said("it writes the window into the entry, this one has none of its own")),
        (
            own.max_tokens == LAUNCHER_MAX_TOKENS,
            said("it writes maxTokens 16,384, this entry holds {max_tokens}", max_tokens=_held(own.max_tokens)),
        ),
        (own.api_key_is_launcher_mark, said('it writes the API key "ollama-local", this provider has another or none')),
        (own.costs_all_zero, said("it writes costs of zero, this entry does not hold them")),
        (own.base_url_has_v1, said("it writes a baseUrl that ends in /v1, this one does not")),
        (
            route.api == "openai-completions",
            said("it writes api openai-completions, this entry uses {api}", api=route.api),
        ),
    )
    wrong = [text for holds, text in marks if not holds]
    if wrong:
        return False, said("not Ollama's launcher: {marks}", marks=joined("; ", wrong))
    return True, said(
        "every field of the entry is as Ollama's launcher of 0.15.2 to 0.16.3 wrote it (contextWindow 131,072 and "
        "maxTokens 16,384 for every model, its API key, zero costs, /v1): the number is the launcher's constant"
    )


def _held(value: int | None) -> str:
    return said("none") if value is None else figure(value)


def _sibling(_: Stack, route: Route) -> tuple[bool, str]:
    own, window = route.configured, route.agent_context.value
    if route.agent_context_source == "sibling":
        named = f" ({own.sibling})" if own.sibling else ""
        return (
            True,
            said(
                "the model has no entry of its own, so the agent lends it the window of its provider's first{named}",
                named=named,
            ),
        )
    if own.listed:
        return False, said("the model has an entry of its own, so it borrows from no sibling")
    if own.sibling_window is not None and own.sibling_window != window:
        return False, said(
            "the first model of the provider has {sibling_window:,}, not {window:,}",
            sibling_window=own.sibling_window,
            window=window,
        )
    return False, said("the agent took this window from elsewhere than a sibling")


def _discovered(stack: Stack, route: Route) -> tuple[bool, str]:
    window, source = route.agent_context.value, route.agent_context_source
    if _cut_by_cap(stack, route):
        return False, said(
            "discovery found more than the agent's cap of {discovered_cap:,} lets through",
            discovered_cap=DISCOVERED_CAP,
        )
    if source != "discovered":
        return False, said("the window was not discovered") + (
            said(": it is written in the entry") if _explicit(route) else ""
        )
    if window == DISCOVERED_WINDOW:
        return True, said("the agent's discovery gives every model 128,000 without asking it")
    return True, said("the agent discovered {window:,} by asking the server", window=window)


def _fallback(_: Stack, route: Route) -> tuple[bool, str]:
    if route.agent_context_source in _FALLBACK_SOURCES:
        return True, said(
            "nobody set it: {agent_context:,} is what the agent's code falls back to",
            agent_context=route.agent_context.value,
        )
    return False, said("the agent found a window and did not need its fallback")


def _cap(stack: Stack, route: Route) -> tuple[bool, str]:
    if route.agent_context_source == "agent-cap":
        return True, said(
            "the agent caps the window at {agent_context:,}: {where}",
            agent_context=route.agent_context.value,
            where=route.agent_context.where,
        )
    if _cut_by_cap(stack, route):
        return True, said(
            "the agent gives a local model that it discovers at most {discovered_cap:,}, whatever it was trained for",
            discovered_cap=DISCOVERED_CAP,
        )
    return False, said("no cap of the agent is in force for this model")


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
        return False, said("the number was not written by hand, so no name stood model for it")
    if label is None:
        return False, said("no name of this model carries a label that stands for {window:,}", window=window)
    held = stack.definition.num_ctx if stack.definition else None
    both = (
        said(", and its definition on the server holds num_ctx {window:,} as well", window=window)
        if held and held.value == window
        else ""
    )
    return (
        True,
        said(
            'it was written by hand after the label "{label}" in the name {label2}{both}: a name, no limit',
            label=label.text,
            label2=label.name,
            both=both,
        ),
    )


def _user(_: Stack, route: Route) -> tuple[bool, str]:
    if _explicit(route):
        return True, said(
            "somebody wrote {agent_context:,} into {where}",
            agent_context=route.agent_context.value,
            where=route.agent_context.where,
        )
    return False, said("no key of the configuration sets it")


def _server_default(_: Stack, route: Route) -> tuple[bool, str]:
    return (
        False,
        said(
            "a default of the server sets what it serves, not what the agent believes ({where})",
            where=route.agent_context.where,
        ),
    )


def _slots(_: Stack, __: Route) -> tuple[bool, str]:
    return False, said("slots divide what a server serves, not what the agent believes")


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
