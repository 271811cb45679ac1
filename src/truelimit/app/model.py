"""What is known of a model beside its header: the nouns of ``truelimit model``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.app.model_entry import ModelEntry
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Known, Missing
    from truelimit.perf.layouts.nouns import CacheLayout
    from truelimit.perf.tensor_table.classes import TensorClass
    from truelimit.units import Bytes, Tokens


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """What files of weights hold: tensors, numbers in them, bytes, and bytes by type, the largest first.

    Types that pack several weights into one number (4 bits in I32) make ``numbers`` smaller than the parameters.
    """

    where: str
    tensors: int
    numbers: int
    n_bytes: Bytes
    by_type: Mapping[str, Bytes]


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that was found: its header, and what else its source tells."""

    header: ModelHeader
    entry: ModelEntry | None = None
    stored: StoredWeights | None = None
    quantization: str | None = None


@dataclass(frozen=True, slots=True)
class ModelWish:
    """What to say of a model: at which quantisation, context and cache type; None: its own, its native, f16."""

    quantization: str | None = None
    context: Tokens | None = None
    kv_type: str | None = None


@dataclass(frozen=True, slots=True)
class ClassSize:
    """The tensors of one part of a model: how many parameters, and bytes where they are known."""

    kind: TensorClass
    parameters: int
    n_bytes: Bytes | None


@dataclass(frozen=True, slots=True)
class CacheSize:
    """A cache of one type: bytes for one more token of context, and for all of a context."""

    kv_type: str
    per_token: float
    context: Tokens
    n_bytes: Bytes
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """All that is said of a model. What could not be had is in ``missing``, with the reason."""

    header: ModelHeader
    parameters: Known[int] | None
    active: Known[int] | None
    weights: Known[Bytes] | None
    quantization: str | None
    types: tuple[tuple[str, Bytes], ...]
    classes: tuple[ClassSize, ...]
    heads: tuple[int, ...]
    layers: int | None
    layout: CacheLayout | None
    caches: tuple[CacheSize, ...]
    rope: str | None
    tokenizer: str | None
    vocabulary: int | None
    chat_template: bool | None
    entry: ModelEntry | None = None
    stored: StoredWeights | None = None
    missing: tuple[Missing, ...] = ()
