"""The nouns of a plan: what is wanted, and what comes of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.estimates import Tier
    from truelimit.domain.provenance import Basis, Missing
    from truelimit.perf.energy import Energy
    from truelimit.perf.memory import MemoryNeed
    from truelimit.perf.placement import Placement
    from truelimit.perf.residency import Residency
    from truelimit.units import Bytes, Seconds, Tokens


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to plan for: the context of one request, and settings; None leaves what the model's server says.

    Where no server is known: f16, one slot, one pool for all slots, flash attention, no prompt cache (bytes).
    ``deadline`` is the longest wait for the first word, in seconds. ``split`` lays a model over several devices
    (``layer`` or ``tensor``); ``offload`` lets blocks lie in main memory where the devices are too small.
    ``backend`` is what runs on the devices; None: the first that they have.
    """

    context: Tokens
    kv_type: str | None = None
    kv_type_v: str | None = None
    slots: int | None = None
    unified: bool | None = None
    flash_attention: bool | None = None
    prompt_cache: Bytes | None = None
    deadline: Seconds | None = None
    split: str = "layer"
    offload: bool = False
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in tokens/s at a depth, with interval and basis. ``tier`` says what it rests on."""

    value: float
    low: float
    high: float
    basis: Basis
    tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that the plan was made with: types of the cache, slots, context over all of them."""

    kv_type: str
    kv_type_v: str
    slots: int
    unified: bool
    flash_attention: bool
    whole_context: int


@dataclass(frozen=True, slots=True)
class Room:
    """The memory that must hold the model, in bytes: ``pool`` less the model's ``total`` is ``headroom``.

    ``pool`` is what is left for the model itself: the accelerator's share, or all memory less what the system
    (``os_share``) and the server's prompt cache take, whichever is tighter. Over several devices it is what they hold
    of this model as it is placed: the headroom is that of the tightest. ``where`` says which.
    """

    pool: int
    headroom: int
    os_share: int
    where: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Bound:
    """What limits the context that can really be used: ``memory``, ``time``, ``native``, or ``unknown``.

    ``usable`` is that context in tokens; ``limits`` has each limit by its name, None where it is not known.
    """

    name: str
    usable: Tokens | None
    limits: tuple[tuple[str, Tokens | None], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan comes to, for comparison with another: usable context, fit, seconds to read, rate at full depth.

    ``decode_tier`` says what the rate of writing rests on: two rates compare where it is the same.
    """

    fits: bool | None
    headroom: int | None
    usable: Tokens | None
    largest_context: Tokens | None
    deadline_prompt: Tokens | None
    prefill_seconds: float | None
    decode_rate: float | None
    decode_tier: Tier | None = None


class Kind(StrEnum):
    """What has to be changed: a setting, the model's file, or the machine; the cheapest first."""

    SETTING = "setting"
    FILE = "file"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was tried: what it is, what it costs, what comes of it, and what has to be changed.

    ``own_rate`` is what the plan itself writes by the estimate that tells the change's rate (tokens/s), where its own
    rate rests on something else; None where both rest on the same.
    """

    title: str
    cost: str
    outcome: Outcome
    kind: Kind = Kind.SETTING
    own_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds until something is there, with interval and calculation."""

    seconds: float
    low: float
    high: float
    calculation: Calculation


@dataclass(frozen=True, slots=True)
class Drafts:
    """What the model's own layers for drafting would make of the rate of writing in an empty cache.

    ``layers`` are those of the header; ``source`` is where the gain was published. It is in no other number of a plan.
    """

    layers: int
    rate: Rate
    calculation: Calculation
    source: str


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Memory, fit and speed of one model at one context on one machine.

    ``total`` is weights, KV cache, state and compute buffer, in bytes. ``room`` is None where no memory is known.
    ``placement`` is None where one memory holds all. ``deadline_prompt`` is the longest prompt that is read in time.
    ``changes`` are sorted, what helps most first; those that do not help are left out. ``commands`` start an existing
    engine as planned, each with what it is for. ``decode_calculations`` are those of ``decode``, in its order.
    ``energy`` says why where it is not known, and is None where nobody asked.
    """

    model: str
    native_context: Tokens | None
    wanted: Wanted
    settings: Settings
    need: MemoryNeed
    total: int
    room: Room | None
    largest_context: Tokens | None
    decode: tuple[tuple[int, Rate | None], ...]
    prefill_rate: Rate | None
    prefill_seconds: tuple[float, float, float, Basis] | None
    calculations: tuple[Calculation, ...]
    fits: bool | None = None
    placement: Placement | None = None
    deadline_prompt: Tokens | None = None
    prefill_tier: Tier | None = None
    bound: Bound | None = None
    changes: tuple[Change, ...] = ()
    load: Wait | None = None
    restore: Wait | None = None
    energy: Energy | Missing | None = None
    residents: Residency | None = None
    commands: tuple[tuple[str, str], ...] = ()
    machine: str | None = None
    notes: tuple[str, ...] = ()
    decode_calculations: tuple[Calculation | None, ...] = ()
    machine_notes: tuple[str, ...] = ()
    drafts: Drafts | None = None

    @property
    def beyond_native(self) -> bool | None:
        """Whether the wanted context is more than the model was trained for; None where that is not known."""
        return None if self.native_context is None else self.wanted.context > self.native_context

    @property
    def outcome(self) -> Outcome:
        """What this plan comes to."""
        rate = self.decode[-1][1] if self.decode else None
        return Outcome(
            self.fits,
            self.room.headroom if self.room else None,
            self.bound.usable if self.bound else None,
            self.largest_context,
            self.deadline_prompt,
            self.prefill_seconds[0] if self.prefill_seconds else None,
            rate.value if rate else None,
            rate.tier if rate else None,
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """A model's cache beside another's: bytes a token in f16, and KV heads as the header has them."""

    name: str
    bytes_per_token: float
    kv_heads: object
