"""How fast something would be, as an estimate: a value with its interval, basis, tier and terms."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.machine import Accelerator, Link
    from truelimit.domain.provenance import Basis
    from truelimit.units import Tokens

# A dense model does not use the rows of its input embedding (7 % of an 8B); a mixture uses at most half of its weights.
DENSE = 0.75


class Tier(StrEnum):
    """What an estimate of speed rests on, the most trusted first."""

    THIS_STACK = "measured on this machine with this model"
    THIS_MACHINE = "measured on this machine with another model"
    PUBLISHED = "published for this chip and this model"
    CORRECTED = "fitted to the chip's family, corrected by a published series"
    FAMILY = "fitted to the chip's family"
    PHYSICS = "physics alone"


ESTIMATED = frozenset({Tier.THIS_MACHINE, Tier.CORRECTED, Tier.FAMILY, Tier.PHYSICS})
"""Tiers of what is reckoned; those of the rest were measured with this very model, here or elsewhere."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What speed depends on in a model.

    ``weights_bytes`` is all that is stored, ``read_bytes`` what one decode step of one request reads of it (active
    experts, without the unused rows of the input embedding). ``layers`` counts blocks, ``attention_layers`` those that
    attend to the whole context. ``attention_width`` is the sum over those layers of heads * (key + value length): the
    products that one more token of context costs a prompt token. ``kv_bytes_per_token`` is the cache that decode reads
    for each token before it, in the KV type asked. ``window_bytes`` is what windowed layers and states add at most,
    reached at ``window_tokens``. ``layer_parameters`` are those that a token uses inside the layers: a prompt's tokens
    but the last need no output. ``state_layers`` carry a state instead of a cache. ``operations_a_byte`` is what
    attention computes for each byte of cache, told where this is a share of a model; else it follows from the rest.
    None: not known.
    """

    name: str
    architecture: str | None
    parameters: float
    active_parameters: float
    weights_bytes: float
    read_bytes: float
    quantization: str
    layers: int | None = None
    attention_layers: int | None = None
    attention_width: float | None = None
    kv_bytes_per_token: float | None = None
    window_bytes: float = 0.0
    experts: int | None = None
    experts_used: int | None = None
    layer_parameters: float | None = None
    window_tokens: int | None = None
    state_layers: int = 0
    operations_a_byte: float | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether a token uses only a part of the weights (mixture of experts)."""
        return self.active_parameters < DENSE * self.parameters


@dataclass(frozen=True, slots=True)
class RateCase:
    """All that the speed of one request depends on. ``flash_attention`` None: as the engine decides.

    ``devices`` of one kind hold the model, split by ``split`` (``layer``: one after the other, ``tensor``: together).
    ``ubatch`` is the physical batch of a prompt (None: the engine's default).
    """

    shape: ModelShape
    device: Accelerator
    backend: str
    engine: str = "llama.cpp"
    devices: int = 1
    split: str = "layer"
    link: Link | None = None
    flash_attention: bool | None = None
    kv_type: str = "f16"
    ubatch: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with an interval of 90 %, its basis, tier and calculation. The unit is the calculation's."""

    value: float
    low: float
    high: float
    basis: Basis
    tier: Tier
    calculation: Calculation
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DepthRate:
    """An estimate at a depth."""

    depth: Tokens
    estimate: Estimate
