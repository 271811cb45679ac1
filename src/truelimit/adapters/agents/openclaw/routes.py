"""One Route for each model in use, put together from window, sent context, reserves and timers."""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.adapters.agents.openclaw.floors import base_prompt, compaction_remedy, window_floor
from truelimit.adapters.agents.openclaw.reserves import reserves_of
from truelimit.adapters.agents.openclaw.sent_context import sent_context
from truelimit.adapters.agents.openclaw.timeouts import attempts_of, timeouts_of
from truelimit.adapters.agents.openclaw.used_models import UsedModel, positive
from truelimit.adapters.agents.openclaw.windows import window_of
from truelimit.domain.agent import ConfiguredModel, Route
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

LAUNCHER_KEY = "ollama-local"
_LIMITS = (("contextWindow",), ("contextTokens",), ("maxTokens",), ("params", "num_ctx"))
_COSTS = ("input", "output", "cacheRead", "cacheWrite")


def route_of(used: UsedModel) -> Route:
    """Return the route of one model, every number with its source."""
    window = window_of(used)
    sent = sent_context(used, window)
    reserves = reserves_of(used, window)
    attempts, hidden = attempts_of(used)
    return Route(
        ref=used.ref,
        provider=used.provider,
        model=used.model,
        api=used.api,
        base_url=used.base_url,
        is_primary=used.primary is not None,
        agent_context=window.context,
        agent_context_set_by=window.set_by,
        agent_context_source=window.source,
        agent_context_place=window.place,
        configured=_configured(used),
        request_context=sent.value,
        request_context_place=sent.place,
        output_reserve=reserves.output,
        compaction_reserve=reserves.compaction,
        prompt_budget=reserves.prompt_budget,
        compaction_works=reserves.works,
        timeouts=timeouts_of(used),
        attempts=attempts,
        hidden_attempts=hidden,
        model_place=used.place(),
        primary_place=used.primary,
        window_keys=sent.window_keys,
        references=used.references,
        base_prompt=base_prompt(used),
        window_floor=window_floor(used),
        compaction_remedy=compaction_remedy(used),
    )


def unusable(used: UsedModel) -> Iterator[Missing]:
    """Yield what of a model's configuration could not be used, and why."""
    for key in ("contextWindow", "contextTokens", "maxTokens"):
        if used.listed and used.config.get(*used.entry_path, key) is not None and used.number(key) is None:
            yield Missing(
                said("{key} of {ref}", key=key, ref=used.ref),
                said("{key}: not a whole number of tokens above 0", key=used.place(key)),
            )
    for path in used.url_paths:
        for name in used.config.unresolved(*path):
            place = used.config.place(*path)
            why = said(
                "{place}: the variable {name} is set neither in the environment nor in OpenClaw's .env",
                place=place,
                name=name,
            )
            yield Missing(said("address of the server of {ref}", ref=used.ref), why)


def _configured(used: UsedModel) -> ConfiguredModel:
    first = (*used.provider_path, "models", 0)
    sibling = used.config.text(*first, "id") if used.index != 0 else None
    urls = (used.config.text(*used.provider_path, key) or "" for key in ("baseUrl", "baseURL"))
    return ConfiguredModel(
        listed=used.listed,
        own_window=used.number("contextWindow") is not None or used.number("contextTokens") is not None,
        max_tokens=used.number("maxTokens"),
        api_key_is_launcher_mark=used.config.get(*used.provider_path, "apiKey") == LAUNCHER_KEY,
        costs_all_zero=used.listed and all(used.config.number(*used.entry_path, "cost", key) == 0 for key in _COSTS),
        base_url_has_v1=any(url.rstrip("/").endswith("/v1") for url in urls),
        sibling=sibling,
        sibling_window=positive(used.config, *first, "contextWindow") if sibling else None,
        numbers={".".join(keys): value for keys in _LIMITS if (value := used.number(*keys)) is not None},
        provider_lists_models=used.config.is_list(*used.provider_path, "models"),
    )
