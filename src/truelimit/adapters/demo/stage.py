"""Builds the home folder of the incident: OpenClaw's files, an Ollama store with a header-only model, a server log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from truelimit.adapters.demo.history import WORKSPACES, conversations
from truelimit.adapters.demo.shape import METADATA, tensors
from truelimit.adapters.demo.transcript import index, transcript
from truelimit.adapters.files.gguf.write import write_header

_MODEL = "application/vnd.ollama.image.model"
_PARAMS = "application/vnd.ollama.image.params"
_NAMES = {"30b": None, "v-128k": 131_072}


def stage(home: Path) -> None:
    """Write the incident's home below ``home``, which must exist. Raises OSError as the system does."""
    agent = home / ".openclaw"
    sessions = agent / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    _copy("openclaw.json", agent / "openclaw.json")
    _copy("sessions.json", sessions / "sessions.json")
    _session(home, sessions / "20260218-refactor.jsonl")
    _history(home, agent / "agents")
    blob = _store(home / ".ollama" / "models")
    log = home / ".ollama" / "logs" / "server.log"
    log.parent.mkdir()
    log.write_text(_text("server.log").replace("@MODEL@", blob), encoding="utf-8")


def _session(home: Path, target: Path) -> None:
    """Write the incident's transcript with the folder that it is in, as OpenClaw does: whole, not from the tilde."""
    folder = json.dumps(str(home / WORKSPACES["main"]))
    target.write_text(_text("session.jsonl").replace('"~/work/shop"', folder), encoding="utf-8")


def _history(home: Path, agents: Path) -> None:
    """Write the weeks before: a transcript a conversation, and the index of each agent that has none yet."""
    latest = {}
    for talk in conversations(_text("history.txt")):
        folder = agents / talk.agent / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        text = transcript(talk, str(home / WORKSPACES[talk.agent]))
        (folder / f"{talk.name}.jsonl").write_text(text, encoding="utf-8")
        latest[talk.agent] = talk
    for name, talk in latest.items():
        place = agents / name / "sessions" / "sessions.json"
        if not place.exists():
            place.write_text(index(talk, name), encoding="utf-8")


def _text(name: str) -> str:
    return (files("truelimit.adapters.demo") / "home" / name).read_text(encoding="utf-8")


def _copy(name: str, target: Path) -> None:
    target.write_text(_text(name), encoding="utf-8")


def _store(models: Path) -> str:
    """Write blobs and manifests: the base, and the definition with the label. Returns the model blob's file name."""
    blobs = models / "blobs"
    blobs.mkdir(parents=True)
    model = _model_blob(blobs)
    for tag, num_ctx in _NAMES.items():
        name = "qwen3-coder" if num_ctx is None else "qwen3-coder-30b"
        layers = [model] if num_ctx is None else [{**model, "from": "qwen3-coder:30b"}, _params(blobs, num_ctx)]
        _manifest(models, blobs, name, tag, layers)
    return str(model["digest"]).replace(":", "-")


def _model_blob(blobs: Path) -> dict[str, object]:
    path = blobs / "model.partial"
    write_header(path, METADATA, tensors())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.replace(blobs / f"sha256-{digest}")
    size = (blobs / f"sha256-{digest}").stat().st_size
    return {"mediaType": _MODEL, "digest": f"sha256:{digest}", "size": size}


def _params(blobs: Path, num_ctx: int) -> dict[str, object]:
    return {"mediaType": _PARAMS, **_blob(blobs, {"num_ctx": num_ctx, "temperature": 0.7})}


def _manifest(models: Path, blobs: Path, name: str, tag: str, layers: Sequence[Mapping[str, object]]) -> None:
    config = {
        "model_format": "gguf",
        "model_family": "qwen3moe",
        "model_families": ["qwen3moe"],
        "model_type": "30.5B",
        "file_type": "Q4_K_M",
        "architecture": "amd64",
        "os": "linux",
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **_blob(blobs, config)},
        "layers": layers,
    }
    path = models / "manifests" / "registry.ollama.ai" / "library" / name / tag
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def _blob(blobs: Path, value: Mapping[str, object]) -> dict[str, object]:
    data = json.dumps(value, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / f"sha256-{digest}").write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}
