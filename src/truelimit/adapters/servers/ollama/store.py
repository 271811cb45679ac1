"""The store of an Ollama on disk, read with the server up or down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama.manifests import (
    MOST_MANIFESTS,
    Layer,
    Manifest,
    blob_path,
    manifest_paths,
    read_manifest,
)
from truelimit.adapters.servers.ollama.parameters import num_ctx_of, without_text
from truelimit.adapters.servers.ollama.show import text_of
from truelimit.adapters.servers.ollama.small_files import Unreadable, read_object
from truelimit.domain.message import Message, said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition
from truelimit.units import MIB, Bytes

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

_BLOB_CAP = 4 * MIB


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store holds."""

    definitions: tuple[Definition, ...] = ()
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """One pass over a store; headers are read once for all names that share a blob."""

    models: Path
    missing: list[Missing] = field(default_factory=list)
    headers: dict[str, ModelHeader | None] = field(default_factory=dict)

    def lacks(self, fact: str, why: object) -> None:
        """Note a fact that could not be had."""
        self.missing.append(Missing(fact, str(why)))


def read_store(models: Path) -> Stored:
    """Return the models of a store (the folder that holds ``manifests`` and ``blobs``). Never raises."""
    reading = _Reading(models)
    definitions = tuple(found for manifest in _manifests(reading) if (found := _definition(reading, manifest)))
    examined = (str(models),) if definitions or reading.missing or _is_folder(models / "manifests") else ()
    return Stored(share_blobs(definitions), tuple(reading.missing), examined)


def share_blobs(definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
    """Return the definitions, each naming the others of the same model file: they share one loaded copy."""
    names: dict[str, list[str]] = {}
    for item in definitions:
        if item.digest is not None:
            names.setdefault(item.digest, []).append(item.name)
    return tuple(
        replace(item, same_blob=tuple(name for name in names.get(item.digest or "", ()) if name != item.name))
        for item in definitions
    )


def _manifests(reading: _Reading) -> list[Manifest]:
    found: list[Manifest] = []
    fact = said("models in {models}", models=reading.models)
    try:
        for position, path in enumerate(manifest_paths(reading.models)):
            if position >= MOST_MANIFESTS:
                reading.lacks(
                    fact,
                    said("more than {most_manifests} models: the rest was not read", most_manifests=MOST_MANIFESTS),
                )
                break
            try:
                found.append(read_manifest(path))
            except Unreadable as error:
                reading.lacks(said("model {name}", name=f"{path.parent.name}:{path.name}"), error)
    except OSError as error:
        reading.lacks(fact, _unread(error.filename or reading.models, error))
    return found


def _definition(reading: _Reading, manifest: Manifest) -> Definition | None:
    layer = manifest.layer("model")
    config = _config(reading, manifest)
    if layer is None:
        reading.lacks(
            said("model file of {manifest}", manifest=manifest.name),
            f"{manifest.path}: {_why_no_model(manifest, config)}",
        )
    parameters = _parameters(reading, manifest)
    num_ctx, trouble = num_ctx_of(parameters, _params_place(reading, manifest), manifest.name)
    reading.missing.extend((trouble,) if trouble else ())
    return Definition(
        name=manifest.name,
        where=str(manifest.path),
        header=None if layer is None else _header(reading, manifest, layer),
        file_bytes=_layer_bytes(manifest, layer),
        digest=None if layer is None else layer.digest,
        parent=None if layer is None else layer.parent,
        num_ctx=num_ctx,
        parameters=without_text(parameters),
        quantization=text_of(config, "file_type"),
    )


def _why_no_model(manifest: Manifest, config: dict[str, object]) -> str:
    if text_of(config, "remote_host") or text_of(config, "remote_model"):
        return said("the model runs on another host; there is no file here")
    if manifest.layer("tensor"):
        return said("the model is not a GGUF file (safetensors); its header is not read")
    return said("no model layer")


def _layer_bytes(manifest: Manifest, layer: Layer | None) -> Known[Bytes] | None:
    if layer is None or layer.size is None:
        return None
    return Known(Bytes(layer.size), said("{path}: size of the model layer", path=manifest.path), Basis.REPORTED)


def _config(reading: _Reading, manifest: Manifest) -> dict[str, object]:
    if manifest.config is None:
        return {}
    try:
        return read_object(blob_path(reading.models, manifest.config), _BLOB_CAP)
    except Unreadable as error:
        reading.lacks(said("configuration of {manifest}", manifest=manifest.name), error)
        return {}


def _params_place(reading: _Reading, manifest: Manifest) -> str:
    layer = manifest.layer("params")
    return str(manifest.path if layer is None else blob_path(reading.models, layer.digest))


def _parameters(reading: _Reading, manifest: Manifest) -> dict[str, object]:
    layer = manifest.layer("params")
    if layer is None:
        return {}
    try:
        return read_object(blob_path(reading.models, layer.digest), _BLOB_CAP)
    except Unreadable as error:
        reading.lacks(said("parameters of {manifest}", manifest=manifest.name), error)
        return {}


def _header(reading: _Reading, manifest: Manifest, layer: Layer) -> ModelHeader | None:
    if layer.digest not in reading.headers:
        reading.headers[layer.digest] = _read_header(reading, manifest, layer)
    return reading.headers[layer.digest]


def _read_header(reading: _Reading, manifest: Manifest, layer: Layer) -> ModelHeader | None:
    from truelimit.adapters.files.gguf.error import GgufError
    from truelimit.adapters.store.evidence_headers import read_kept_header

    path = blob_path(reading.models, layer.digest)
    fact = said("header of {manifest}", manifest=manifest.name)
    try:
        if not path.is_file():
            reading.lacks(fact, said("{path}: missing (is the model pulled in whole?)", path=path))
            return None
        header = read_kept_header(path)
    except GgufError as error:
        reading.lacks(fact, error)
        return None
    except OSError as error:
        reading.lacks(fact, _unread(path, error))
        return None
    # A bundle holds the header without the weights; the manifest still tells how large the file was.
    if layer.size is None:
        return header
    return replace(header, file_bytes=Bytes(layer.size), missing_bytes=Bytes(0))


def _unread(path: object, error: OSError) -> Message:
    return said("{path}: {why}", path=path, why=error.strerror or said("cannot be read"))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
