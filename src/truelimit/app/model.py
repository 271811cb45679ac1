"""What is known of a model beside its header: the nouns of ``truelimit model``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.app.model_entry import ModelEntry
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Known, Missing
    from truelimit.perf.layouts.nouns import CacheLayout
    from truelimit.perf.tensor_table.classes import TensorClass
    from truelimit.units import Tokens


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """What files of weights hold: tensors, numbers in them, bytes, and bytes by type, the largest first.

    Types that pack several weights into one number (4 bits in I32) make ``numbers`` smaller than the parameters.
    ``missing_bytes`` are those that the files' headers name beyond the files' ends. ``is_stated``: an index states the
    bytes, and the files themselves were not read.
    """

    where: str
    tensors: int
    numbers: int
    n_bytes: Bytes
    by_type: Mapping[str, Bytes]
    missing_bytes: Bytes = Bytes(0)
    is_stated: bool = False


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that was found: its header, and what else its source tells; ``notes``: what its name was taken for."""

    header: ModelHeader
    entry: ModelEntry | None = None
    stored: StoredWeights | None = None
    quantization: str | None = None
    notes: tuple[str, ...] = ()


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
    """All that is said of a model. What could not be had is in ``missing``, with the reason.

    ``notes`` are to be read first: what the name was taken for, what the files lack.
    """

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
    notes: tuple[str, ...] = ()
