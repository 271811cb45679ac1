"""opencode: ``config.json``, ``opencode.json`` and ``opencode.jsonc`` of its folder, each over the one before.

Tried on 1.18.33: ``headerTimeout`` ends the silence before the first byte, ``timeout`` an attempt as a whole, and then
none follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.adapters.agents.settings.document import Document, opened
from truelimit.adapters.agents.settings.values import address, entries, timed_at
from truelimit.domain.agent import AgentSetting

if TYPE_CHECKING:
    from truelimit.app.ports import Places
    from truelimit.domain.provenance import Missing

_FILES = ("config.json", "opencode.json", "opencode.jsonc")
_TIMERS = (("headerTimeout", "headers"), ("timeout", "request"))


def settings(places: Places, missing: list[Missing]) -> Iterator[AgentSetting]:
    """Yield what is set for each provider whose address is told."""
    folder = places.home / (places.environment.get("XDG_CONFIG_HOME", "").strip() or ".config") / "opencode"
    documents = [opened(folder / name, "opencode", missing) for name in _FILES]
    urls: dict[str, str] = {}
    for document in documents:
        for name in entries(document.get(("provider",))):
            urls[name] = address(document.get(_options(name, "baseURL"))) or urls.get(name, "")
    for document in documents:
        for name, url in urls.items():
            yield from _of_provider(document, name, url) if url else ()


def _of_provider(document: Document, name: str, url: str) -> Iterator[AgentSetting]:
    for key, bounds in _TIMERS:
        yield timed_at(AgentSetting("opencode", url, key, bounds), document, _options(name, key))


def _options(provider: str, key: str) -> tuple[str, ...]:
    return ("provider", provider, "options", key)
