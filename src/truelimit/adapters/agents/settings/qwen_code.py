"""Qwen Code: ``~/.qwen/settings.json``. Tried on 0.24.4: a model of a provider goes by its own entry alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import Document, opened
from truelimit.adapters.agents.settings.values import address, attempts_at, entries, timed_at
from truelimit.domain.agent import AgentSetting, ConfigPath

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_ROUNDS = 21  # of the client's own attempts, one after another: three times seven
_EACH = "generationConfig"
_PROVIDERS = "modelProviders"


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set for each model of each provider, or for a model that none of them has."""
    folder = places.home / (places.environment.get("QWEN_HOME", "").strip() or ".qwen")
    document = opened(folder / "settings.json", "Qwen Code", missing)
    for kind, listed in entries(document.get((_PROVIDERS,))).items():
        for place, entry in enumerate(listed) if isinstance(listed, list) else ():
            known = entries(entry)
            url, model = address(known.get("baseUrl")), address(known.get("id"))
            if url and model:
                yield from _of(document, (_PROVIDERS, kind, place, _EACH), url, model)
    if not document.get((_PROVIDERS,)):
        yield from _of(document, ("model", _EACH), None, None)


def _of(document: Document, path: ConfigPath, url: str | None, model: str | None) -> Iterator[AgentSetting]:
    tries = attempts_at(document, (*path, "maxRetries"), _ROUNDS)
    first = AgentSetting("qwen-code", url, "timeout", "headers", attempts=tries, model=model)
    yield timed_at(first, document, (*path, "timeout"))
    between = AgentSetting("qwen-code", url, "streamIdleTimeoutMs", "events", model=model)
    yield timed_at(between, document, (*path, "streamIdleTimeoutMs"))
