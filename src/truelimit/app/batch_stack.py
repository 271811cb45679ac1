"""The stack of a batch's case, as the plan would make it: the same question is asked of the same engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from truelimit.app.batch_fields import CaseError, engine_of, one_of, shown, text, whole
from truelimit.app.plan import needed, room_for, with_wanted
from truelimit.app.plan_machine import with_devices
from truelimit.app.plan_parts import Wanted
from truelimit.app.plan_quant import at_quantization
from truelimit.domain.estimates import RateCase
from truelimit.domain.facts import Stack
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Definition, Engine, Server, ServerKind, ServerSettings
from truelimit.limits.need import memory_settings
from truelimit.limits.rate_case import backend_of, rate_case
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.rates.classes import LLAMA_CPP, engine_class
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.batch import Lookups
    from truelimit.app.batch_model import AskedModel
    from truelimit.domain.machine import Machine
    from truelimit.domain.model import ModelHeader
    from truelimit.perf.placement import Placement

_BACKENDS = ("cuda", "rocm", "vulkan", "metal", "cpu")
_MOST_DEVICES = 1024
_WHERE, _BASIS = "the case", Basis.SPECIFIED


@dataclass(frozen=True, slots=True)
class Asked:
    """A case as the engine of the plan is asked: the stack, how it is placed, and what its numbers make of it."""

    stack: Stack
    placed: Placement | None
    case: RateCase


def asked_of(case: Mapping[str, Any], machine: Machine, model: AskedModel, context: int, lookups: Lookups) -> Asked:
    """Return what a case asks, for a context of so many tokens. Raises CaseError, and ValueError as a plan does."""
    engine, devices = engine_of(case, LLAMA_CPP), len(machine.accelerators)
    count = whole(case, "n_devices", devices, most=_MOST_DEVICES)
    box = lookups.joined(machine, count) or _with_devices(machine, count)
    wanted = _wanted(case, box, context)
    key = ("sized", model.name, model.quantization, model.files.get(model.quantization))
    header = lookups.once(key, lambda: _header(model)) if model.header is not None else None
    stack = _stack(case, box, model, header, lookups if engine_class(engine) == LLAMA_CPP else None)
    stack = replace(stack, estimator=lookups.estimator)
    if model.header is None:
        planned, placed = with_wanted(stack, wanted), None
    else:
        planned, placed = _placed(stack, wanted)
    return Asked(planned, placed, _rate_case(case, planned, model, engine, count))


def _with_devices(machine: Machine, count: int) -> Machine:
    """The machine with so many devices; one without memory of its own to count stays as it is."""
    try:
        return with_devices(machine, count)
    except ValueError:
        return machine


def _wanted(case: Mapping[str, Any], machine: Machine, context: int) -> Wanted:
    device = machine.accelerators[0]
    backend = one_of(case, "backend", _BACKENDS) if case.get("backend") is not None else None
    if backend is not None and device.backends and backend not in {*device.backends, "cpu"}:
        raise CaseError(
            said(
                "backend {backend} does not run on {device}; there are: {known}",
                backend=backend,
                device=device.name,
                known=", ".join(device.backends),
            )
        )
    attention = case.get("flash_attn")
    if attention is not None and not isinstance(attention, bool):
        raise CaseError(said("flash_attn is {told}; expected true, false or null", told=shown(attention)))
    return Wanted(
        Tokens(context),
        kv_type=text(case, "kv_type", "f16"),
        flash_attention=attention,
        split=one_of(case, "split", ("layer", "tensor")) if case.get("split") is not None else "layer",
        backend=backend,
    )


def _stack(
    case: Mapping[str, Any], machine: Machine, model: AskedModel, header: ModelHeader | None, known: Lookups | None
) -> Stack:
    """The stack with what was measured and published; without (``known`` None) on an engine that none of it is of."""
    ubatch = Known(whole(case, "ubatch", 512), _WHERE, _BASIS) if case.get("ubatch") is not None else None
    settings = ServerSettings(parallel=Known(1, _WHERE, _BASIS), ubatch=ubatch)
    server = Server(ServerKind.LLAMA_SERVER, _WHERE, engine=Engine.LLAMA_SERVER, settings=settings)
    definition = Definition(model.name, _WHERE, quantization=model.quantization, header=header)
    published, measurements = (known.published, known.measurements) if known else ((), ())
    return Stack(
        model.name, None, None, server, definition, header, machine, published=published, measurements=measurements
    )


def _header(model: AskedModel) -> ModelHeader | None:
    """The header at the quantisation; of a model told by numbers, at the size told, where its layout is known."""
    if model.header is None:
        return None
    try:
        return at_quantization(model.header, model.quantization, model.files)
    except UnknownLayoutError:
        if model.shape is None:
            raise
        return replace(model.header, tensors=(), file_bytes=Bytes(round(model.shape.weights_bytes)))


def _placed(stack: Stack, wanted: Wanted) -> tuple[Stack, Placement | None]:
    try:
        planned, need = needed(stack, wanted)
    except UnknownLayoutError:
        return with_wanted(stack, wanted), None
    pool = room_for(planned, wanted, need)[1]
    return planned, pool.placement(need) if pool is not None else None


def _rate_case(case: Mapping[str, Any], planned: Stack, model: AskedModel, engine: str, count: int) -> RateCase:
    """The case of the stack, with the numbers that are told of the model, and an engine of another name."""
    device = planned.machine.accelerators[0]
    told = RateCase(model.shape, device, backend_of(device, planned.backend)) if model.shape is not None else None
    asked = told or rate_case(planned)
    if asked is None:
        raise CaseError(said("model {name}: its shape is not known", name=model.name[:80]))
    flash = case.get("flash_attn") if "flash_attn" in case else memory_settings(planned, 1).flash_attention
    ubatch = whole(case, "ubatch", 512) if case.get("ubatch") is not None else None
    return replace(
        asked,
        engine=engine,
        devices=count,
        split=planned.split,
        link=planned.machine.link,
        flash_attention=flash,
        kv_type=text(case, "kv_type", "f16"),
        ubatch=ubatch,
    )
