"""Rates at many contexts at once over several memories: what ``rates_estimated`` and ``rates_at`` say of each.

How much lies where moves with the context, so each context has costs of its own. They are sums over the memories that
work in turn, and of each memory straight lines in what it holds: one case tells the factors, arrays do the rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from truelimit.domain.estimates import DENSE, ModelShape, RateCase
from truelimit.domain.frozen import dataclass
from truelimit.limits.host_link import copy_rate
from truelimit.limits.paces import DEEP
from truelimit.limits.rate_case import backend_of
from truelimit.limits.rates_estimated import _AT_ONCE, _FAR, _FARTHER, _host
from truelimit.perf.prefill import NEXT_TO_NONE
from truelimit.perf.rates.costs import effect, held_factor
from truelimit.perf.rates.decode_parts import decode_costs, layer_count
from truelimit.perf.rates.device import bandwidth
from truelimit.perf.rates.interval import noise_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine
    from truelimit.limits.paces import Reading, Writing
    from truelimit.perf.placement_many import ManyPlaced
    from truelimit.perf.rates.costs import Calibration, CostModel, Costs, Weighted

Array = Any  # of numpy: one number a context
_DEPTHS = (0, DEEP, *_FARTHER)  # where the width of an interval is known


@dataclass(frozen=True, slots=True)
class ManyRates:
    """One value a context: a rate or seconds, its relative half-width, and the upper end of a rate's interval."""

    value: Array
    width: Array
    high: Array


@dataclass(frozen=True, slots=True)
class _Shares:
    """What one memory holds of a model, a share a context: layers as a count; ``rows`` are the contexts it works at."""

    case: RateCase
    read: Array
    kept: Array
    layers: Array
    rows: Array


def writing_many(
    stack: Stack, whole: RateCase, calibration: Calibration, told: Writing, placed: ManyPlaced, contexts: Array
) -> ManyRates:
    """Return the rate of writing at full depth of each context, in tokens/s.

    ``told`` is the pace at one of the contexts: it says from which depth on windows are full.
    """
    count = len(contexts)
    costs, widths = np.zeros((3, count)), np.zeros((len(_DEPTHS), count))
    least = np.zeros((3, count))
    for share in _shares(stack, whole, placed):
        for rows, case in _alike(share):
            some = replace(share, case=case, read=share.read[rows], kept=share.kept[rows], layers=share.layers[rows])
            more, wide, bound = _costs(calibration.decode, some)
            costs[:, rows] += more
            widths[:, rows] = np.maximum(widths[:, rows], wide)
            least[:, rows] += bound
    fill = np.minimum(1.0, contexts / max(1, told.fit.window_tokens))
    if not told.fit.window:
        least[2] = 0.0
    rates, most = (1 / (of[0] + of[1] * contexts + of[2] * fill) for of in (costs, least))
    rates, half = np.minimum(rates, most), _interpolated(widths, contexts)
    return ManyRates(rates, half, np.maximum(rates, np.minimum(rates * (1 + half), most)))


