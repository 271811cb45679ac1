"""Batch: the speed of many cases, one answer each. What cannot be answered says why and never stops the rest.

A case is made a stack as the plan makes one, and asked of the plan's engine: the same question, the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from truelimit.app.batch_fields import CaseError, one_of, shown, unused_keys, whole
from truelimit.app.batch_model import model_of
from truelimit.app.batch_stack import Asked, asked_of
from truelimit.domain.estimates import Estimate, RateCase
from truelimit.domain.frozen import dataclass
from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.message import said
from truelimit.limits.rates import reading, writing
from truelimit.limits.rates_at import read, written
from truelimit.limits.served import native_context
from truelimit.units import Bytes, to_gib

if TYPE_CHECKING:
    from truelimit.domain.facts import Estimator
    from truelimit.domain.measurements import Measurement
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.rates import PublishedRates

T = TypeVar("T")

_ROUNDED = 1.02  # a size in GB that is rounded up must not exceed a memory


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a case: a rate in tokens/s with its interval, or why there is none. ``id`` is the case's own."""

    id: object
    estimate: Estimate | None
    error: str | None = None
    notes: tuple[str, ...] = ()


def _no_files(_name: str) -> Mapping[str, Bytes]:
    return {}


def _none_joined(_machine: Machine, _count: int) -> Machine | None:
    return None


@dataclass(slots=True)
class Lookups:
    """What cases are answered with; machines and models are looked up once each.

    ``machine`` and ``machine_of`` return a machine by its id and from an object; ``header`` a model by id, or None,
    ``files`` the lengths of its published files by quantisation. They raise ValueError with the nearest names.
    ``joined`` is the machine of so many boxes with what joins them, where one is known. ``published`` and
    ``measurements`` are what a plan goes by, too.
    """

    machine: Callable[[str], Machine]
    machine_of: Callable[[Mapping[str, Any]], Machine]
    header: Callable[[str], ModelHeader | None]
    unknown_model: Callable[[str], str]
    estimator: Estimator
    published: tuple[PublishedRates, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    files: Callable[[str], Mapping[str, Bytes]] = _no_files
    joined: Callable[[Machine, int], Machine | None] = _none_joined
    _kept: dict[object, object] = field(default_factory=dict)

    def once(self, key: object, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, made once for a key; at most 4,096 are kept."""
        if key not in self._kept:
            if len(self._kept) >= 4096:
                self._kept.clear()
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]


def answer(case: object, lookups: Lookups) -> Answer:
    """Return the answer to one case as it was read from JSON. Never raises."""
    name = case.get("id") if isinstance(case, Mapping) else None
    try:
        if not isinstance(case, Mapping):
            raise CaseError(f"the case is {case!r:.60}; expected an object")
        return Answer(name, *_rate(case, lookups))
    except (ValueError, ArithmeticError, KeyError) as error:
        return Answer(name, None, str(error) or type(error).__name__)


def _rate(case: Mapping[str, Any], lookups: Lookups) -> tuple[Estimate, None, tuple[str, ...]]:
    kind = one_of(case, "kind", ("pp", "tg"))
    tokens = whole(case, "n_tokens", 512 if kind == "pp" else 128)
    depth = whole(case, "depth", 0, least=0)
    machine = _machine(case, lookups)
    asked = asked_of(case, machine, model_of(case, lookups), depth + tokens, lookups)
    _check_memory(machine, asked.case)
    made = _read(asked, tokens, depth) if kind == "pp" else _written(asked, tokens, depth)
    return made, None, (*made.notes, *_beyond(asked, depth + tokens), *unused_keys(case))


def _beyond(asked: Asked, context: int) -> tuple[str, ...]:
    """Whether a case asks for more than its model was trained for."""
    native = native_context(asked.stack)
    if native is None or context <= native.value:
        return ()
    return (
        said(
            "{context:,} tokens are beyond what the model was trained for ({native:,}): it needs rope scaling",
            context=context,
            native=native.value,
        ),
    )


def _read(asked: Asked, tokens: int, depth: int) -> Estimate:
    found = reading(asked.stack, asked.placed, asked.case)
    if found is None:
        raise _unknown(asked)
    return read(found, tokens, depth)


def _written(asked: Asked, tokens: int, depth: int) -> Estimate:
    found = writing(asked.stack, asked.placed, asked.case)
    if found is None:
        raise _unknown(asked)
    return written(found, depth, tokens)


def _unknown(asked: Asked) -> CaseError:
    name = asked.case.device.name
    return CaseError(said("{name}: its memory bandwidth is not known, so no rate can be told", name=name))


def _machine(case: Mapping[str, Any], lookups: Lookups) -> Machine:
    told = case.get("machine")
    if isinstance(told, str) and told.strip():
        found = lookups.once(("machine", told), lambda: lookups.machine(told))
    elif isinstance(told, Mapping):
        found = lookups.machine_of(told)
    else:
        raise CaseError(f"machine is {shown(told)}; expected the id of a machine, or an object with its keys")
    if not found.accelerators:
        raise CaseError(f"machine {found.name or shown(told)} has no device whose speed is known")
    return found


def _check_memory(machine: Machine, asked: RateCase) -> None:
    """Raise CaseError where the weights exceed all memory: no engine would run that at any speed.

    What is there counts whole: the share of unified memory that the GPU may take is a setting.
    """
    cards = [pool.capacity.value for pool in machine.pools if pool.kind in {PoolKind.VRAM, PoolKind.UNIFIED}]
    main = sum(pool.capacity.value for pool in machine.pools if pool.kind is PoolKind.RAM)
    there = main + (sum(cards) // max(1, len(cards))) * max(asked.devices, machine.boxes)
    if cards and asked.shape.weights_bytes > _ROUNDED * there:
        size = to_gib(round(asked.shape.weights_bytes))
        raise CaseError(
            f"the weights take {size:.1f} GiB, more than the {to_gib(there):.1f} GiB of memory that there are"
        )
