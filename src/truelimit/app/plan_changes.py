"""What one change would do: each is tried by planning anew, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from truelimit.app.plan_parts import Change, Kind, ModelPlan, Outcome, Wanted
from truelimit.domain.estimates import ESTIMATED, Tier
from truelimit.domain.facts import Stack
from truelimit.domain.machine import PoolKind
from truelimit.domain.message import said
from truelimit.perf.kv_types import kv_type
from truelimit.units import Bytes

Try = Callable[[Stack, Wanted], Outcome | None]
Estimate = Callable[[Stack, Wanted, Tier | None, Kind], float | None]
_WORTH = 1.02  # an improvement below 2 % is none
_LIMITED = {"memory", "time"}


def changes(
    stack: Stack,
    made: ModelPlan,
    quants: tuple[tuple[str, Stack], ...],
    machines: tuple[tuple[str, str, Stack], ...],
    outcome: Try,
    estimate: Estimate,
) -> tuple[Change, ...]:
    """Return the changes that help, what helps most first.

    A measured or published rate is never compared with an estimated one, nor a corrected estimate with a plain one:
    where a change leaves what the plan's own rate rests on, that rate by the estimate which tells the change's
    (``estimate``, tokens/s at full depth) stands for it.

    What makes the wanted context possible comes first, and what surely does (the usable context reaches it) before what
    only fits: there a setting stands before another file, that before another machine, and the gentler of two settings
    first. All else is sorted by how much it helps: a larger usable context where memory or time limits it, else speed.
    """
    found, by_estimate = [], cache(lambda tier, kind: estimate(stack, made.wanted, tier, kind))
    for index, (change, other, wanted) in enumerate(_candidates(stack, made, quants, machines)):
        comes = outcome(other, wanted)
        if comes is None:
            continue
        own = by_estimate(comes.decode_tier, change.kind) if _apart(made.outcome, comes) else None
        gain = _gain(made, comes, own)
        if gain >= _WORTH:
            tried = replace(change, outcome=comes, own_rate=own)
            found.append((_rank(made, comes, change.kind, index, gain), tried))
    return tuple(change for _, change in sorted(found, key=lambda pair: pair[0]))


def _apart(before: Outcome, comes: Outcome) -> bool:
    """Whether two rates of writing rest on different things; estimates that nothing corrects count as one."""
    one, other = (None if item.decode_tier is None else _rests_on(item.decode_tier) for item in (before, comes))
    return one is not None and other is not None and one != other


def _rests_on(tier: Tier) -> str:
    if tier not in ESTIMATED:
        return "measured"
    return tier.value if tier in {Tier.CORRECTED, Tier.THIS_MACHINE} else "estimated"


def _rank(made: ModelPlan, comes: Outcome, kind: Kind, index: int, gain: float) -> tuple[int, float, float]:
    if _enough(made, made.outcome):
        return 0, list(Kind).index(kind), -gain
    if not _enough(made, comes):
        return 2, -gain, index
    surely = comes.usable is None or comes.usable >= made.wanted.context
    return 0 if surely else 1, list(Kind).index(kind), index


def _enough(made: ModelPlan, comes: Outcome) -> bool:
    """Whether the wanted context can be used: memory holds it, and it is read in time."""
    in_time = comes.deadline_prompt is None or comes.deadline_prompt >= made.wanted.context
    return comes.fits is True and in_time


def _candidates(
    stack: Stack,
    made: ModelPlan,
    quants: tuple[tuple[str, Stack], ...],
    machines: tuple[tuple[str, str, Stack], ...],
) -> Iterator[tuple[Change, Stack, Wanted]]:
    for title, cost, wanted in (*_cache_changes(made), *_layout_changes(stack, made)):
        yield Change(title, cost, made.outcome), stack, wanted
    for name, other in quants:
        cost = said("another file; weights are rounded further")
        yield Change(said("weights in {name}", name=name), cost, made.outcome, Kind.FILE), other, made.wanted
    for name, cost, other in machines:
        yield Change(name, cost, made.outcome, Kind.MACHINE), other, made.wanted


def _cache_changes(made: ModelPlan) -> Iterator[tuple[str, str, Wanted]]:
    wanted, used = made.wanted, made.settings
    if not used.flash_attention:
        yield (
            said("flash attention on"),
            said("nothing, where the engine has it for this model"),
            replace(wanted, flash_attention=True),
        )
    elif not kv_type(used.kv_type).is_quantized:
        eight = replace(wanted, kv_type="q8_0", kv_type_v=None)
        yield said("cache in q8_0"), said("keys and values rounded to 8 bits: rarely noticed"), eight
        four = replace(wanted, kv_type="q4_0", kv_type_v=None)
        yield said("cache in q4_0"), said("keys and values rounded to 4 bits: can be noticed in long contexts"), four
    if used.slots > 1:
        yield said("one slot"), said("one request at a time"), replace(wanted, slots=1)
        if not used.unified:
            yield said("one pool for all slots"), said("requests share the context"), replace(wanted, unified=True)
    if made.need.prompt_cache:
        yield said("no prompt cache"), said("old conversations are read anew"), replace(wanted, prompt_cache=Bytes(0))


def _layout_changes(stack: Stack, made: ModelPlan) -> Iterator[tuple[str, str, Wanted]]:
    pools = [pool.kind for pool in stack.machine.pools]
    cards = pools.count(PoolKind.VRAM)
    if cards > 1:
        other = "layer" if made.wanted.split == "tensor" else "tensor"
        cost = said("experimental, wants a fast link") if other == "tensor" else said("one device works at a time")
        yield said("split by {other}", other=other), cost, replace(made.wanted, split=other)
    if cards and PoolKind.RAM in pools and not made.fits and not made.wanted.offload:
        yield (
            said("a part in main memory"),
            said("writing is as slow as main memory"),
            replace(made.wanted, offload=True),
        )


def _gain(made: ModelPlan, comes: Outcome, own: float | None) -> float:
    """How many times better the outcome is: in usable context where that is limited, else in speed.

    ``own`` stands for the plan's rate where that of the outcome rests on something else.
    """
    before = made.outcome
    limited = made.bound is not None and made.bound.name in _LIMITED
    if limited and before.usable is not None and comes.usable is not None:
        return comes.usable / max(1, before.usable)
    if before.fits is False and comes.fits:
        return float("inf")
    if comes.fits is False:
        return 0.0
    rate = own or before.decode_rate
    if rate and comes.decode_rate:
        return comes.decode_rate / rate
    return 0.0
