"""The flags of llama.cpp that lay a model out as a placement says.

Source: ``docs/multi-gpu.md`` and ``common/arg.cpp`` of build b11434.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.perf.kv_types import kv_type
from truelimit.perf.placement import Mode, Placement

if TYPE_CHECKING:
    from truelimit.perf.memory import MemorySettings

# docs/multi-gpu.md: "SPLIT_MODE_TENSOR not implemented for architecture"; keys of general.architecture.
# fmt: off
_NO_TENSOR_SPLIT = frozenset({
    "grok", "mpt", "olmoe", "deepseek2", "glm-dsa", "nemotron_h", "nemotron_h_moe", "granitehybrid", "lfm2moe",
    "minimax-m2", "mistral4", "kimi-linear", "jamba", "falcon-h1", "mamba", "mamba2", "rwkv6", "rwkv7", "plamo2",
    "minicpm3", "gemma3n", "olmo2", "bitnet", "t5",
})
# fmt: on


def tensor_split_refused(architecture: str, settings: MemorySettings) -> str | None:
    """Return why llama.cpp would not start with ``--split-mode tensor``, or None where it would."""
    if not settings.flash_attention:
        return said("a tensor split needs flash attention")
    types = {settings.cache.kv_type_k, settings.cache.kv_type_v}
    if any(kv_type(name).is_quantized for name in types):
        return said("a tensor split takes no quantised cache (f16, bf16 or f32)")
    if architecture in _NO_TENSOR_SPLIT:
        return said("a tensor split is not implemented for architecture {architecture}", architecture=architecture)
    return None


def settings_flags(settings: MemorySettings) -> tuple[str, ...]:
    """Return the flags for context, slots, cache types and attention."""
    cache = settings.cache
    flags = [f"-c {cache.context}", f"-np {cache.slots}"]
    if cache.slots > 1:
        flags.append("--kv-unified" if cache.unified else "--no-kv-unified")
    flags.append("-fa on" if settings.flash_attention else "-fa off")
    if (cache.kv_type_k, cache.kv_type_v) != ("f16", "f16"):
        flags.append(f"-ctk {cache.kv_type_k} -ctv {cache.kv_type_v}")
    if cache.ubatch != 512:
        flags.append(f"-ub {cache.ubatch}")
    return (*flags, f"--cache-ram {round(settings.prompt_cache / 2**20)}")


def placement_flags(placement: Placement | None) -> tuple[str, ...]:
    """Return the flags that put blocks and experts where the placement has them; None: all on one accelerator."""
    if placement is None or placement.mode is Mode.WHOLE:
        return ("-ngl all",)
    if placement.mode is Mode.TENSOR:
        return ("-ngl all", "-sm tensor", *_shares(placement))
    if placement.mode is Mode.PARTIAL:
        on_devices = placement.blocks_on_devices
        return (f"-ngl {on_devices + 1 if on_devices else 0}", *_shares(placement))
    moved = placement.host.experts_of if placement.host else 0
    experts = (f"--n-cpu-moe {moved}",) if placement.mode is Mode.EXPERTS and moved else ()
    return ("-ngl all", *experts, *_shares(placement))


def _shares(placement: Placement) -> tuple[str, ...]:
    """Blocks of each device as proportions: llama.cpp gives item i of n to the device where i / n falls.

    The output counts as one more item, on the last device that holds blocks.
    """
    if len(placement.devices) < 2:
        return ()
    counts = [item.last - item.first for item in placement.devices]
    if placement.mode is Mode.TENSOR:
        counts = [round(100 * item.weights / max(1, sum(other.weights for other in placement.devices)))
                  for item in placement.devices]  # fmt: skip
    else:
        last = max((index for index, count in enumerate(counts) if count), default=0)
        counts[last] += 1
    return ("-ts " + ",".join(str(count) for count in counts),)
