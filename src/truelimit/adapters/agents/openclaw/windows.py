"""What OpenClaw believes of a model's context, and where that number comes from."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.adapters.agents.openclaw.used_models import UsedModel, positive
from truelimit.domain.agent import ConfigPlace
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

DISCOVERED = 128_000
DISCOVERED_CAP = 32_768
FALLBACK = 200_000


@dataclass(frozen=True, slots=True)
class Window:
    """What the agent believes (``context``), and the model's own window before the agent's cap (``of_model``).

    ``source`` is a word of Route.agent_context_source; ``place`` the key that holds it or would override it.
    ``tokens`` tells that discovery in September gave it as contextTokens: it is sent as num_ctx too.
    """

    context: Known[Tokens]
    source: str
    set_by: SetBy
    place: ConfigPlace
    of_model: Known[Tokens]
    tokens: bool = False


def window_of(used: UsedModel) -> Window:
    """Return the window that this version of OpenClaw works with for the model."""
    return _with_cap(used, _february(used)) if used.release.february else _september(used)


def _explicit(used: UsedModel, key: str, value: int) -> Window:
    place = used.place(key)
    known = Known(Tokens(value), str(place), Basis.SPECIFIED)
    return Window(known, "explicit", SetBy.AGENT_CONFIG, place, known)


def _default(used: UsedModel, source: str, value: int, rule: str, basis: Basis = Basis.SPECIFIED) -> Window:
    known = Known(Tokens(value), said("default in {label}: {rule}", label=used.release.label, rule=rule), basis)
    return Window(known, source, SetBy.AGENT_DEFAULT, used.place("contextWindow"), known)


def _february(used: UsedModel) -> Window:
    """The entry, else 200,000 filled in at load; without an entry the catalogue, else the provider's first model."""
    own = used.number("contextWindow")
    if own is not None:
        return _explicit(used, "contextWindow", own)
    if used.listed:
        return _default(used, "filled-default", FALLBACK, said("a listed model without contextWindow gets 200,000"))
    generated = _generated(used)
    if generated is not None:
        return generated
    if used.siblings:
        return _borrowed(used)
    if used.provider.lower() == "ollama":
        return _discovered_blindly(used)
    return _default(used, "fallback", FALLBACK, said("a model that nothing describes gets 200,000"))


def _borrowed(used: UsedModel) -> Window:
    """An unlisted model takes the window of the provider's first listed one."""
    path = (*used.provider_path, "models", 0, "contextWindow")
    value = positive(used.config, *path)
    if value is None:
        rule = said("an unlisted model borrows from the first listed one, which has no contextWindow and gets 200,000")
        return _default(used, "filled-default", FALLBACK, rule)
    known = Known(
        Tokens(value),
        said("{path}, borrowed by a model without an entry", path=used.config.place(*path)),
        Basis.SPECIFIED,
    )
    return Window(known, "sibling", SetBy.AGENT_CONFIG, used.place("contextWindow"), known)


def _discovered_blindly(used: UsedModel) -> Window:
    if used.release.asks_the_model:
        rule = said("discovery takes the model's native context, else 128,000; the native one is not known from here")
        return _default(used, "discovered", DISCOVERED, rule, Basis.ASSUMED)
    return _default(used, "discovered", DISCOVERED, said("every discovered Ollama model gets 128,000"))


def _with_cap(used: UsedModel, window: Window) -> Window:
    """February's agents.defaults.contextTokens lowers what the agent believes; what it sends stays."""
    path = ("agents", "defaults", "contextTokens")
    cap = positive(used.config, *path)
    if cap is None or cap >= window.context.value:
        return window
    place = used.config.place(*path)
    known = Known(Tokens(cap), str(place), Basis.SPECIFIED)
    return Window(known, "agent-cap", SetBy.AGENT_CONFIG, place, window.of_model)


def _september(used: UsedModel) -> Window:
    """Take contextTokens (at most contextWindow), else contextWindow, else what discovery gives, else 200,000."""
    tokens, own = used.number("contextTokens"), used.number("contextWindow")
    if tokens is not None and (own is None or tokens <= own):
        return _explicit(used, "contextTokens", tokens)
    if own is not None:
        return _explicit(used, "contextWindow", own)
    generated = _generated(used)
    if generated is not None:
        return generated
    if used.siblings:
        return _default(
            used, "fallback", FALLBACK, said("without contextWindow, discovery being off where models are listed")
        )
    if used.provider.lower() == "ollama" and not _in_cloud(used):
        return _discovered_ollama(used)
    if used.provider.lower() == "lmstudio":
        rule = said("the loaded context, else at most 64,000; the loaded one is not known from here")
        return _default(used, "discovered", 64_000, rule, Basis.ASSUMED)
    rule = said("what the server tells, else 128,000; what it tells is not known from here")
    return _default(used, "discovered", DISCOVERED, rule, Basis.ASSUMED)


def _discovered_ollama(used: UsedModel) -> Window:
    if not used.release.caps_discovered:
        return _discovered_blindly(used)
    rule = said("a discovered local Ollama model gets min(32768, native context)")
    known = Known(
        Tokens(DISCOVERED_CAP), said("default in {label}: {rule}", label=used.release.label, rule=rule), Basis.SPECIFIED
    )
    return Window(known, "discovered", SetBy.AGENT_DEFAULT, used.place("contextTokens"), known, tokens=True)


def _generated(used: UsedModel) -> Window | None:
    """What discovery wrote into the generated catalogue; a native window there falls under September's cap."""
    entry = used.generated
    if entry is None or (entry.tokens is None and entry.window is None):
        return None
    capped = used.release.caps_discovered and used.provider.lower() == "ollama" and not used.listed
    if entry.tokens is not None:
        value = entry.tokens if entry.window is None else min(entry.tokens, entry.window)
        known = Known(Tokens(value), f"{entry.where}.contextTokens", Basis.REPORTED)
        return Window(known, "discovered", SetBy.AGENT_DEFAULT, used.place("contextTokens"), known, tokens=True)
    window = entry.window or 0
    where = f"{entry.where}.contextWindow"
    if capped and window > DISCOVERED_CAP and not _in_cloud(used):
        known = Known(
            Tokens(DISCOVERED_CAP),
            said("{where}, cut to 32,768 by {label}", where=where, label=used.release.label),
            Basis.DERIVED,
        )
        return Window(known, "discovered", SetBy.AGENT_DEFAULT, used.place("contextTokens"), known, tokens=True)
    known = Known(Tokens(window), where, Basis.REPORTED)
    return Window(known, "discovered", SetBy.AGENT_DEFAULT, used.place("contextWindow"), known, tokens=capped)


def _in_cloud(used: UsedModel) -> bool:
    """Ollama's cloud models carry the word in their tag; the cap is for local ones."""
    return used.model.endswith((":cloud", "-cloud"))