def reading_many(machine: Machine, told: Reading, placed: ManyPlaced, at: int, contexts: Array) -> ManyRates:
    """Return the seconds to read each context into an empty cache; ``told`` is the pace at row ``at``.

    The accelerators compute the whole prompt, and what lies in main memory is copied to them for each batch.
    """
    fit, stored = told.fit, placed.weights[:, -1]
    copied = (stored - stored[at]) / copy_rate(machine)
    a, paid = fit.a + copied / fit.batch, fit.batch_seconds + copied
    rest = paid * (-(-contexts // fit.batch) - contexts / fit.batch)
    rest = np.where((rest > NEXT_TO_NONE * a * contexts) & (paid > 0), rest, 0.0)
    seconds = a * contexts + fit.b * contexts**2 / 2 + rest
    widths = told.widths
    if widths is None:
        raise ValueError("a pace of reading that is no estimate has no widths to share")
    known = np.array([widths.short, widths.deep, *(half for _, half in widths.farther)])
    half = _interpolated(np.repeat(known[:, None], len(contexts), axis=1), contexts / 2)
    return ManyRates(seconds, half, seconds * (1 + half))


def _shares(stack: Stack, whole: RateCase, placed: ManyPlaced) -> Iterator[_Shares]:
    """What each memory holds at each context: the devices, then main memory."""
    devices = stack.machine.accelerators
    layers = float(placed.blocks[0].sum() + placed.first[0])
    blocks = max(1.0, layers)
    stored, caches = placed.weights.astype(float), placed.kv_cache.astype(float)
    read, kept = _read(whole.shape, placed, stored), _of_all(caches)
    for index in range(placed.blocks.shape[1]):
        device = devices[min(index, len(devices) - 1)]
        backend = backend_of(device, stack.backend if device.id == whole.device.id else None)
        case = replace(whole, device=device, backend=backend, devices=1)
        held = placed.blocks[:, index] / blocks
        yield _Shares(case, read[:, index], kept[:, index], _counted(whole, held, layers), placed.blocks[:, index] > 0)
    if not placed.on_host.any():
        return
    case = replace(whole, device=_host(stack), backend="cpu", devices=1)
    moved: Array = np.where(placed.moved > 0, placed.moved, placed.first)
    held = moved / blocks
    yield _Shares(case, read[:, -1], kept[:, -1], _counted(whole, held, layers), placed.weights[:, -1] > 0)


def _counted(whole: RateCase, held: Array, layers: float) -> Array:
    return np.rint((whole.shape.layers or layers) * held)


def _of_all(held: Array) -> Array:
    whole = held.sum(axis=1, keepdims=True)
    return np.divide(held, whole, out=np.zeros_like(held), where=whole > 0)


def _read(shape: ModelShape, placed: ManyPlaced, stored: Array) -> Array:
    """The share of what a token reads that lies in each memory; experts that moved are read as far as they are used."""
    plain = stored / np.maximum(1, stored.sum(axis=1, keepdims=True))
    used = (shape.experts_used or 1) / (shape.experts or 1)
    moved = stored[:, -1:] * used / max(1.0, shape.read_bytes)
    on_devices = stored[:, :-1]
    rest = np.maximum(0.0, 1 - moved) * on_devices / np.maximum(1, on_devices.sum(axis=1, keepdims=True))
    experts = np.concatenate([rest, np.minimum(1.0, moved)], axis=1)
    return np.where((placed.moved > 0)[:, None], experts, plain)


def _alike(share: _Shares) -> Iterator[tuple[Array, RateCase]]:
    """Contexts whose cases have the same effects: which, and one of them as a case.

    Effects depend on whether a case counts as sparse and, where layers have a state, on the count of layers.
    """
    shape = share.case.shape
    sparse = shape.active_parameters * share.read < DENSE * shape.parameters
    key = sparse.astype(np.int64) + 2 * (share.layers.astype(np.int64) if shape.state_layers else 0)
    for value in np.unique(key[share.rows]):
        rows = np.flatnonzero((key == value) & share.rows)
        one = rows[0]
        own = replace(
            shape,
            active_parameters=shape.active_parameters * share.read[one],
            layers=int(share.layers[one]),
        )
        yield rows, replace(share.case, shape=own)


def _costs(model: CostModel, share: _Shares) -> tuple[Array, Array, Array]:
    """The costs c, d and full windows of one memory, its half-widths at the known depths, and its least costs.

    Seconds, each a row. As in ``rates_estimated``: c is all but the cache, and windows are full at ``_FAR``.
    """
    shape, told = share.case.shape, decode_costs(share.case, 1.0)
    factors = {part.name: held_factor(model, told, part) for part in told.parts}
    speed = bandwidth(share.case.device).value
    weights, cache = share.read * shape.read_bytes / speed, share.kept / speed
    token, window = cache * (shape.kv_bytes_per_token or 0.0), cache * shape.window_bytes
    each = next(part.seconds for part in told.parts if part.name == "layers") / layer_count(shape)
    started = each * np.where(share.layers > 0, share.layers, layer_count(replace(shape, layers=None)))
    parts = {"weights": weights * factors["weights"], "layers": started * factors["layers"]}
    base, told_cache = parts["weights"] + parts["layers"], factors.get("cache", 0.0)
    full_at = shape.window_tokens or 1
    at_once = (shape.window_tokens or 0) <= _AT_ONCE
    full = window * min(1.0, _FAR / full_at)
    costs = np.array([base + at_once * full * told_cache, token * told_cache, (not at_once) * full * told_cache])
    widths = []
    for depth in _DEPTHS:
        read = token * (depth + 0.5) + window * min(1.0, (depth + 0.5) / full_at)
        widths.append(_width(model, share.case, told, parts | {"cache": read * told_cache}, depth))
    return costs, np.array(widths), np.array([weights, token, window])


def _width(model: CostModel, case: RateCase, told: Costs, seconds: dict[str, Array], depth: int) -> Array:
    """The relative half-width at a depth: ``costs.spread``, with a share of each part for each context."""
    whole = sum(seconds.values())
    variance = _variance(model, told.overall) + sum(
        model.noise.get(kind, 0.0) ** 2 for kind in noise_kinds(model, case, depth)
    )
    for part in told.parts:
        variance = variance + (seconds[part.name] / whole) ** 2 * _variance(model, part.effects)
    return np.exp(model.quantile * np.sqrt(variance)) - 1


def _variance(model: CostModel, effects: Iterable[Weighted]) -> float:
    slopes: dict[str, float] = {}
    for name, weight in effects:
        slopes[name] = slopes.get(name, 0.0) + weight
    return sum((slope * effect(model, name).spread) ** 2 for name, slope in slopes.items())


def _interpolated(widths: Array, depths: Array) -> Array:
    """The half-width at each depth: a step at ``DEEP``, then lines between the depths that are known."""
    short, *deeper = widths
    at = _DEPTHS[1:]
    found = deeper[-1]
    for low, high, first, last in reversed(list(zip(at, at[1:], deeper, deeper[1:], strict=False))):
        found = np.where(depths < high, first + (last - first) * (depths - low) / (high - low), found)
    return np.where(depths < DEEP, short, found)
