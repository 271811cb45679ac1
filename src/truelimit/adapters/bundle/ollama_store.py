"""Ollama's store written anew: manifests, parameters, headers of models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.model_headers import copy_header
from truelimit.adapters.bundle.redact import REMOVED, Redactor, word
from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.servers.ollama.manifests import (
    MOST_MANIFESTS,
    Manifest,
    blob_path,
    manifest_paths,
    read_manifest,
)
from truelimit.adapters.servers.ollama.small_files import Unreadable, read_object
from truelimit.units import MIB

FOLDER = ".ollama/models"
_BLOB_CAP = 4 * MIB
_MEDIA = "application/vnd.ollama.image."
_KINDS = ("model", "params", "projector", "adapter", "tensor")
_CONFIG = ("model_format", "model_family", "model_type", "file_type", "architecture", "os")


def write_store(models: Path, files: BundleFiles) -> int:
    """Write the models of a store (the folder that holds ``manifests`` and ``blobs``); returns how many."""
    count = 0
    try:
        for path in list(manifest_paths(models))[:MOST_MANIFESTS]:
            target = f"{FOLDER}/manifests/{'/'.join(path.parts[-4:])}"
            if not files.has(target):
                count += _write_model(models, path, target, files)
    except OSError as error:
        files.unreadable(models, error)
    return count


def _write_model(models: Path, path: Path, target: str, files: BundleFiles) -> int:
    try:
        manifest = read_manifest(path)
    except Unreadable as error:
        files.unreadable(path, error)
        return 0
    files.json(target, _manifest(manifest, files.redact))
    config, params, model = manifest.config, manifest.layer("params"), manifest.layer("model")
    if config is not None:
        _write_object(models, config, files, _config)
    if params is not None:
        _write_object(models, params.digest, files, _parameters)
    if model is not None:
        _write_header(models, model.digest, files)
    return 1


def _manifest(manifest: Manifest, redact: Redactor) -> dict[str, Any]:
    kept = [layer for layer in manifest.layers if layer.kind in _KINDS]
    redact.drop("templates, system prompts, licences and messages of models", len(manifest.layers) - len(kept))
    layers = [
        {
            "mediaType": _MEDIA + layer.kind,
            "digest": layer.digest,
            **({} if layer.size is None else {"size": layer.size}),
            **({"from": redact.name(layer.parent)} if layer.parent else {}),
        }
        for layer in kept
    ]
    config = {} if manifest.config is None else {"config": {"digest": manifest.config}}
    return {"schemaVersion": 2, **config, "layers": layers}


def _write_object(models: Path, digest: str, files: BundleFiles, reduce: Any) -> None:
    target = f"{FOLDER}/blobs/{digest.replace(':', '-')}"
    if files.has(target):
        return
    source = blob_path(models, digest)
    try:
        value = read_object(source, _BLOB_CAP)
    except Unreadable as error:
        files.unreadable(source, error)
        return
    files.text(target, json.dumps(reduce(value, files.redact), separators=(",", ":")))


def _config(value: Mapping[str, object], _redact: Redactor) -> dict[str, object]:
    found: dict[str, object] = {key: text for key in _CONFIG if (text := word(value.get(key))) is not None}
    families = value.get("model_families")
    if isinstance(families, list):
        found["model_families"] = [text for item in families if (text := word(item)) is not None]
    return found | {key: REMOVED for key in ("remote_host", "remote_model") if value.get(key)}


def _parameters(value: Mapping[str, object], redact: Redactor) -> dict[str, object]:
    """Return the parameters that are numbers or truth values; a num_ctx that is text stays one, as it is a fault."""
    found: dict[str, object] = {}
    for key, item in value.items():
        if isinstance(item, bool | int | float):
            found[redact.name(key)] = item
        elif key == "num_ctx":
            found[key] = "(text)"
        else:
            redact.drop("parameters of models that are text (stop sequences)")
    return found


def _write_header(models: Path, digest: str, files: BundleFiles) -> None:
    target = f"{FOLDER}/blobs/{digest.replace(':', '-')}"
    source = blob_path(models, digest)
    if files.has(target) or not source.is_file():
        return
    try:
        copy_header(source, files.place(target), files.redact)
    except (GgufError, ValueError, OSError) as error:
        files.forget(target)
        files.unreadable(source, error)


def write_desktop(found: Mapping[str, Any], files: BundleFiles) -> None:
    """Write the context slider of Ollama's desktop app, where one was moved, as the app's own table."""
    import contextlib
    import sqlite3

    if not found:
        return
    value = next(iter(found.values())).value
    path = files.place("Library/Application Support/Ollama/db.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE settings (context_length INTEGER, schema_version INTEGER)")
        database.execute("INSERT INTO settings VALUES (?, 99)", (int(value),))
        database.commit()
