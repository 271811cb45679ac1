"""The num_ctx that OpenClaw really sends to Ollama, and the keys that raise a window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from truelimit.adapters.agents.openclaw.hosts import is_ollama
from truelimit.adapters.agents.openclaw.used_models import UsedModel, positive
from truelimit.adapters.agents.openclaw.windows import FALLBACK, Window
from truelimit.domain.agent import ConfigPath, ConfigPlace
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

FEBRUARY_KEYS = ("contextWindow",)
SEPTEMBER_KEYS = ("contextWindow", "contextTokens")
SEPTEMBER_OLLAMA_KEYS = (*SEPTEMBER_KEYS, "params.num_ctx")


@dataclass(frozen=True, slots=True)
class SentContext:
    """``value``: the num_ctx in each request (None: none is sent). ``place``: the key that sets it (None: no key can).

    ``window_keys``: the keys of the model's entry that raise the window together in this version.
    """

    value: Known[Tokens] | None
    place: ConfigPlace | None
    window_keys: tuple[str, ...]


def sent_context(used: UsedModel, window: Window) -> SentContext:
    """Return what is sent over the model's api in this version."""
    if used.release.february:
        return _february(used, window)
    if used.api == "ollama":
        return SentContext(_native(used, window), _params_place(used), SEPTEMBER_OLLAMA_KEYS)
    if used.api == "openai-completions" and is_ollama(used.base_url, used.provider) and not _injection_off(used):
        return SentContext(_injected(used, window), _params_place(used), SEPTEMBER_OLLAMA_KEYS)
    return SentContext(None, None, SEPTEMBER_KEYS)


def _february(used: UsedModel, window: Window) -> SentContext:
    """The native api sends the model's window, before the agent's cap; the OpenAI-style one sends nothing."""
    if used.api != "ollama":
        return SentContext(None, None, FEBRUARY_KEYS)
    where = said("{where}; {label} sends it as options.num_ctx", where=window.of_model.where, label=used.release.label)
    value = Known(window.of_model.value, where, window.of_model.basis)
    return SentContext(value, used.place("contextWindow"), FEBRUARY_KEYS)


def _native(used: UsedModel, window: Window) -> Known[Tokens] | None:
    """params.num_ctx, else contextTokens (set or discovered), else nothing: contextWindow alone is not sent."""
    return _from_params(used) or _from_tokens(used, window)


def _injected(used: UsedModel, window: Window) -> Known[Tokens]:
    """params.num_ctx, contextTokens, contextWindow, maxTokens, 200,000: the first that there is."""
    found = _from_params(used) or _from_tokens(used, window)
    if found is not None:
        return found
    for key in ("contextWindow", "maxTokens"):
        value = used.number(key)
        if value is not None:
            return _sent(used, value, str(used.place(key)), Basis.SPECIFIED)
    if window.source == "discovered":
        return _sent(used, window.context.value, window.context.where, window.context.basis)
    return _sent(used, FALLBACK, said("default in {label}", label=used.release.label), Basis.SPECIFIED)


def _sent(used: UsedModel, value: int, where: str, basis: Basis) -> Known[Tokens]:
    return Known(
        Tokens(value),
        said("{where}; {label} sends it as options.num_ctx", where=where, label=used.release.label),
        basis,
    )


def _from_params(used: UsedModel) -> Known[Tokens] | None:
    for path in _params_paths(used):
        value = positive(used.config, *path)
        if value is not None:
            return Known(Tokens(value), str(used.config.place(*path)), Basis.SPECIFIED)
    return None


def _from_tokens(used: UsedModel, window: Window) -> Known[Tokens] | None:
    value = used.number("contextTokens")
    if value is not None:
        return _sent(used, value, str(used.place("contextTokens")), Basis.SPECIFIED)
    if not window.tokens:
        return None
    return _sent(used, window.context.value, window.context.where, window.context.basis)


def _params_place(used: UsedModel) -> ConfigPlace:
    """The params.num_ctx in force; where there is none, the one to be added to the entry."""
    paths = list(_params_paths(used))
    path = next((path for path in paths if positive(used.config, *path) is not None), paths[0])
    return used.config.place(*path)


def _params_paths(used: UsedModel) -> Iterator[ConfigPath]:
    """The places of num_ctx, nearest to the model first."""
    yield (*used.entry_path, "params", "num_ctx")
    yield (*used.provider_path, "params", "num_ctx")
    yield ("agents", "defaults", "models", used.ref, "params", "num_ctx")
    yield ("agents", "defaults", "params", "num_ctx")


def _injection_off(used: UsedModel) -> bool:
    return used.config.get(*used.provider_path, "injectNumCtxForOpenAICompat") is False
