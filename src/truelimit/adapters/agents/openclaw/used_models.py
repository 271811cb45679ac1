"""Which models a configuration uses, and what it holds for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from truelimit.adapters.agents.openclaw.catalogue import Catalogue, Entry
from truelimit.adapters.agents.openclaw.config import Config
from truelimit.adapters.agents.openclaw.generations import Release
from truelimit.adapters.agents.openclaw.hosts import (
    HostClass,
    default_url,
    host_class,
    host_of,
    is_own,
)
from truelimit.adapters.servers.http import shown
from truelimit.domain.agent import ConfigPath, ConfigPlace

MAX_MODELS = 500
_DEFAULTS = ("agents", "defaults")
_OTHER_USES: tuple[ConfigPath, ...] = (
    (*_DEFAULTS, "heartbeat", "model"),
    (*_DEFAULTS, "subagents", "model"),
    (*_DEFAULTS, "compaction", "model"),
)


@dataclass(frozen=True, slots=True)
class UsedModel:
    """One model of one provider. ``index`` is that of its own entry under the provider (None: it has none).

    ``primary`` is the key that names it as a primary model, or None; ``references`` are all keys that hold its name.
    """

    config: Config
    catalogue: Catalogue
    release: Release
    provider: str
    model: str
    index: int | None
    in_use: bool = False
    primary: ConfigPlace | None = None
    references: tuple[ConfigPlace, ...] = ()

    @property
    def ref(self) -> str:
        """The agent's name for it: ``provider/model``."""
        return f"{self.provider}/{self.model}"

    @property
    def provider_path(self) -> ConfigPath:
        """The path of the provider, present or to be added."""
        return ("models", "providers", self.provider)

    @property
    def entry_path(self) -> ConfigPath:
        """The path of the model's entry; where it has none, that of the element to be appended."""
        models = (*self.provider_path, "models")
        return (*models, self.config.length(*models) if self.index is None else self.index)

    @property
    def listed(self) -> bool:
        """Whether the model has an entry of its own."""
        return self.index is not None

    @property
    def siblings(self) -> int:
        """How many models are listed under the provider."""
        return self.config.length(*self.provider_path, "models")

    @property
    def generated(self) -> Entry | None:
        """The entry in the generated catalogue, or None."""
        return self.catalogue.find(self.provider, self.model)

    def number(self, *keys: str) -> int | None:
        """Return a positive whole number of the model's own entry, or None."""
        return positive(self.config, *self.entry_path, *keys) if self.listed else None

    def place(self, *keys: str) -> ConfigPlace:
        """Return the place of a key of the entry, present or to be added."""
        return self.config.place(*self.entry_path, *keys)

    @property
    def url_paths(self) -> tuple[ConfigPath, ...]:
        """The keys that may hold the address of the server, strongest first."""
        provider = self.provider_path
        return (*self.entry_path, "baseUrl"), (*provider, "baseUrl"), (*provider, "baseURL")

    @property
    def has_url(self) -> bool:
        """Whether the configuration gives an address, even one that cannot be expanded."""
        return any(self.config.text(*path) for path in self.url_paths)

    @property
    def base_url(self) -> str | None:
        """Where the provider's server is, without secrets; None where a variable in it has no value."""
        for path in self.url_paths:
            text = self.config.text(*path)
            if text:
                return None if self.config.unresolved(*path) else shown(text.strip(), "")
        generated = self.generated.base_url if self.generated else None
        return shown(generated, "") if generated else default_url(self.provider)

    @property
    def api(self) -> str:
        """The wire protocol: of the entry, the provider, the catalogue, or OpenClaw's default."""
        for path in (self.entry_path, self.provider_path):
            text = self.config.text(*path, "api")
            if text:
                return text
        if self.generated and self.generated.api:
            return self.generated.api
        if self.provider.lower() == "ollama":
            return "ollama"
        return "openai-responses" if self.release.february else "openai-completions"

    @property
    def host(self) -> HostClass:
        """OpenClaw's class of the host."""
        return host_class(self.base_url, self.provider)


