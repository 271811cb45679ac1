"""Batch: the speed of many cases, one answer each. What cannot be answered says why and never stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from truelimit.app.batch_fields import CaseError, number, one_of, shown, text, whole
from truelimit.app.batch_published import published_estimate
from truelimit.app.plan_quant import at_quantization
from truelimit.domain.estimates import Estimate, ModelShape, RateCase
from truelimit.domain.facts import Estimator
from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.model import ModelHeader
from truelimit.domain.rates import PublishedRates
from truelimit.limits.published import parameter_count
from truelimit.limits.rate_case import backend_of
from truelimit.perf.kv_types import kv_type
from truelimit.perf.quantization import default_quantization
from truelimit.perf.rates import shape_from_numbers, shape_of
from truelimit.perf.rates.bits import bits_per_weight
from truelimit.units import GB, to_gib

T = TypeVar("T")

_BACKENDS = ("cuda", "rocm", "vulkan", "metal", "cpu")
_MOST_DEVICES = 1024
_MOST_BILLIONS = 1e6
_MODEL_KEYS = {"params_b", "active_params_b", "weights_gb", "quant", "arch", "name", "id"}
_ROUNDED = 1.02  # a size in GB that is rounded up must not exceed a memory


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a case: a rate in tokens/s with its interval, or why there is none. ``id`` is the case's own."""

    id: object
    estimate: Estimate | None
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Lookups:
    """What cases are answered with; machines and models are looked up once each.

    ``machine`` and ``machine_of`` return a machine by its id and from an object; ``header`` a model by id, or None.
    They raise ValueError with the nearest names.
    """

    machine: Callable[[str], Machine]
    machine_of: Callable[[Mapping[str, Any]], Machine]
    header: Callable[[str], ModelHeader | None]
    unknown_model: Callable[[str], str]
    estimator: Estimator
    published: tuple[PublishedRates, ...] = ()
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
    header, shape = _model(case, lookups)
    asked = _case(case, machine, shape)
    _check_memory(machine, asked)
    made = published_estimate(machine, header, asked, kind, tokens, depth, lookups.published)
    if made is None:
        made = (
            lookups.estimator.prefill(asked, tokens, depth)
            if kind == "pp"
            else lookups.estimator.decode(asked, depth, tokens)
        )
    return made, None, made.notes


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


def _model(case: Mapping[str, Any], lookups: Lookups) -> tuple[ModelHeader | None, ModelShape]:
    told, kind = case.get("model"), text(case, "kv_type", "f16")
    kv_type(kind)
    if isinstance(told, str) and told.strip():
        quant = text(case, "quant", "")
        return lookups.once(("model", told, quant, kind), lambda: _by_name(told, quant, kind, lookups))
    if isinstance(told, Mapping):
        return _by_numbers(told, kind, lookups)
    raise CaseError(f"model is {shown(told)}; expected the id of a model, or an object with params_b")


def _by_name(name: str, quant: str, kind: str, lookups: Lookups) -> tuple[ModelHeader, ModelShape]:
    header = lookups.header(name)
    if header is None:
        raise CaseError(f"model {name[:80]!r} is not in the table; {lookups.unknown_model(name)}")
    asked = quant or default_quantization(header)
    sized = at_quantization(header, asked)
    return sized, replace(shape_of(sized, kv_type=kind), quantization=asked)


def _by_numbers(told: Mapping[str, Any], kind: str, lookups: Lookups) -> tuple[ModelHeader | None, ModelShape]:
    unknown = set(told) - _MODEL_KEYS
    if unknown:
        raise CaseError(f"model: unknown key {', '.join(sorted(map(str, unknown)))[:80]}; known are "
                        f"{', '.join(sorted(_MODEL_KEYS))}")  # fmt: skip
    parameters = number(told, "params_b", _MOST_BILLIONS)
    active, size = number(told, "active_params_b", _MOST_BILLIONS), number(told, "weights_gb", _MOST_BILLIONS)
    name = text(told, "arch", "") or text(told, "name", "") or text(told, "id", "")
    header = lookups.once(("arch", name), lambda: lookups.header(name)) if name else None
    if active is not None and parameters is not None and active > 1.001 * parameters:
        raise CaseError(f"model: active_params_b is {active:g}; expected at most params_b ({parameters:g})")
    header = header if header is not None and _same_size(header, parameters) else None
    quant = text(told, "quant", "Q4_K_M")
    count = parameters * GB if parameters is not None else _count(header, size, quant)
    key = ("numbers", name if header is not None else "", count, active, size, quant, kind)
    return header, lookups.once(
        key,
        lambda: shape_from_numbers(
            count,
            None if active is None else active * GB,
            None if size is None else size * GB,
            quant,
            header,
            kv_type=kind,
            name=name or "the model given",
        ),
    )


def _count(header: ModelHeader | None, size: float | None, quant: str) -> float:
    """The parameters where they are not told: of the table, else as many as fill the size at the quantisation.

    Raises CaseError where neither tells them.
    """
    count = parameter_count(header) if header is not None else None
    if count is not None:
        return count
    if size is None:
        raise CaseError("model: params_b is missing; expected billions of parameters, or weights_gb and quant")
    return size * GB * 8 / bits_per_weight(quant)


def _same_size(header: ModelHeader, parameters: float | None) -> bool:
    """Whether a header's model has the size told: names of architectures are shared by models of all sizes."""
    known = header.metadata.get("general.parameter_count")
    return parameters is None or (isinstance(known, int) and abs(known / GB - parameters) <= 0.2 * parameters)


def _case(case: Mapping[str, Any], machine: Machine, shape: ModelShape) -> RateCase:
    device = machine.accelerators[0]
    told = case.get("backend")
    backend = one_of(case, "backend", _BACKENDS) if told is not None else backend_of(device, None)
    if device.backends and backend not in {*device.backends, "cpu"}:
        raise CaseError(f"backend {backend} does not run on {device.name}; there are: {', '.join(device.backends)}")
    attention = case.get("flash_attn")
    if attention is not None and not isinstance(attention, bool):
        raise CaseError(f"flash_attn is {shown(attention)}; expected true, false or null")
    return RateCase(
        shape,
        device,
        backend,
        text(case, "engine", "llama.cpp"),
        whole(case, "n_devices", len(machine.accelerators), most=_MOST_DEVICES),
        one_of(case, "split", ("layer", "tensor")) if case.get("split") is not None else "layer",
        machine.link,
        attention,
        text(case, "kv_type", "f16"),
        whole(case, "ubatch", 512) if case.get("ubatch") is not None else None,
    )


def _check_memory(machine: Machine, asked: RateCase) -> None:
    """Raise CaseError where the weights exceed all memory: no engine would run that at any speed.

    Only cards have a size that nobody can raise; shares of unified memory are settings.
    """
    cards = [pool.capacity.value for pool in machine.pools if pool.kind is PoolKind.VRAM]
    main = sum(pool.capacity.value for pool in machine.pools if pool.kind is PoolKind.RAM)
    there = main + (sum(cards) // max(1, len(cards))) * asked.devices
    if cards and asked.shape.weights_bytes > _ROUNDED * there:
        size = to_gib(round(asked.shape.weights_bytes))
        raise CaseError(
            f"the weights take {size:.1f} GiB, more than the {to_gib(there):.1f} GiB of memory that there are"
        )
