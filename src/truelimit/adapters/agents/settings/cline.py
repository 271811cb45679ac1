"""Cline: ``~/.cline/data/settings/providers.json``. Tried on 3.0.65: only Ollama has a timer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import opened
from truelimit.adapters.agents.settings.values import address, timed_at
from truelimit.domain.agent import AgentSetting

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_OLLAMA = ("providers", "ollama", "settings")
_USUAL = "http://localhost:11434"


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set."""
    folder = places.home / (places.environment.get("CLINE_DIR", "").strip() or ".cline")
    document = opened(folder / "data" / "settings" / "providers.json", "Cline", missing)
    url = address(document.get((*_OLLAMA, "baseUrl"))) or _USUAL
    yield timed_at(AgentSetting("cline", url, "timeout", "headers"), document, (*_OLLAMA, "timeout"))