def positive(config: Config, *path: str | int) -> int | None:
    """Return the positive whole number at a path, or None."""
    number = config.number(*path)
    return number if isinstance(number, int) and number > 0 else None


def used_models(config: Config, catalogue: Catalogue, release: Release) -> tuple[UsedModel, ...]:
    """Return the models that a configuration uses (primary ones first) or lists, without repetition."""
    blank = UsedModel(config, catalogue, release, "", "", None)
    found: dict[str, UsedModel] = {}
    aliases = _aliases(config)
    for path, is_primary in _references(config):
        text, place = config.text(*path) or "", config.place(*path)
        used = _resolved(blank, aliases.get(text.strip().lower(), text))
        known = found.get(used.ref, used)
        exact = config.get(*path) == used.ref
        found[used.ref] = replace(
            known,
            in_use=True,
            primary=known.primary or (place if is_primary else None),
            references=(*known.references, place) if exact else known.references,
        )
    for used in _listed(blank):
        found.setdefault(used.ref, used)
    return tuple(sorted(found.values(), key=lambda used: used.primary is None))[:MAX_MODELS]


def is_examined(used: UsedModel) -> bool:
    """Return whether a model is the user's concern.

    It is where its server is an own one (or its address unknown), or where it is in use and the configuration itself
    sets its window. Of others, OpenClaw's built-in tables know the limits, which are not to be had from here.
    """
    if host_of(used.base_url).endswith("ollama.com"):
        return False
    if used.base_url is None and used.has_url:
        return True
    own = is_own(used.base_url, used.provider) or is_own(None, used.provider)
    return own or (used.in_use and used.number("contextWindow") is not None)


def _references(config: Config) -> Iterator[tuple[ConfigPath, bool]]:
    """Yield each key that names a model, and whether as a primary one, primaries first."""
    agents: list[ConfigPath] = [_DEFAULTS]
    agents += [("agents", "entries", name) for name in config.keys("agents", "entries")[:MAX_MODELS]]
    agents += [("agents", "list", index) for index in range(min(config.length("agents", "list"), MAX_MODELS))]
    models: list[ConfigPath] = [(*path, "model") for path in agents]
    others: list[ConfigPath] = []
    for path in models:
        fallbacks = (*path, "fallbacks")
        others += [(*fallbacks, index) for index in range(min(config.length(*fallbacks), MAX_MODELS))]
    pairs = [(path, True) for path in models] + [(path, False) for path in (*others, *_OTHER_USES)]
    for path, is_primary in pairs:
        for key in (path, (*path, "primary")):
            if config.text(*key):
                yield key, is_primary


def _aliases(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    for ref in config.keys(*_DEFAULTS, "models"):
        alias = config.text(*_DEFAULTS, "models", ref, "alias")
        if alias:
            found[alias.strip().lower()] = ref
    return found


def _resolved(blank: UsedModel, ref: str) -> UsedModel:
    """Return the model of ``provider/model``; a reference without a provider belongs to none."""
    provider, slash, model = ref.strip().partition("/")
    provider, model = (provider, model) if slash else ("", provider)
    written = next(
        (key for key in blank.config.keys("models", "providers") if key.lower() == provider.lower()), provider
    )
    used = replace(blank, provider=written, model=model)
    ids = (blank.config.text(*used.provider_path, "models", index, "id") for index in range(used.siblings))
    return replace(used, index=next((index for index, name in enumerate(ids) if name == model), None))


def _listed(blank: UsedModel) -> Iterator[UsedModel]:
    for provider in blank.config.keys("models", "providers"):
        path = ("models", "providers", provider, "models")
        seen: set[str] = set()
        for index in range(min(blank.config.length(*path), MAX_MODELS)):
            name = blank.config.text(*path, index, "id")
            if name and name not in seen:
                seen.add(name)
                yield replace(blank, provider=provider, model=name, index=index)
