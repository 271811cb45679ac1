"""One question, one number: plan, batch, sweep, advise, verdict and audit ask one engine how fast a stack is."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.advice.profile import Job
from truelimit.app.advise_jobs import performance
from truelimit.app.batch import Lookups, answer
from truelimit.app.plan import ModelPlan, bare_stack, plan
from truelimit.app.plan_parts import Wanted
from truelimit.app.plan_quant import with_quantization
from truelimit.app.replay_stacks import Terms, at_context
from truelimit.app.replay_walls import Walls
from truelimit.app.sweep import Axes, sweep
from truelimit.claims import readings
from truelimit.claims.estimate import estimator
from truelimit.claims.parse import parse
from truelimit.domain.claims import Quantity
from truelimit.domain.estimates import Tier
from truelimit.domain.facts import Stack
from truelimit.domain.measurements import MeasuredModel, MeasuredServer, Measurement
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.measured import machine_mark
from truelimit.limits.rates_estimated import Calibrated
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import published_rates
from truelimit.tables.machines import machine, machine_from_mapping
from truelimit.tables.models import model, model_entry, unknown_model
from truelimit.tables.shelf import Shelf
from truelimit.units import Seconds, Tokens

MODELS = ("qwen3-coder-30b-a3b", "gpt-oss-120b", "llama-3.1-8b", "gemma-3-27b", "qwen2.5-7b", "llama-3.3-70b")
MACHINES = (
    "mac-studio-m2-ultra-192", "mac-studio-m3-ultra-96", "dgx-spark", "rtx-4090", "desktop-ddr5-64", "mi300x",
)  # fmt: skip
QUANTS = ("Q4_K_M", "Q8_0", "Q6_K")
CONTEXTS = (2048, 4096, 32_768, 131_072)


@cache
def tables() -> dict[str, Any]:
    return {"published": published_rates(), "estimator": Calibrated(calibration())}


def kept(name: str, box: str, quant: str) -> tuple[Measurement, ...]:
    """A benchmark of the model on the machine, slower than any estimate, so that nobody can miss it."""
    entry, where, basis, deep = model_entry(name), "http://127.0.0.1:8080", Basis.MEASURED, Tokens(16_384)
    assert entry is not None
    header = entry.header
    count = header.metadata.get("general.parameter_count")
    measured = MeasuredModel(name, header.architecture, float(count) if isinstance(count, int) else None, None, quant)
    return (
        Measurement(
            "m1", "2026-11-20T10:00:00+00:00", where, "truelimit bench", measured, machine_mark(machine(box)),
            MeasuredServer("llama-server"), (),
            PrefillFit(0.05, 1e-6, 0.02, deep, 6, where, basis), DecodeFit(2.0, 1e-5, 0.02, deep, 6, where, basis),
        ),
    )  # fmt: skip


def stack(name: str, box: str, quant: str, measurements: tuple[Measurement, ...] = ()) -> Stack:
    """The stack as the plan's command makes it."""
    entry = model_entry(name)
    assert entry is not None
    made = bare_stack(entry.header, machine(box), tables()["published"])
    made = replace(made, estimator=tables()["estimator"], measurements=measurements)
    return with_quantization(made, quant, entry.files_bytes)


def lookups(measurements: tuple[Measurement, ...] = ()) -> Lookups:
    def files(name: str) -> Any:
        entry = model_entry(name)
        return entry.files_bytes if entry else {}

    known = tables()
    return Lookups(
        machine, machine_from_mapping, model, unknown_model, known["estimator"], known["published"], measurements, files
    )


def batch(kept: tuple[Measurement, ...], **case: Any) -> Any:
    found = answer(case, lookups(kept))
    assert found.error is None
    return found.estimate


def planned(own: Stack, context: int) -> ModelPlan:
    return plan(own, Wanted(Tokens(context)))


