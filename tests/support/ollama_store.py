"""Builds an Ollama store on disk: manifests, configuration and parameter blobs, header-only model blobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

_MEDIA = "application/vnd.ollama.image."


def put_blob(models: Path, content: bytes) -> str:
    """Write a blob; return its digest."""
    digest = hashlib.sha256(content).hexdigest()
    path = models / "blobs" / f"sha256-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"sha256:{digest}"


def put_model(
    models: Path,
    name: str,
    blob: str,
    *,
    size: int = 98_362_432,
    parameters: Mapping[str, object] | None = None,
    parent: str | None = None,
    file_type: str = "Q4_1",
) -> Path:
    """Write the manifest of a model, and its small blobs; return the manifest's path.

    ``name`` is ``HOST/NAMESPACE/MODEL:TAG`` or a shorter form with the defaults of Ollama.
    """
    layer: dict[str, object] = {"mediaType": _MEDIA + "model", "digest": blob, "size": size}
    if parent:
        layer["from"] = parent
    layers = [layer]
    if parameters is not None:
        content = json.dumps(dict(parameters)).encode()
        layers.append({"mediaType": _MEDIA + "params", "digest": put_blob(models, content), "size": len(content)})
    config = json.dumps({"model_format": "gguf", "model_family": "llama", "file_type": file_type}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": put_blob(models, config),
            "size": len(config),
        },
        "layers": layers,
    }
    path = manifest_path(models, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def manifest_path(models: Path, name: str) -> Path:
    """Return where the manifest of a name lies."""
    path, _, tag = name.rpartition(":")
    parts = path.split("/")
    parts = [*("registry.ollama.ai", "library")[: 3 - len(parts)], *parts]
    return models.joinpath("manifests", *parts, tag)
