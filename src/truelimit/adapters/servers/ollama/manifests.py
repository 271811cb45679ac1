"""The manifests of an Ollama store: which models it holds, and of which layers each is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.servers.ollama.show import count_of, mapping_of, text_of
from truelimit.adapters.servers.ollama.small_files import Unreadable, read_object
from truelimit.domain.message import said
from truelimit.units import MIB

MOST_MANIFESTS = 1000
MANIFEST_CAP = 4 * MIB
_HOST, _NAMESPACE = "registry.ollama.ai", "library"
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})\Z")
_PREFIX = "application/vnd.ollama.image."


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: what it is (``model``, ``params``, ...), its blob, its bytes, and the name it came from."""

    kind: str
    digest: str
    size: int | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model of the store, by the name that the API shows."""

    name: str
    path: Path
    layers: tuple[Layer, ...]
    config: str | None

    def layer(self, kind: str) -> Layer | None:
        """Return the first layer of a kind, or None."""
        return next((layer for layer in self.layers if layer.kind == kind), None)


def manifest_paths(models: Path) -> Iterator[Path]:
    """Yield ``manifests/HOST/NAMESPACE/MODEL/TAG`` in order of name, at most MOST_MANIFESTS + 1. Raises OSError."""
    found = 0
    for host in _visible(models / "manifests"):
        for namespace in _visible(host):
            for model in _visible(namespace):
                for tag in _visible(model):
                    yield tag
                    found += 1
                    if found > MOST_MANIFESTS:
                        return


def display_name(path: Path) -> str:
    """Return the name that the API shows: default host and namespace left out, the tag kept."""
    host, namespace, model, tag = path.parts[-4:]
    if host.lower() != _HOST:
        return f"{host}/{namespace}/{model}:{tag}"
    if namespace.lower() != _NAMESPACE:
        return f"{namespace}/{model}:{tag}"
    return f"{model}:{tag}"


def read_manifest(path: Path) -> Manifest:
    """Return the manifest. Raises Unreadable, also for layers whose digest is no sha256: it could point anywhere."""
    value = read_object(path, MANIFEST_CAP)
    rows = value.get("layers")
    if not isinstance(rows, list):
        raise Unreadable(said("{path}: no list of layers (expected an Ollama manifest)", path=path))
    config = text_of(mapping_of(value, "config"), "digest")
    return Manifest(
        display_name(path),
        path,
        tuple(_layer(path, row) for row in rows),
        None if config is None else checked_digest(path, config),
    )


def checked_digest(path: Path, digest: str) -> str:
    """Return ``sha256:HEX``. Raises Unreadable for anything else."""
    match = _DIGEST.match(digest)
    if match is None:
        raise Unreadable(said("{path}: a digest is not sha256 and 64 hex digits; the model is left out", path=path))
    return f"sha256:{match[1]}"


def blob_path(models: Path, digest: str) -> Path:
    """Return where the blob of a checked digest lies."""
    return models / "blobs" / digest.replace(":", "-")


def _layer(path: Path, row: object) -> Layer:
    if not isinstance(row, dict):
        raise Unreadable(said("{path}: a layer is not an object", path=path))
    media, digest = text_of(row, "mediaType") or "", text_of(row, "digest")
    if digest is None:
        raise Unreadable(said("{path}: a layer has no digest", path=path))
    kind = media.removeprefix(_PREFIX) if media.startswith(_PREFIX) else "other"
    return Layer(kind, checked_digest(path, digest), count_of(row, "size"), _parent(text_of(row, "from")))


def _parent(source: str | None) -> str | None:
    """Return the model that a layer came from; an imported file is named by its path, which is no model."""
    if source is None or "sha256-" in source or source.startswith(("/", "\\", "@")) or source[1:3] == ":\\":
        return None
    return source


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".")) if folder.is_dir() else []
