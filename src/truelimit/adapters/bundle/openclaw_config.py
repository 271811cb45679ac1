"""OpenClaw's configuration with only the keys that the readers use, includes and variables resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from truelimit.adapters.agents.openclaw.config import Config
from truelimit.adapters.agents.openclaw.dotenv import expand
from truelimit.adapters.agents.openclaw.routes import LAUNCHER_KEY
from truelimit.adapters.bundle.redact import REMOVED, Redactor, word
from truelimit.domain.agent import ConfigPath

TEXT = "(text)"

# What each key may hold. "*" stands for one name or index.
_PROVIDER = "models.providers.*"
_MODEL = f"{_PROVIDER}.models.*"
_DEFAULTS = "agents.defaults"
_COMPACTION = f"{_DEFAULTS}.compaction"
_KINDS = {
    "meta.lastTouchedVersion": "word",
    "models.mode": "word",
    f"{_PROVIDER}.baseUrl": "url",
    f"{_PROVIDER}.baseURL": "url",
    f"{_PROVIDER}.apiKey": "key",
    f"{_PROVIDER}.api": "word",
    f"{_PROVIDER}.timeoutSeconds": "number",
    f"{_PROVIDER}.maxTokens": "number",
    f"{_PROVIDER}.injectNumCtxForOpenAICompat": "number",
    f"{_PROVIDER}.params.num_ctx": "number",
    f"{_PROVIDER}.localService.readyTimeoutMs": "number",
    f"{_MODEL}.id": "name",
    f"{_MODEL}.api": "word",
    f"{_MODEL}.baseUrl": "url",
    f"{_MODEL}.contextWindow": "number",
    f"{_MODEL}.contextTokens": "number",
    f"{_MODEL}.maxTokens": "number",
    f"{_MODEL}.params.num_ctx": "number",
    **{f"{_MODEL}.cost.{key}": "number" for key in ("input", "output", "cacheRead", "cacheWrite")},
    f"{_DEFAULTS}.timeoutSeconds": "number",
    f"{_DEFAULTS}.contextTokens": "number",
    f"{_DEFAULTS}.params.num_ctx": "number",
    f"{_DEFAULTS}.models.*.alias": "name",
    f"{_DEFAULTS}.models.*.params.num_ctx": "number",
    **{f"{_COMPACTION}.{key}": "number" for key in ("enabled", "reserveTokensFloor", "timeoutSeconds")},
    f"{_COMPACTION}.mode": "word",
    **{
        f"{holder}{key}": "name"
        for holder in (
            f"{_DEFAULTS}.model",
            f"{_DEFAULTS}.heartbeat.model",
            f"{_DEFAULTS}.subagents.model",
            f"{_COMPACTION}.model",
            "agents.entries.*.model",
            "agents.list.*.model",
        )
        for key in ("", ".primary", ".fallbacks.*")
    },
}
_PATTERNS = {tuple(pattern.split(".")): kind for pattern, kind in _KINDS.items()}
_PREFIXES = {pattern[:length] for pattern in _PATTERNS for length in range(len(pattern))}


def reduced_config(config: Config, redact: Redactor) -> dict[str, Any]:
    """Return the merged configuration with only what the readers use.

    An API key becomes the launcher's mark where it is that, else ``(removed)``; text in the place of a number becomes
    ``(text)``, so that it is still wrong.
    """
    tree = config.get()
    result = _Reduction(config.environment, redact).node(tree, (), ())
    return result if isinstance(result, dict) else {}


class _Reduction:
    def __init__(self, environment: Mapping[str, str], redact: Redactor) -> None:
        self._environment = environment
        self._redact = redact

    def node(self, value: object, pattern: tuple[str, ...], path: ConfigPath) -> object:
        if isinstance(value, dict):
            return {
                self._key(pattern, key): self.node(item, step, (*path, key))
                for key, item in value.items()
                if (step := self._step(pattern, key, item)) is not None
            }
        if isinstance(value, list):
            step = (*pattern, "*")
            is_wanted = step in _PREFIXES or step in _PATTERNS
            return [self.node(item, step, (*path, i)) for i, item in enumerate(value)] if is_wanted else []
        return self._leaf(value, _PATTERNS.get(pattern))

    def _step(self, pattern: tuple[str, ...], key: str, item: object) -> tuple[str, ...] | None:
        """Return the pattern of a member, or None (and count what it holds) where no reader uses it."""
        for step in ((*pattern, key), (*pattern, "*")):
            if (step in _PREFIXES and isinstance(item, dict | list)) or step in _PATTERNS:
                return step
        self._redact.drop("configuration values that no reader uses", sum(1 for _ in _leaves(item)))
        return None

    def _key(self, pattern: tuple[str, ...], key: str) -> str:
        if pattern == ("agents", "entries"):
            return self._redact.agent(key)
        return self._redact.name(key) if (*pattern, "*") in _PREFIXES else key

    def _leaf(self, value: object, kind: str | None) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value if kind is not None else None
        if not isinstance(value, str) or kind is None:
            return {} if kind is None else TEXT
        if kind == "key":
            if value == LAUNCHER_KEY:
                return value
            self._redact.drop("API keys")
            return REMOVED
        text, unresolved = expand(value, self._environment)
        if kind == "url":
            return "${" + unresolved[0] + "}" if unresolved else self._redact.url(text)
        if kind == "name":
            return self._redact.name(text)
        return (word(text) if kind == "word" else None) or TEXT


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def reduced_catalogue(value: object, redact: Redactor) -> dict[str, Any]:
    """Return the generated catalogue (``models.json``) with ids, limits, api and address of each model."""
    providers = value.get("providers") if isinstance(value, dict) else None
    found = providers if isinstance(providers, dict) else {}
    return {"providers": {redact.name(str(key)): _provider(item, redact) for key, item in found.items()}}


def _provider(value: object, redact: Redactor) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    models = value.get("models")
    listed = [_catalogue_entry(item, redact) for item in models] if isinstance(models, list) else []
    if "apiKey" in value:
        redact.drop("API keys")
    return {**_addresses(value, redact), "models": listed}


def _catalogue_entry(value: object, redact: Redactor) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    numbers = {key: value[key] for key in ("contextWindow", "contextTokens", "maxTokens") if _is_number(value.get(key))}
    name = value.get("id")
    return {**({"id": redact.name(name)} if isinstance(name, str) else {}), **_addresses(value, redact), **numbers}


def _addresses(value: Mapping[str, Any], redact: Redactor) -> dict[str, str]:
    api, url = word(value.get("api")), value.get("baseUrl")
    found = {"api": api} if api else {}
    return {**found, "baseUrl": redact.url(url)} if isinstance(url, str) and url else found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
