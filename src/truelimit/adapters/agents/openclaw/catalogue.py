"""The model catalogue that OpenClaw generates for each agent (``agents/ID/agent/models.json``).

It holds what discovery gave. Keys and headers in it are secrets and are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.agents.openclaw.places import Installation, is_file
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

MAX_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One model in a catalogue; tokens, or None where absent."""

    where: str
    api: str | None
    base_url: str | None
    window: int | None
    tokens: int | None
    max_tokens: int | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by provider and model id; of several agents' the first one counts."""

    entries: Mapping[tuple[str, str], Entry]
    files: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()

    def find(self, provider: str, model: str) -> Entry | None:
        """Return the entry of a model, or None."""
        return self.entries.get((provider.lower(), model))


def read_catalogue(place: Installation) -> Catalogue:
    """Return the catalogue of an installation; damaged files are reported and left out."""
    entries: dict[tuple[str, str], Entry] = {}
    files: list[str] = []
    missing: list[Missing] = []
    for folder in place.agent_dirs():
        file = folder / "agent" / "models.json"
        if not is_file(file):
            continue
        try:
            tree = _read(file)
        except (OSError, ValueError, RecursionError):
            missing.append(
                Missing(
                    said("catalogue of discovered models"),
                    said("{file}: not JSON of ordinary size; delete it", file=file),
                )
            )
            continue
        files.append(str(file))
        for key, entry in _entries(tree, file):
            if len(entries) < MAX_ENTRIES:
                entries.setdefault(key, entry)
    return Catalogue(entries, tuple(files), tuple(missing))


def _read(file: Path) -> object:
    with file.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(said("too large"))
    return json.loads(data)


def _entries(tree: object, file: Path) -> Iterator[tuple[tuple[str, str], Entry]]:
    for provider, settings in _dict(_dict(tree).get("providers")).items():
        provider_settings = _dict(settings)
        models = provider_settings.get("models")
        for index, item in enumerate(models if isinstance(models, list) else []):
            model = _dict(item)
            name = model.get("id")
            if isinstance(name, str):
                where = said("{file}: providers.{provider}.models[{index}]", file=file, provider=provider, index=index)
                yield (provider.lower(), name), _entry(model, provider_settings, where)


def _entry(model: dict[str, object], provider: dict[str, object], where: str) -> Entry:
    return Entry(
        where=where,
        api=_text(model.get("api")) or _text(provider.get("api")),
        base_url=_text(model.get("baseUrl")) or _text(provider.get("baseUrl")),
        window=_count(model.get("contextWindow")),
        tokens=_count(model.get("contextTokens")),
        max_tokens=_count(model.get("maxTokens")),
    )


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**53:
        return None
    return int(value)
