"""Commands of existing engines that run a model as it is planned, numbers filled in. Nothing is run here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.message import said
from truelimit.limits.pools import budget
from truelimit.perf.placement_flags import placement_flags, settings_flags

if TYPE_CHECKING:
    from truelimit.app.plan_parts import ModelPlan
    from truelimit.domain.facts import Stack
    from truelimit.perf.memory import MemorySettings
    from truelimit.perf.placement import Placement

_MOST_BOXES = 8
_MODEL = "MODEL.gguf"


def commands(stack: Stack, made: ModelPlan, settings: MemorySettings) -> tuple[tuple[str, str], ...]:
    """Return what to run, each with what it is for: llama-server as placed; for several boxes RPC, vLLM on Ray, exo."""
    boxes, placement = _boxes(stack, made)
    if boxes is None:
        return ()
    if boxes == 1 and made.fits is False:
        return _what_fits(made, settings, placement)
    base = ["llama-server", "-m", _MODEL, *settings_flags(settings), *placement_flags(placement)]
    if boxes == 1:
        return ((said("llama.cpp, as planned"), " ".join(base)),)
    return (*_rpc(boxes, base), *_vllm(stack, made, boxes), *_exo(boxes))


def _what_fits(made: ModelPlan, settings: MemorySettings, placement: Placement | None) -> tuple[tuple[str, str], ...]:
    """The command for the largest context that fits, where the wanted one does not."""
    if not made.largest_context:
        return ()
    slots = 1 if settings.cache.unified else settings.cache.slots
    fitting = replace(settings, cache=replace(settings.cache, context=made.largest_context * slots))
    command = ["llama-server", "-m", _MODEL, *settings_flags(fitting), *placement_flags(placement)]
    return (
        (
            said("llama.cpp, at the {largest_context:,} tokens that fit", largest_context=made.largest_context),
            " ".join(command),
        ),
    )


def _boxes(stack: Stack, made: ModelPlan) -> tuple[int | None, Placement | None]:
    """How many of these machines hold the model, and how it lies over them; None where not even eight do."""
    if stack.machine.boxes > 1:
        return stack.machine.boxes, made.placement
    if made.fits is not False:
        return 1, made.placement
    if made.need.weights <= _memory(stack.machine):
        return 1, made.placement  # a shorter context fits: that, not another box, is the remedy
    for boxes in range(2, _MOST_BOXES + 1):
        pool = budget(replace(stack, machine=several(stack.machine, boxes)))
        placement = pool.placement(made.need) if pool else None
        if placement is not None and placement.fits:
            return boxes, placement
    return None, None


def several(machine: Machine, boxes: int) -> Machine:
    """Return so many of a machine as one, each with its memory apart; main memory beside cards is left out."""
    fast = [pool for pool in machine.pools if pool.kind is not PoolKind.RAM]
    pools = tuple(
        replace(pool, name=said("{pool}, box {box}", pool=pool.name, box=box + 1))
        for box in range(boxes)
        for pool in (fast or machine.pools)
    )
    return replace(machine, pools=pools, accelerators=machine.accelerators * boxes, boxes=boxes)


def _memory(machine: Machine) -> int:
    return sum((pool.usable or pool.capacity).value for pool in machine.pools)


def _rpc(boxes: int, base: list[str]) -> tuple[tuple[str, str], ...]:
    others = ",".join(f"BOX{box}:50052" for box in range(2, boxes + 1))
    return (
        (said("llama.cpp RPC, on each other box (never on an open network)"), "ggml-rpc-server -H 0.0.0.0 -p 50052 -c"),
        (said("llama.cpp RPC, on the first box"), " ".join([*base, "--rpc", others])),
    )


def _vllm(stack: Stack, made: ModelPlan, boxes: int) -> tuple[tuple[str, str], ...]:
    """Commands of vLLM: it wants a safetensors model, and CUDA or ROCm; boxes take layers in turn."""
    devices = stack.machine.accelerators
    if devices and not any({"cuda", "rocm"} & set(item.backends) for item in devices):
        return ()
    each = max(1, len(devices) // max(1, stack.machine.boxes))
    serve = (
        f"vllm serve MODEL --distributed-executor-backend ray --tensor-parallel-size {each} "
        f"--pipeline-parallel-size {boxes} --max-model-len {made.wanted.context} "
        f"--max-num-seqs {made.settings.slots} --gpu-memory-utilization 0.9"
    )
    return (
        (said("vLLM on Ray, on the first box"), "ray start --head --port 6379"),
        (said("vLLM on Ray, on each other box"), "ray start --address BOX1:6379"),
        (
            said("vLLM on Ray, once {boxes} boxes are there (a safetensors model in place of the GGUF)", boxes=boxes),
            serve,
        ),
    )


def _exo(boxes: int) -> tuple[tuple[str, str], ...]:
    return (
        (
            said("exo, on each of the {boxes} boxes (they find each other; it has its own model files)", boxes=boxes),
            "exo",
        ),
    )
