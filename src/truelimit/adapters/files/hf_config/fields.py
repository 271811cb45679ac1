"""Strict access to the keys of a config.json, and those that all architectures have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.domain.message import said
from truelimit.domain.model import MetadataValue
from truelimit.perf.tensor_table.build import TIED

_MOST = 2**31
_MOST_LAYERS = 512
_ELSE = said("name a GGUF file of the model instead")


@dataclass(frozen=True, slots=True)
class Config:
    """The part of a config.json that describes the language model, with its place for errors."""

    data: Mapping[str, Any]
    where: str

    def has(self, key: str) -> bool:
        """Tell whether a key is there and is not null."""
        return self.data.get(key) is not None

    def count(self, *keys: str, least: int = 1) -> int:
        """Return the first of ``keys`` that is there, a whole number. Raises HfConfigError where none is."""
        for key in keys:
            if self.has(key):
                return self._whole(key, self.data[key], least)
        raise HfConfigError(self.where, said("{keys} is missing", keys=keys[0]), said("a whole number"), _ELSE)

    def count_or(self, key: str, default: int, least: int = 0) -> int:
        """Return a whole number, or the default where the key is missing."""
        return self._whole(key, self.data[key], least) if self.has(key) else default

    def counts(self, key: str, length: int) -> tuple[int, ...]:
        """Return a list of ``length`` whole numbers from 0, one for each layer. Raises HfConfigError otherwise."""
        value = self.data.get(key)
        if isinstance(value, list) and len(value) >= length:
            return tuple(self._whole(key, item, 0) for item in value[:length])
        raise HfConfigError(
            self.where,
            said("{key} is no list of {length} numbers", key=key, length=length),
            said("one for each layer"),
            _ELSE,
        )

    def texts(self, key: str, length: int) -> list[str]:
        """Return a list of ``length`` words, one for each layer. Raises HfConfigError for anything else."""
        value = self.data.get(key)
        if isinstance(value, list) and len(value) >= length and all(isinstance(item, str) for item in value):
            return value[:length]
        raise HfConfigError(
            self.where,
            said("{key} is no list of {length} words", key=key, length=length),
            said("one for each layer"),
            _ELSE,
        )

    def flags(self, key: str, length: int) -> tuple[bool, ...]:
        """Return a list of ``length`` ones and zeros as yes and no. Raises HfConfigError for anything else."""
        value = self.data.get(key)
        if isinstance(value, list) and len(value) >= length and all(item in (0, 1, True, False) for item in value):
            return tuple(bool(item) for item in value[:length])
        raise HfConfigError(
            self.where,
            said("{key} is no list of {length} ones and zeros", key=key, length=length),
            said("one for each layer"),
            _ELSE,
        )

    def layers(self) -> int:
        """Return the number of layers."""
        found = self.count("num_hidden_layers") if self.has("num_hidden_layers") else len(self._blocks())
        if not 1 <= found <= _MOST_LAYERS:
            raise HfConfigError(
                self.where,
                said("num_hidden_layers is {found}", found=found),
                said("1 to {most_layers}", most_layers=_MOST_LAYERS),
                _ELSE,
            )
        return found

    def _blocks(self) -> list[Any]:
        value = self.data.get("layers_block_type")
        return value if isinstance(value, list) else []

    def _whole(self, key: str, value: object, least: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise HfConfigError(
                self.where,
                said("{key} is {value!r:.40}", key=key, value=value),
                said("a whole number from {least}", least=least),
                _ELSE,
            )
        return value


def common(config: Config) -> dict[str, MetadataValue]:
    """Return the keys that all architectures have, without the architecture's prefix.

    ``head_dim`` is given only where the file has it: without it the layout says that it was derived.
    """
    heads = config.count("num_attention_heads")
    found: dict[str, MetadataValue] = {
        "context_length": config.count("max_position_embeddings"),
        "block_count": config.layers(),
        "embedding_length": config.count("hidden_size"),
        "attention.head_count": heads,
        "attention.head_count_kv": config.count_or("num_key_value_heads", heads, 1),
        "vocab_size": config.count("vocab_size"),
    }
    if config.has("intermediate_size"):
        found["feed_forward_length"] = config.count("intermediate_size")
    if config.has("head_dim"):
        found["attention.key_length"] = found["attention.value_length"] = config.count("head_dim")
    return found | _positions(config)


def ends(config: Config, default: bool) -> dict[str, MetadataValue]:
    """Return whether embedding and output share a tensor; ``default`` is that of transformers for the architecture."""
    value = config.data.get("tie_word_embeddings")
    return {TIED: value if isinstance(value, bool) else default}


def _positions(config: Config) -> dict[str, MetadataValue]:
    """Return how positions are scaled beyond the context of the first training, and their base."""
    found: dict[str, MetadataValue] = {}
    scaling = config.data.get("rope_scaling")
    if not isinstance(scaling, Mapping):
        scaling = config.data.get("rope_parameters")
    scaling = scaling if isinstance(scaling, Mapping) else {}
    base = config.data.get("rope_theta", scaling.get("rope_theta"))
    if (rate := _finite(base)) is not None:
        found["rope.freq_base"] = rate
    kind = scaling.get("rope_type", scaling.get("type"))
    if isinstance(kind, str) and kind != "default":
        found["rope.scaling.type"] = kind[:40]
        factor, original = _finite(scaling.get("factor")), scaling.get("original_max_position_embeddings")
        if factor is not None:
            found["rope.scaling.factor"] = factor
        if isinstance(original, int) and not isinstance(original, bool) and 0 < original <= _MOST:
            found["rope.scaling.original_context_length"] = original
    return found


def _finite(value: object) -> float | None:
    """Return a finite number, or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
