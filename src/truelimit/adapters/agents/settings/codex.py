"""Codex: ``~/.codex/config.toml``. Tried on 0.169.0: each provider's limit of silence between events of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import opened
from truelimit.adapters.agents.settings.values import address, attempts_at, entries, timed_at
from truelimit.domain.agent import AgentSetting

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_PROVIDERS = "model_providers"


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set for each provider."""
    folder = places.home / (places.environment.get("CODEX_HOME", "").strip() or ".codex")
    document = opened(folder / "config.toml", "Codex", missing)
    for name in entries(document.get((_PROVIDERS,))):
        path = (_PROVIDERS, name)
        url = address(document.get((*path, "base_url")))
        tries = attempts_at(document, (*path, "stream_max_retries"))
        setting = AgentSetting("codex", url, "stream_idle_timeout_ms", "events", attempts=tries)
        if url is not None:
            yield timed_at(setting, document, (*path, "stream_idle_timeout_ms"))
