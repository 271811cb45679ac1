"""What a plan refuses: settings that the engine or the machine cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.machine import PoolKind
from truelimit.domain.message import said
from truelimit.limits.need import memory_settings
from truelimit.limits.pools import os_share
from truelimit.perf.placement_flags import tensor_split_refused
from truelimit.units import to_gib

if TYPE_CHECKING:
    from truelimit.app.plan_parts import Wanted
    from truelimit.domain.facts import Stack


def check(stack: Stack, wanted: Wanted) -> None:
    """Raise ValueError for what cannot be, with the numbers."""
    _check_split(stack, wanted)
    _check_backend(stack, wanted)
    _check_prompt_cache(stack, wanted)


def _check_backend(stack: Stack, wanted: Wanted) -> None:
    """Raise ValueError for a backend that runs on none of the machine's devices."""
    known = {name for item in stack.machine.accelerators for name in item.backends}
    if wanted.backend is not None and known and wanted.backend not in {*known, "cpu"}:
        raise ValueError(
            said(
                "backend {backend} does not run on {device}; there are: {known}",
                backend=wanted.backend,
                device=stack.machine.name or stack.machine.id or "",
                known=", ".join(sorted({*known, "cpu"})),
            )
        )


def _check_split(stack: Stack, wanted: Wanted) -> None:
    """Raise ValueError where the engine would not start with a tensor split."""
    if wanted.split == "tensor" and stack.header is not None:
        refused = tensor_split_refused(stack.header.architecture, memory_settings(stack, wanted.context))
        if refused:
            raise ValueError(said("{refused}: llama.cpp would not start (use --split-mode layer)", refused=refused))


def _check_prompt_cache(stack: Stack, wanted: Wanted) -> None:
    """Raise ValueError for a prompt cache that alone is more than main memory, less what the system takes."""
    held = [pool.capacity.value for pool in stack.machine.pools if pool.kind is not PoolKind.VRAM]
    if not wanted.prompt_cache or not held:
        return
    there = max(held) - os_share(max(held))
    if wanted.prompt_cache > there:
        raise ValueError(
            said(
                "a prompt cache of {cache:,.1f} GiB (--prompt-cache, in MiB) is more than the {there:,.1f} GiB of main "
                "memory that the system leaves",
                cache=to_gib(wanted.prompt_cache),
                there=to_gib(there),
            )
        )
