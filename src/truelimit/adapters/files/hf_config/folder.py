"""A model as Hugging Face keeps it: config.json, tokenizer, and safetensors files in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.adapters.files.hf_config.read import header_of_config
from truelimit.adapters.files.safetensors import read_folder
from truelimit.app.model import FoundModel, StoredWeights
from truelimit.domain.message import said
from truelimit.domain.model import MetadataValue, ModelHeader

CONFIG = "config.json"
_LARGEST = 4 * 2**20


def read_model_folder(path: Path) -> FoundModel:
    """Return the model of a folder, or of its config.json: header, and bytes of the weights where they lie beside it.

    Raises HfConfigError and SafetensorsError.
    """
    folder = path if path.is_dir() else path.parent
    file = path / CONFIG if path.is_dir() else path
    header = header_of_config(_text(file), str(file), folder.resolve().name)
    stored = read_folder(folder)
    metadata = {**header.metadata, **_tokenizer(folder)}
    return FoundModel(with_stored(replace(header, metadata=metadata), stored), stored=stored)


def with_stored(header: ModelHeader, stored: StoredWeights | None) -> ModelHeader:
    """Return the header with the bytes of the weights that files hold; unchanged where there are none."""
    if stored is None:
        return header
    return replace(header, file_bytes=stored.n_bytes, missing_bytes=stored.missing_bytes)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as content:
            text = content.read(_LARGEST + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise HfConfigError(
            str(file), reason, said("a config.json that can be read"), said("name the model's folder")
        ) from None
    return text.decode("utf-8-sig", "replace")


def _tokenizer(folder: Path) -> dict[str, MetadataValue]:
    """Return the tokenizer's kind and whether there is a chat template, where the files beside tell it."""
    found: dict[str, MetadataValue] = {}
    try:
        told = json.loads(_text(folder / "tokenizer_config.json"))
    except (HfConfigError, ValueError, RecursionError):
        told = {}
    told = told if isinstance(told, Mapping) else {}
    kind = told.get("tokenizer_class")
    if isinstance(kind, str) and kind:
        found["tokenizer.ggml.model"] = kind[:60]
    if told.get("chat_template") or (folder / "chat_template.jinja").is_file():
        found["tokenizer.chat_template"] = said("(there is one)")
    return found
