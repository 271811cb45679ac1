"""Nothing that was measured is called impossible; more is never more plausible; conditions move the limit."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.app.audit import audit
from truelimit.app.cloud import CloudTable
from truelimit.domain.claims import Audited, PublishedRun, StatedClaim
from truelimit.tables.shelf import Shelf

SAMPLE = Path(__file__).parents[1] / "samples" / "claims" / "published_rows.csv"
ROWS = list(csv.DictReader(SAMPLE.read_text(encoding="utf-8").splitlines()))
TODAY = date(2026, 11, 25)
BEYOND = "impossible-as-stated"


class WithoutRuns(Shelf):
    """The tables without published runs: physics alone must not contradict a measurement."""

    def runs(self) -> tuple[PublishedRun, ...]:
        return ()


SHELF = Shelf()


def audited(*texts: str, shelf: Shelf = SHELF) -> list[Audited]:
    stated = [StatedClaim(text) for text in texts]
    return list(audit(stated, shelf, CloudTable(()), TODAY))


def verdict(text: str) -> str:
    return audited(text)[0].verdict.value


def claim_of(row: dict[str, str], share: float = 1.0) -> str:
    total, active = float(row["parameters_b"]), float(row["active_b"])
    size = f"{total:g}B" + (f"-A{active:g}B" if active < 0.95 * total else "")
    kind = "prefill at" if row["kind"] == "prefill" else "at"
    rate = float(row["tokens_per_s"]) * share
    return f"{row['devices']}x {row['device']}: {size} {row['quantization']} {kind} {rate:.6f} tok/s"


@cache
def _measured() -> tuple[Audited, ...]:
    return tuple(audited(*(claim_of(row) for row in ROWS), shelf=WithoutRuns()))


def test_the_rows_are_read_as_they_are_meant() -> None:
    assert len(ROWS) > 150
    assert [item.claim.text for item in _measured() if item.claim.machine is None or not item.parts] == []


def test_no_measured_rate_is_impossible() -> None:
    assert [(item.claim.text, item.sentence) for item in _measured() if item.verdict.value == BEYOND] == []


@given(st.sampled_from(ROWS), st.floats(0.01, 1.0))
@settings(deadline=None, max_examples=40)
def test_less_than_a_measured_rate_is_never_impossible(row: dict[str, str], share: float) -> None:
    assert verdict(claim_of(row, share)) != BEYOND


@given(st.sampled_from(("dgx-spark", "mi300x", "rtx 4090", "m2 ultra")), st.floats(1, 1000), st.floats(1.0, 50.0))
@settings(deadline=None, max_examples=40)
def test_a_higher_rate_is_never_possible_where_a_lower_one_is_not(machine: str, rate: float, more: float) -> None:
    low, high = audited(f"70B Q4 at {rate:.3f} tok/s on {machine}", f"70B Q4 at {rate * more:.3f} tok/s on {machine}")
    assert not (low.verdict.value == BEYOND and high.verdict.value != BEYOND)


@pytest.mark.parametrize(
    ("possible", "impossible"),
    [
        ("70B Q4 at 12 tok/s with MTP on dgx-spark", "70B Q4 at 12 tok/s on dgx-spark"),
        ("70B Q2_K at 9 tok/s on dgx-spark", "70B Q4 at 9 tok/s on dgx-spark"),
        ("30B-A3B Q4 at 60 tok/s on dgx-spark", "30B dense Q8 at 60 tok/s on dgx-spark"),
        ("70B Q4 at 12 tok/s on two dgx-spark", "70B Q4 at 12 tok/s on two dgx-spark with layer split"),
        ("70B Q4 batch 32 at 100 tok/s on dgx-spark", "70B Q4 batch 8 at 100 tok/s on dgx-spark"),
        ("70B Q4 at 7 tok/s on dgx-spark", "70B Q4 at 7 tok/s at 100K context on dgx-spark"),
    ],
)
def test_a_condition_moves_the_limit(possible: str, impossible: str) -> None:
    assert verdict(possible) != BEYOND
    assert verdict(impossible) == BEYOND


def test_a_bandwidth_alone_is_enough() -> None:
    (found,) = audited("70B at 25-50 tok/s on 273 GB/s")
    assert found.verdict.value == BEYOND
    assert found.calculation is not None
    assert round(found.calculation.result, 1) == 6.4


def test_layers_split_by_others_exclude_nothing_where_the_split_is_open() -> None:
    open_split, layered = audited(
        "Two RTX 3090 do 70B Q4 at 30 tok/s", "Two RTX 3090 do 70B Q4 at 20 tok/s with layer split"
    )
    assert open_split.verdict.value != "contradicted"
    assert layered.verdict.value == "contradicted"
    assert any("one after the other" in note for note in open_split.parts[0].judgement.notes)


@pytest.mark.parametrize(
    "text",
    [
        "70B at 8 tok/s on dgx-spark with speculative decoding",
        "Llama 3.3 70B Q4_K_M at 6 tok/s on dgx-spark with a draft model",
    ],
)
def test_runs_without_speculation_exclude_no_claim_with_it(text: str) -> None:
    (found,) = audited(text)
    assert found.verdict.value == "plausible"
    assert any("without speculation published runs gave" in note for note in found.parts[0].judgement.notes)


def test_runs_with_speculation_exclude_a_claim_with_it() -> None:
    assert verdict("Qwen3.8-27B Q4_K_M at 140 tok/s on RX 7900 XTX with MTP") == "contradicted"


def test_one_run_excludes_nothing_that_the_estimate_holds() -> None:
    (held,) = audited("gpt-oss-20b at 200 tok/s on RTX 4090")
    assert held.verdict.value == "plausible"
    assert "the one published run that is shipped gave 280 tok/s" in str(held.parts[0].judgement.notes)
    (below,) = audited("gpt-oss-20b at 60 tok/s on RTX 4090")
    assert below.verdict.value == "understated"
    assert "below the one published run that is shipped" in below.sentence


def test_runs_that_read_more_for_each_token_exclude_no_smaller_quantisation() -> None:
    assert verdict("Llama 3.1 8B Q4_0 at 130 tok/s on RX 7900 XTX") == "plausible"
    assert verdict("Llama 3.1 8B Q4_K_M at 130 tok/s on RX 7900 XTX") == "contradicted"


@pytest.mark.parametrize(
    ("name", "gigabytes"), [("30b-dense", 19.8), ("7b-dense", 4.4), ("dense-7b", 4.4), ("32b-dense", 19.8)]
)
def test_the_id_of_a_class_of_models_means_its_entry(name: str, gigabytes: float) -> None:
    (found,) = audited(f"{name} Q4_K_M weights {gigabytes} GB")
    assert found.verdict.value == "plausible", found.sentence
    assert "a typical dense" in found.sentence


@pytest.mark.parametrize(
    ("text", "machine", "count"),
    [
        ("70B Q4 at 20 tok/s on a 4090", "rtx-4090", 1),
        ("70B Q4 at 20 tok/s on a 5090", "rtx-5090", 1),
        ("two 3090s do 70B Q4 at 20 tok/s", "rtx-3090", 2),
        ("4x3090: 70B Q4 at 20 tok/s", "rtx-3090", 4),
        ("8B at 60 tok/s on a 7900 XT", "rx-7900-xt", 1),
        ("8xMI300X: 405B FP8 at 40 tok/s", "mi300x", 8),
        ("Mixtral 8x7B Q4 at 4090 tok/s on RTX 3090", "rtx-3090", 1),
        ("8B at 60 tok/s at depth 4090 on RTX 3090", "rtx-3090", 1),
        ("RTX 5090 costs $4090", "rtx-5090", 1),
    ],
)
def test_a_card_may_go_by_its_number(text: str, machine: str, count: int) -> None:
    claim = audited(text)[0].claim
    assert (claim.machine, claim.count, claim.other) == (machine, count, None)


def test_an_estimate_over_several_backends_gives_that_of_the_plan_first() -> None:
    (every,) = audited("Qwen3-Coder-30B-A3B Q4_K_M at 150 tok/s on RTX 4090")
    assert "estimated 169 tok/s (125 to 229) with cuda, 73.0 to 284 over cuda and vulkan" in every.sentence
    (named,) = audited("Qwen3-Coder-30B-A3B Q4_K_M at 150 tok/s on RTX 4090 with CUDA")
    assert "estimated 125 to 229 tok/s" in named.sentence


def test_a_machine_that_never_was_is_told() -> None:
    (found,) = audited("The M4 Ultra has 1092 GB/s")
    assert found.verdict.value == "not-checkable"
    assert "no Apple M4 Ultra" in found.sentence


def test_a_sibling_is_not_taken_for_the_chip() -> None:
    (found,) = audited("RTX 4070 Ti Super: 672 GB/s")
    assert found.claim.machine == "rtx-4070-ti-super"


def test_many_requests_without_their_number_have_no_limit() -> None:
    assert verdict("70B Q4 at 400 tok/s aggregate on dgx-spark") == "not-checkable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("405B Q8 fits in 256 GB", BEYOND),
        ("405B fits in 128 GB", "plausible"),  # at 2.7 bits a weight, which the claim leaves open
        ("405B fits in 48 GB", BEYOND),
        ("rtx 4090 runs 70B Q4", "plausible"),  # with a part of it in main memory
        ("70B Q4 fits in 24 GB", BEYOND),
        ("M2 Ultra runs 70B Q8", "plausible"),
        ("Qwen3-32B Q4_K_M fits in 24 GB with 32K context", "plausible"),  # with a cache in q8_0
        ("Qwen3-32B Q4_K_M fits in 24 GB with 32K context and KV f16", BEYOND),
    ],
)
def test_a_fit_is_judged_by_bytes(text: str, expected: str) -> None:
    assert verdict(text) == expected


def test_the_halved_cache_of_other_tools_is_named() -> None:
    (found,) = audited("Qwen3-Coder-30B-A3B: KV cache 12 GiB at 262,144 context")
    assert found.verdict.value == "contradicted"
    assert "embedding / heads" in found.sentence


@pytest.mark.parametrize(
    "text", ["hello", "", "a very fast machine", "7B is nice", "70B on dgx-sprak at 5 tok/s", "40 tok/s on dgx-spark"]
)
def test_what_cannot_be_judged_says_why(text: str) -> None:
    (found,) = audited(text)
    assert found.verdict.value == "not-checkable"
    assert len(found.sentence) > 20


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("405B Q4 at 2 tok/s on M3 Ultra 96GB", BEYOND, "do not fit into 96.0 GiB"),
        ("405B Q4 at 2 tok/s on M3 Ultra 512 GB", "plausible", "published runs"),
        ("70B Q4 at 20 tok/s on RTX 4090", "not-checkable", "main memory of 587 GB/s"),
        ("70B Q4 at 2 tok/s on RTX 4090", "plausible", "only with offload"),
        ("70B Q8_0 at 12 tok/s on RTX 4090", BEYOND, "fastest gives 845 GB/s"),
        ("gpt-oss-120b at 40 tok/s on two RTX 3090", "plausible", "only with offload"),
        ("Llama 3.3 70B Q4_K_M at 15 tok/s on two RTX 3090", "plausible", "published runs"),
    ],
)
def test_what_the_memory_does_not_hold_is_read_from_elsewhere(text: str, expected: str, words: str) -> None:
    (found,) = audited(text)
    assert (found.verdict.value, words in found.sentence) == (expected, True), found.sentence


def test_a_size_alone_is_told_which_quantisation_fits() -> None:
    (found,) = audited("70B at 40 tok/s on RTX 5090")
    assert any("only with a quantisation of at most 3.9 bits" in note for note in found.parts[0].judgement.notes)


def test_a_cache_is_seen_from_its_size_behind_a_long_name() -> None:
    assert verdict("KV cache of Qwen3-Coder-30B at 262144 is 24 GB") == "plausible"


def test_a_mac_is_estimated_with_metal_unless_the_claim_says_vulkan() -> None:
    (found,) = audited("Qwen3-235B-A22B Q4 at 30 tok/s on Mac Studio M3 Ultra")
    sources = [term.source for calc in found.parts[0].judgement.calculations for term in calc.terms]
    assert any("metal" in source for source in sources)
    assert not any("vulkan" in source for source in sources)


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("An RTX 3090 reads Qwen3-30B-A3B prompts at 100,000 tok/s", BEYOND, "matrix units"),
        ("2 seconds for a 100K prompt on M3 Ultra with Qwen3-Coder-30B-A3B", BEYOND, "2 s for 102,400 tokens"),
        ("M4 Max has 410 GB/s", "plausible", "32-core"),
        ("M4 Max has 546 GB/s", "plausible", "40-core"),
        ("M4 Max has 300 GB/s", "understated", "546"),
        ("Ryzen AI Max+ 395 has 126 TOPS", "not-checkable", "int8"),
        ("Jetson Orin Nano runs 70B Q4", BEYOND, "do not fit"),
    ],
)
def test_claims_as_people_write_them(text: str, expected: str, words: str) -> None:
    (found,) = audited(text)
    told = found.sentence or " ".join(part.judgement.sentence for part in found.parts)
    assert (found.verdict.value, words in told) == (expected, True), told


def test_the_shader_rates_of_an_m5_are_not_compared() -> None:
    (found,) = audited("M5 Max is 4x faster than M4 Max at prefill")
    assert not any("matrix rates" in note for note in found.parts[0].judgement.notes)


def test_a_size_says_why_it_reads_more_than_the_model_that_stands_for_it() -> None:
    size, named = audited(*(f"{name} Q4_K_M at 40 tok/s on dgx-spark" for name in ("70B", "Llama 3.3 70B")))
    told, plain = (next(t for t in found.calculation.terms if t.name == "bytes_read") for found in (size, named))  # type: ignore[union-attr]
    assert told.value / plain.value == pytest.approx(1.0141, abs=1e-4)
    assert "only a size is named, so all of the file counts: 0.6 GB of it are rows of the embedding" in told.source
    assert "only a size" not in plain.source


def test_runs_that_differ_by_less_than_builds_show_no_direction() -> None:
    """ROCm on an RX 7900 XTX wrote 8 % faster than CUDA on an RTX 3090: neither is behind."""
    (behind, ahead) = audited("RX 7900 XTX: ROCm is behind CUDA on an RTX 3090", "M3 Ultra is behind RTX 4090")
    assert behind.verdict.value == "not-checkable"
    assert "gave 1.08" in behind.sentence
    assert "differ by 12%" in behind.sentence
    assert ahead.verdict.value == "plausible"


def test_a_series_in_another_quantisation_excludes_what_its_bits_do_not_explain() -> None:
    """Qwen3-Coder-30B-A3B wrote 78 tok/s in Q8_0 on an M2 Ultra; in 4.55 bits a weight at most 146."""
    high, fair, drafted = audited(
        "Qwen3-Coder-30B-A3B at 300 tok/s on M2 Ultra",
        "Qwen3-Coder-30B-A3B at 90 tok/s on M2 Ultra",
        "Qwen3-Coder-30B-A3B with MTP at 300 tok/s on M2 Ultra",
    )
    assert high.verdict.value == "contradicted"
    assert "2.1 times" in high.sentence
    assert high.calculation is not None
    assert high.calculation.result == pytest.approx(145.7, abs=0.1)
    assert any("mac-m2-ultra.md" in source for source in high.sources)
    assert fair.verdict.value == "plausible"
    assert drafted.verdict.value != "contradicted"


def test_a_ceiling_is_told_apart_from_the_claim_beside_it() -> None:
    (found,) = audited("llama-3.1-405b at 2.3 tok/s on dgx-spark-2")
    assert "2.3 tok/s is 102% of the ceiling of 2.26 tok/s" in found.sentence


def test_what_fits_could_write_is_computed_with_the_cache_that_was_counted() -> None:
    (found,) = audited("Qwen3-Coder-30B-A3B at 262K context takes 44 GB of 64 GB on an M2 Ultra")
    held = {term.name: term.value for term in found.parts[0].judgement.calculations[0].terms}
    speed = found.parts[0].judgement.calculations[-1]
    read = {term.name: term.value for term in speed.terms}
    assert read["cache_read"] == held["kv_cache"]
    assert f"it can write {speed.result:.1f} tok/s at most" in found.parts[0].judgement.notes[0]


def test_a_size_and_its_model_differ_by_what_the_output_says() -> None:
    size, model = audited("70B Q4_K_M at 10 tok/s on dgx-spark", "Llama 3.3 70B Q4_K_M at 10 tok/s on dgx-spark")
    assert size.calculation is not None
    assert model.calculation is not None
    told, named = (
        next(term for term in calc.terms if term.name == "bytes_read") for calc in (size.calculation, model.calculation)
    )
    assert told.value - named.value == pytest.approx(0.6e9, rel=0.05)
    assert "only a size is named, so all of the file counts: 0.6 GB of it" in told.source
    assert "only a size" not in named.source


def test_the_bandwidth_of_a_package_that_is_twice_the_real_one_is_contradicted() -> None:
    """One public table gives the MI300X 10,300 GB/s, and a fit tool 104 tok/s for a 70B from it; it has 5,300."""
    bandwidth, rate = audited("MI300X: 10,300 GB/s", "MI300X: 70B F16 at 60 tok/s")
    assert bandwidth.verdict.value == "contradicted"
    assert "its specification says 5,300 GB/s" in bandwidth.sentence
    assert rate.verdict.value == BEYOND


def test_no_source_of_a_run_is_cut_off() -> None:
    """A source with a commit names at least seven digits of it."""
    tails = [source.rpartition(" @")[2] for run in SHELF.runs() if " @" in (source := run.source)]
    assert [tail for tail in tails if len(tail.split(",")[0].split(")")[0]) < 7] == []
    assert [run.source for run in SHELF.runs() if run.source.endswith((".log", " @", "@"))] == []
