"""Reads a header's keys as counts, refusing whatever is missing, of a wrong type or out of range.

Bounds are those of llama.cpp (``src/llama-hparams.h``: 512 layers) or far above any real model; they keep time and
numbers bounded on hostile files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import Message, said
from truelimit.domain.provenance import Basis, Known, worst
from truelimit.perf.layouts.nouns import UnknownLayoutError

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

MAX_LAYERS = 512
MAX_COUNT = 2**24
MAX_ROW = 2**22


@dataclass(frozen=True, slots=True)
class Keys:
    """A header, read strictly."""

    header: ModelHeader

    def where(self, key: str) -> Message:
        """Return the place of a key, for a term or a reason."""
        return said("{where}: {key}", where=self.header.where, key=f"{self.header.architecture}.{key}")

    def has(self, key: str) -> bool:
        """Tell whether the header holds a key."""
        return self.header.get(key) is not None

    def absent_or_zero(self, key: str) -> bool:
        """Tell whether a count is absent or 0. Raises UnknownLayoutError where it is no count."""
        return not self.has(key) or self.count(key, 0).value == 0

    def count(self, key: str, least: int = 1, most: int = MAX_COUNT) -> Known[int]:
        """Return an integer key within bounds. Raises UnknownLayoutError where it is missing or is not that."""
        value = self.header.get(key)
        if value is None:
            raise UnknownLayoutError(said("{key} is missing", key=self.where(key)))
        return Known(self._int(key, value, least, most), self.where(key), self.header.basis)

    def count_or(self, key: str, default: int, why: str, least: int = 0) -> Known[int]:
        """Return an integer key, or the engine's own default (basis SPECIFIED, with ``why``) where it is absent."""
        return self.count(key, least) if self.has(key) else Known(default, why, Basis.SPECIFIED)

    def layers(self) -> tuple[int, int]:
        """Return all layers, and those without the extra layers for drafting (``nextn_predict_layers``)."""
        every = self.count("block_count", most=MAX_LAYERS).value
        drafting = self.count("nextn_predict_layers", 0, every).value if self.has("nextn_predict_layers") else 0
        return every, every - drafting

    def per_layer(self, key: str, layers: int) -> tuple[int, ...]:
        """Return a key that holds one count or a list with one for each layer."""
        value = self.header.get(key)
        if value is None:
            raise UnknownLayoutError(said("{key} is missing", key=self.where(key)))
        if not isinstance(value, tuple):
            return (self._int(key, value, 0, MAX_COUNT),) * layers
        if len(value) != layers:
            raise UnknownLayoutError(
                said(
                    "{key} lists {value} values for {layers} layers",
                    key=self.where(key),
                    value=len(value),
                    layers=layers,
                )
            )
        return tuple(self._int(key, item, 0, MAX_COUNT) for item in value)

    def flags(self, key: str, layers: int) -> tuple[bool, ...]:
        """Return a list of yes and no (or 1 and 0) of at least ``layers`` items, cut to them."""
        value = self.header.get(key)
        if not isinstance(value, tuple):
            raise UnknownLayoutError(
                said("{key} is {value} (expected a list, one for each layer)", key=self.where(key), value=_shown(value))
            )
        if not layers <= len(value) <= MAX_LAYERS:
            raise UnknownLayoutError(
                said(
                    "{key} lists {value} values for {layers} layers",
                    key=self.where(key),
                    value=len(value),
                    layers=layers,
                )
            )
        if any(item not in {0, 1} for item in value):
            raise UnknownLayoutError(said("{key} holds other values than yes and no", key=self.where(key)))
        return tuple(bool(item) for item in value[:layers])

    def head_length(self, key: str) -> Known[int]:
        """Return ``attention.key_length`` or ``attention.value_length``.

        Where the key is absent, llama.cpp's own default: embedding length / heads of the first layer, marked DERIVED
        (``src/llama-model.cpp``, load_hparams).
        """
        name = f"attention.{key}"
        if self.has(name):
            return self.count(name, most=MAX_ROW)
        embedding, every = self.count("embedding_length"), self.layers()[0]
        heads = self.per_layer("attention.head_count", every)[0]
        if heads == 0 or embedding.value < heads:
            raise UnknownLayoutError(
                said(
                    "{name} is missing, and {heads} heads do not divide the embedding",
                    name=self.where(name),
                    heads=heads,
                )
            )
        return Known(
            embedding.value // heads,
            said(
                "{where} / {architecture}.attention.head_count, llama.cpp's default where the key is absent",
                where=self.where("embedding_length"),
                architecture=self.header.architecture,
            ),
            Basis.DERIVED,
        )

    def kv_heads(self, layers: int) -> tuple[int, ...]:
        """Return the key and value heads of each layer.

        Where ``attention.head_count_kv`` is absent llama.cpp takes ``attention.head_count``. That is accepted only
        from a full file: short answers of a server leave lists out, and then the absence says nothing.
        """
        if self.has("attention.head_count_kv"):
            return self.per_layer("attention.head_count_kv", layers)
        if not self.header.tensors:
            raise UnknownLayoutError(
                said(
                    "{where} is missing, and the source is no whole file: a short answer leaves lists out",
                    where=self.where("attention.head_count_kv"),
                )
            )
        return self.per_layer("attention.head_count", layers)

    def known(self, value: int, keys: str, *of: Known[int]) -> Known[int]:
        """Return a number counted from keys of the header, with the worst basis among ``of``."""
        return Known(value, self.where(keys), worst([self.header.basis, *(item.basis for item in of)]))

    def _int(self, key: str, value: object, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise UnknownLayoutError(
                said("{key} is {value} (expected an integer)", key=self.where(key), value=_shown(value))
            )
        if not least <= value <= most:
            raise UnknownLayoutError(
                said(
                    "{key} is {value} (expected {least} to {most})",
                    key=self.where(key),
                    value=_shown(value),
                    least=least,
                    most=most,
                )
            )
        return value


def _shown(value: object) -> str:
    """Return a value as a short text: lists and long numbers by their size only."""
    if isinstance(value, tuple):
        return said("a list of {value}", value=len(value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**64:
        return said("a number beyond 64 bits")
    return repr(value)[:40]
