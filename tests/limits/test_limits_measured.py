"""Which kept measurements speak of a stack: the same address and model, the same machine, the latest whole run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.domain.estimates import Tier
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.measurements import MeasuredMachine, MeasuredModel, MeasuredServer, Measurement
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.measured import machine_mark, matching, measured_rates, on_machine, tier_of
from truelimit.units import Bytes, Tokens, from_gib

MODEL = MeasuredModel("qwen3:8b", "qwen3", 8.19e9, Bytes(5_200_000_000), "Q4_K_M")
URL = "http://127.0.0.1:11434"


def fit(a: float) -> PrefillFit:
    return PrefillFit(a, 1e-9, 0.01, Tokens(16384), 9, "9 measurements", Basis.MEASURED)


def run(taken: str, a: float = 1e-3, **changes: object) -> Measurement:
    item = Measurement(
        taken, taken, URL, "truelimit bench", MODEL, MeasuredMachine(None, "Apple M2 Ultra", from_gib(64)),
        MeasuredServer("ollama", "0.33.0", URL), (), fit(a),
        DecodeFit(0.01, 1e-7, 0.01, Tokens(16384), 9, "9 measurements", Basis.MEASURED),
    )  # fmt: skip
    return replace(item, **changes)  # type: ignore[arg-type]


def mac(gib: float = 64, chip: str = "Apple M2 Ultra") -> Machine:
    pool = MemoryPool("unified", PoolKind.UNIFIED, Known(from_gib(gib), "sysctl", Basis.MEASURED))
    return Machine(None, Known(chip, "sysctl", Basis.MEASURED), None, (pool,))


def test_the_latest_run_of_this_model_at_this_address() -> None:
    kept = [run("2026-11-01", 1e-3), run("2026-11-20", 2e-3), run("2026-11-10", 3e-3)]
    prefill, decode = measured_rates(kept, "qwen3:8b", "http://localhost:11434/v1")
    assert prefill is not None
    assert prefill.a == 2e-3
    assert prefill.where.startswith("truelimit bench of 2026-11-20, http://127.0.0.1:11434: 9 measurements")
    assert decode is not None
    assert decode.where.startswith("truelimit bench of 2026-11-20")


def test_a_whole_run_comes_before_a_later_partial_one() -> None:
    kept = [run("2026-11-01", 1e-3), run("2026-11-20", 2e-3, partial=True)]
    prefill, _ = measured_rates(kept, "qwen3:8b", URL)
    assert prefill is not None
    assert prefill.a == 1e-3


def test_each_fit_may_come_from_another_run() -> None:
    kept = [run("2026-11-01", 1e-3), run("2026-11-20", 2e-3, decode=None)]
    prefill, decode = measured_rates(kept, "qwen3:8b", URL)
    assert prefill is not None
    assert prefill.a == 2e-3
    assert decode is not None
    assert "2026-11-01" in decode.where


@pytest.mark.parametrize(
    ("name", "url", "quantization"),
    [
        ("qwen3:14b", URL, None),
        ("qwen3:8b", "http://127.0.0.1:8080", None),
        ("qwen3:8b", "http://10.0.0.9:11434", None),
        ("qwen3:8b", URL, "Q8_0"),
        ("qwen3:8b", None, None),
    ],
)
def test_another_model_address_or_quantization_tells_nothing(name: str, url: str | None, quantization: str) -> None:
    assert measured_rates([run("2026-11-01")], name, url, quantization=quantization) == (None, None)


def test_without_an_address_the_machine_must_be_the_one_measured() -> None:
    kept = [run("2026-11-01")]
    assert measured_rates(kept, "qwen3:8b", None, mac())[0] is not None
    assert measured_rates(kept, "qwen3:8b", None, mac(chip="Apple M2 Max")) == (None, None)


def test_an_imported_run_has_no_address_and_counts_by_its_machine() -> None:
    item = run("2026-11-01", server=MeasuredServer("llama.cpp", "b11434"))
    assert measured_rates([item], "qwen3:8b", URL, mac())[0] is not None
    assert measured_rates([item], "qwen3:8b", URL) == (None, None)


def test_tiers() -> None:
    assert tier_of(run("2026-11-01"), mac(), MODEL) is Tier.THIS_STACK
    other_name = replace(MODEL, name="my-qwen")
    assert tier_of(run("2026-11-01"), mac(), other_name) is Tier.THIS_STACK, "the shape tells it"
    assert tier_of(run("2026-11-01"), mac(), replace(MODEL, parameters=3.2e10)) is Tier.THIS_MACHINE
    assert tier_of(run("2026-11-01"), mac(), replace(MODEL, quantization="Q8_0")) is Tier.THIS_MACHINE
    assert tier_of(run("2026-11-01"), mac(192), MODEL) is None
    assert tier_of(run("2026-11-01"), mac(chip="Apple M3 Ultra"), MODEL) is None


def test_the_same_model_comes_first_then_the_latest() -> None:
    other = replace(MODEL, name="x", parameters=3.2e10)
    kept = [run("2026-11-20", model=other), run("2026-11-01"), run("2026-11-02")]
    found = matching(kept, mac(), MODEL)
    assert [(tier, item.taken) for tier, item in found] == [
        (Tier.THIS_STACK, "2026-11-02"), (Tier.THIS_STACK, "2026-11-01"), (Tier.THIS_MACHINE, "2026-11-20"),
    ]  # fmt: skip


def test_machines_of_the_table_are_the_same_by_id_alone() -> None:
    spark = replace(mac(chip="NVIDIA GB10"), id="dgx-spark")
    assert on_machine(machine_mark(spark), spark)
    assert not on_machine(replace(machine_mark(spark), id="dgx-spark-2"), spark)
    assert not on_machine(MeasuredMachine(), spark)
    assert machine_mark(None) == MeasuredMachine()