@given(
    name=st.sampled_from(MODELS),
    box=st.sampled_from(MACHINES),
    quant=st.sampled_from(QUANTS),
    context=st.sampled_from(CONTEXTS),
    measured=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_every_command_gives_the_number_of_the_plan(
    name: str, box: str, quant: str, context: int, measured: bool
) -> None:
    own = kept(name, box, quant) if measured else ()
    there = stack(name, box, quant, own)
    try:
        made = planned(there, context)
    except ValueError:
        return
    read, rate = made.prefill_seconds, made.decode[-1][1]
    if read is None or rate is None:
        return
    _batch_agrees(name, box, quant, context, own, made)
    (series,) = sweep(there, Wanted(Tokens(context)), Axes((context,)))
    assert series.seconds is not None
    assert series.decode is not None
    assert series.seconds[0] == pytest.approx(read[0])
    assert series.decode[0] == pytest.approx(rate.value)
    job = performance(there, there.machine, Job(name, Tokens(context), quant), Seconds(300.0))
    if job.decode is not None and job.prefill is not None:
        assert (job.decode.value, job.prefill.value) == (rate.value, read[0])
        assert (job.decode.low, job.decode.high, job.decode.tier) == (rate.low, rate.high, rate.tier)
    _replay_agrees(there, context, made)


def _batch_agrees(name: str, box: str, quant: str, context: int, own: tuple[Measurement, ...], made: ModelPlan) -> None:
    try:
        asked: dict[str, Any] = {"machine": box, "model": name, "quant": quant}
        read = batch(own, **asked, kind="pp", n_tokens=context)
        wrote = batch(own, **asked, kind="tg", n_tokens=1, depth=context)
    except AssertionError:
        assert made.fits is not True, "what fits is answered"
        return
    if made.placement is not None and made.placement.host is not None:
        return  # one token more may move a block, so that is another question
    seconds, rate = made.prefill_seconds, made.decode[-1][1]
    assert seconds is not None
    assert rate is not None
    assert context / read.value == pytest.approx(seconds[0])
    assert (context / read.high, context / read.low) == pytest.approx((seconds[1], seconds[2]))
    assert (read.basis, read.tier) == (seconds[3], made.prefill_tier)
    assert (wrote.value, wrote.low, wrote.high) == pytest.approx((rate.value, rate.low, rate.high))
    assert (wrote.basis, wrote.tier) == (rate.basis, rate.tier)


def _replay_agrees(there: Stack, context: int, made: ModelPlan) -> None:
    """The costs that a replay of recorded work is reckoned with."""
    built = at_context(there, "there", context, Terms(context, Walls(), cuts=False, keep_alive=math.inf))
    assert built.stack is not None
    costs, seconds, rate = built.stack, made.prefill_seconds, made.decode[-1][1]
    assert seconds is not None
    assert rate is not None
    assert costs.prefill_a * context + costs.prefill_b * context**2 / 2 == pytest.approx(seconds[0], rel=2e-3)
    told = 1 / (costs.decode_c + costs.decode_d * context)
    assert told >= rate.value * (1 - 1e-9), "the plan's rate is no more: physics may hold it down"
    assert told == pytest.approx(rate.value, rel=0.02)


@pytest.mark.parametrize("box", ["mac-studio-m2-ultra-192", "dgx-spark", "rtx-4090"])
@pytest.mark.parametrize("name", ["qwen3-coder-30b-a3b", "llama-3.1-8b", "qwen2.5-7b"])
@pytest.mark.parametrize("context", [512, 32_768])
def test_the_audit_estimates_what_the_plan_says(name: str, box: str, context: int) -> None:
    shelf = Shelf()
    claim = parse(f"{name} Q8_0 at 5 tok/s on {box}", shelf.vocabulary({}))
    subject, header = shelf.subject(box, 1, None), shelf.header(name)
    assert subject is not None
    assert header is not None
    reading = next(iter(readings.of_model(claim, header)))
    estimate = estimator(claim, subject, calibration(), shelf.series())
    made = plan(with_quantization(stack(name, box, "Q8_0"), "Q8_0"), Wanted(Tokens(context)))
    if made.placement is not None and made.placement.host is not None:
        return
    wrote, read = (estimate(kind, reading, context) for kind in (Quantity.DECODE, Quantity.PREFILL))
    rate, seconds = made.decode[-1][1], made.prefill_seconds
    assert wrote is not None
    assert read is not None
    assert rate is not None
    assert seconds is not None
    assert (wrote.usual.tier, read.usual.tier) == (rate.tier, made.prefill_tier)
    assert (wrote.usual.low, wrote.usual.value, wrote.usual.high) == pytest.approx(
        (rate.low, rate.value, rate.high), rel=1e-6
    )
    assert wrote.low <= rate.low < rate.high <= wrote.high
    assert context / read.usual.value == pytest.approx(seconds[0], rel=1e-6)


def test_a_kept_measurement_counts_in_a_batch_and_only_for_its_own_machine() -> None:
    own = kept("llama-3.1-8b", "rtx-4090", "Q4_K_M")
    ask: dict[str, Any] = {"model": "llama-3.1-8b", "quant": "Q4_K_M", "kind": "tg", "n_tokens": 1}
    here = batch(own, **ask, machine="rtx-4090")
    assert (here.tier, round(here.value, 3)) == (Tier.THIS_STACK, 0.5)
    assert batch(own, **ask, machine="rtx-3090").tier is Tier.FAMILY
    assert batch(own, **ask, machine="rtx-4090", engine="vllm").tier is Tier.FAMILY, "measured on another engine"


def test_a_machine_that_is_no_longer_sold_is_the_one_of_the_claims() -> None:
    gone = {
        (found.accelerators[0].id, found.pools[0].capacity.value): found.no_longer_sold
        for found in map(machine, ("mac-studio-m3-ultra-256", "mac-studio-m3-ultra-512", "mac-studio-m3-ultra-96"))
    }
    told = {(item.device, item.memory): item.date for item in Shelf().withdrawn()}
    assert {key: value for key, value in gone.items() if value} == told
    assert all(
        date.fromisoformat(f"{value}-12-31"[:10] if len(value) == 4 else f"{value}-01") for value in told.values()
    )
