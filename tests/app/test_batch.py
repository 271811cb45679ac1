"""Batch: each case answered by the engine of the plan, or told why not; nothing stops the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.app.batch import Lookups, answer
from truelimit.app.batch_model import model_of
from truelimit.app.batch_stack import asked_of
from truelimit.cli.plan_batch import _lookups as shipped
from truelimit.domain.estimates import Tier
from truelimit.limits.rates_estimated import Calibrated
from truelimit.perf.rates import decode_estimate, prefill_estimate
from truelimit.tables.calibration import calibration
from truelimit.tables.machines import machine

LLAMA_8B = {"params_b": 8.03, "active_params_b": 8.03, "weights_gb": 4.92, "quant": "Q4_K_M", "arch": "llama-3.1-8b"}
CARD = {
    "name": "a card", "vendor": "nvidia", "family": "nvidia-ada", "kind": "discrete", "bandwidth_gb_per_s": 1000,
    "fp16_dense_tflops": 160, "int8_dense_tops": 660, "memory_gib": 24, "backends": ["cuda"],
}  # fmt: skip


@pytest.fixture(scope="module")
def lookups() -> Lookups:
    return shipped()


def case(**changes: Any) -> dict[str, Any]:
    plain = {"id": "x", "machine": "rtx-4090", "model": LLAMA_8B, "kind": "tg", "n_tokens": 128, "depth": 0}
    return plain | changes


def test_an_answer_is_the_estimate_of_the_engine(lookups: Lookups) -> None:
    wrote = answer(case(), lookups)
    read = answer(case(kind="pp", n_tokens=512, depth=4096), lookups)
    assert wrote.error is None
    assert read.error is None
    rate_case = asked_of(case(), machine("rtx-4090"), model_of(case(), lookups), 128, lookups).case
    assert wrote.estimate is not None
    assert read.estimate is not None
    for found, told in (
        (wrote.estimate, decode_estimate(rate_case, 0, calibration(), 128)),
        (read.estimate, prefill_estimate(rate_case, 512, 4096, calibration())),
    ):
        assert found.value == pytest.approx(told.value, rel=1e-4)
        assert (found.low, found.high) == pytest.approx((told.low, told.high), rel=0.02)
        assert found.low < found.value < found.high


@given(
    name=st.sampled_from(["llama-3.1-8b", "gemma-3-27b", "gpt-oss-20b", "qwen3-coder-30b-a3b"]),
    device=st.sampled_from(["rtx-4090", "rx-7900-xtx", "apple-m4-max-40c", "mi300x", "strix-halo-395"]),
    tokens=st.integers(1, 5000),
    depth=st.integers(0, 200_000),
)
@settings(deadline=None, max_examples=60)
def test_costs_in_closed_form_are_those_of_the_calibration(name: str, device: str, tokens: int, depth: int) -> None:
    """Windows that fill up and batches that do not: both are in the costs that all commands share."""
    known = _shared()
    for kind in ("pp", "tg"):
        asked = case(machine=device, model=name, kind=kind, n_tokens=tokens, depth=depth, engine="llama.cpp")
        found = answer(asked, known)
        if found.error is not None or found.estimate is None or found.estimate.tier not in {Tier.FAMILY, Tier.PHYSICS}:
            continue
        told = asked_of(asked, known.machine(device), model_of(asked, known), tokens + depth, known)
        if told.placed is not None and told.placed.host is not None:
            continue
        engine = known.estimator
        exact = engine.prefill(told.case, tokens, depth) if kind == "pp" else engine.decode(told.case, depth, tokens)
        assert found.estimate.value == pytest.approx(exact.value, rel=2e-3)


def test_a_machine_written_out_is_answered_like_one_of_the_table(lookups: Lookups) -> None:
    found = answer(case(machine=CARD), lookups)
    assert found.error is None
    assert found.estimate is not None
    faster = answer(case(machine=CARD | {"bandwidth_gb_per_s": 2000}), lookups)
    assert faster.estimate is not None
    assert faster.estimate.value > 1.3 * found.estimate.value


def test_a_backend_that_the_device_does_not_have_is_refused(lookups: Lookups) -> None:
    found = answer(case(backend="metal"), lookups)
    assert found.estimate is None
    assert found.error is not None
    assert "metal does not run on NVIDIA GeForce RTX 4090; there are: cuda" in found.error


@pytest.mark.parametrize("name", ["llama.cpp", "Ollama", "ollama?", "mlx-lm-0.31.2", "omlx-0.3.4", "vLLM", "trt-llm"])
def test_engines_are_known_by_name_and_version(name: str, lookups: Lookups) -> None:
    assert answer(case(engine=name), lookups).error is None


def test_an_engine_that_is_none_is_refused_with_the_nearest(lookups: Lookups) -> None:
    found = answer(case(engine="olama"), lookups)
    assert found.estimate is None
    assert "engine is 'olama', which is not known; nearest: ollama" in str(found.error)
    assert "expected one of llama.cpp" in str(answer(case(engine="foo"), lookups).error)


def test_boxes_that_the_table_joins_are_the_same_by_count_and_by_id(lookups: Lookups) -> None:
    model = {"params_b": 405.9, "weights_gb": 228.0, "quant": "Q4_0"}
    counted = answer(case(machine="dgx-spark", n_devices=2, model=model), lookups)
    named = answer(case(machine="dgx-spark-2", model=model), lookups)
    assert counted.estimate is not None
    assert counted.estimate == named.estimate


def test_no_rate_passes_the_roofline(lookups: Lookups) -> None:
    for quant, size in (("Q4_0", 4.66), ("Q8_0", 8.54), ("F16", 16.07)):
        found = answer(case(machine=CARD, model=LLAMA_8B | {"quant": quant, "weights_gb": size}), lookups)
        assert found.estimate is not None
        assert found.estimate.high <= 1000 / (size * 0.9)


def test_a_model_by_id_may_name_its_quantisation(lookups: Lookups) -> None:
    four, eight = (answer(case(model="llama-3.1-8b", quant=quant), lookups) for quant in ("Q4_K_M", "Q8_0"))
    assert four.estimate is not None
    assert eight.estimate is not None
    assert four.estimate.value > 1.3 * eight.estimate.value
    assert answer(case(model="llama-3.1-8b"), lookups).estimate == four.estimate


def test_parameters_may_follow_from_size_and_quantisation(lookups: Lookups) -> None:
    found = answer(case(model={"weights_gb": 4.92, "quant": "Q4_K_M"}), lookups)
    assert found.error is None


def test_a_published_series_answers_for_its_own_chip_model_and_quantisation(lookups: Lookups) -> None:
    qwen = {
        "params_b": 30.53,
        "active_params_b": 3.3,
        "weights_gb": 32.48,
        "quant": "Q8_0",
        "arch": "qwen3-coder-30b-a3b",
    }
    ask = case(machine="dgx-spark", model=qwen, kind="pp", n_tokens=2048, depth=32_768)
    found = answer(ask, lookups)
    assert found.estimate is not None
    assert found.estimate.tier is Tier.PUBLISHED
    assert found.estimate.value == pytest.approx(1348, rel=0.03)
    short = answer(ask | {"n_tokens": 512}, lookups)
    assert short.estimate is not None
    assert short.estimate.tier is Tier.PUBLISHED
    assert short.estimate.value < found.estimate.value, "a batch that is not full costs as much as a full one"
    small = answer(ask | {"ubatch": 512}, lookups)
    assert small.estimate is not None
    assert small.estimate.value < 0.9 * found.estimate.value, "each batch reads the weights anew"
    for changes in ({"engine": "vllm"}, {"flash_attn": False}, {"n_devices": 2}, {"kind": "tg", "kv_type": "q8_0"}):
        other = answer(ask | changes, lookups)
        assert other.estimate is not None
        assert other.estimate.tier is not Tier.PUBLISHED, changes
    none = answer(ask, replace(lookups, published=(), _kept={}))
    assert none.estimate is not None
    assert none.estimate.tier is not Tier.PUBLISHED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"machine": "rtx-4091"}, "rtx-4090"),
        ({"machine": None}, "machine is missing"),
        ({"machine": 7}, "machine is 7"),
        ({"machine": CARD | {"bandwidth": 3}}, "bandwidth"),
        ({"machine": CARD | {"bandwidth_gb_per_s": -1}}, "bandwidth_gb_per_s"),
        ({"model": "llama-3.9-8b"}, "llama-3.1-8b"),
        ({"model": {}}, "params_b is missing"),
        ({"model": LLAMA_8B | {"params_b": "8"}}, "params_b is '8'"),
        ({"model": LLAMA_8B | {"active_params_b": 9}}, "active_params_b"),
        ({"model": LLAMA_8B | {"layers": 3}}, "unknown key layers"),
        ({"model": {"params_b": 70, "quant": "Q9"}}, "Q9"),
        ({"model": {"params_b": 405, "weights_gb": 243, "quant": "Q4_K_M"}}, "more than the 24.0 GiB"),
        ({"kind": "xx"}, "expected pp, tg"),
        ({"kind": None}, "kind is missing"),
        ({"n_tokens": 0}, "n_tokens is 0"),
        ({"n_tokens": 1.5}, "n_tokens is 1.5"),
        ({"n_tokens": math.nan}, "n_tokens is nan"),
        ({"depth": -1}, "depth is -1"),
        ({"depth": True}, "depth is True"),
        ({"backend": "opencl"}, "backend is 'opencl'"),
        ({"flash_attn": "yes"}, "flash_attn is 'yes'"),
        ({"kv_type": "q7"}, "q7"),
        ({"n_devices": 0}, "n_devices is 0"),
        ({"engine": 3}, "engine is 3"),
    ],
)
def test_what_cannot_be_answered_says_why(changes: dict[str, Any], words: str, lookups: Lookups) -> None:
    found = answer(case(**changes), lookups)
    assert (found.id, found.estimate) == ("x", None)
    assert words in (found.error or "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(case())), inner, max_size=6),
        max_leaves=8,
    )
)
@settings(deadline=None, max_examples=80)
def test_nothing_stops_the_rest(value: object) -> None:
    found = answer(value, _shared())
    assert (found.estimate is None) is (found.error is not None)


def _shared(kept: list[Lookups] = []) -> Lookups:  # noqa: B006
    if not kept:
        kept.append(shipped())
    return kept[0]


def test_what_is_looked_up_is_bounded(lookups: Lookups) -> None:
    few = replace(lookups, _kept={})
    for number in range(5000):
        few.once(number, lambda: 1)
    assert len(few._kept) <= 4096
    assert isinstance(few.estimator, Calibrated)
