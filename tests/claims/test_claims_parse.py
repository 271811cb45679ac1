"""Claims are read: machine, model, conditions and numbers; nothing raises, what is not read is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.claims.parse import parse
from truelimit.claims.vocabulary import Vocabulary
from truelimit.domain.claims import Claim, Quantity
from truelimit.units import GB, GIB

NAMES = Vocabulary(
    {
        "dgx spark": "dgx-spark", "dgx-spark": "dgx-spark", "m3 ultra": "m3", "m2 ultra": "m2",
        "rx 7900 xtx": "rx-7900-xtx", "strix halo": "strix", "ryzen ai max+ 395": "strix", "mi300x": "mi300x",
        "rtx 5060": "rtx-5060", "rtx 5060 ti": "rtx-5060-ti",
    },
    {"llama 3.1 405b": "llama-405b", "qwen3-coder-30b-a3b": "q3c", "devstral": "devstral-24b"},
    {"devstral": "devstral-2512", "gemini 2.5 pro": "gemini-2.5-pro"},
)  # fmt: skip


def read(text: str) -> Claim:
    return parse(text, NAMES)


def only(text: str) -> tuple[Quantity, float, float]:
    (item,) = read(text).assertions
    return item.quantity, item.low, item.high


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("70B Q4 at 40 tok/s on dgx-spark", (Quantity.DECODE, 40, 40)),
        ("DGX Spark: 25-50 tok/s on a 70B", (Quantity.DECODE, 25, 50)),
        ("Strix Halo 30B 15 to 20 tokens per second", (Quantity.DECODE, 15, 20)),
        ("M3 Ultra: 70B at 20–32 tokens/sec", (Quantity.DECODE, 20, 32)),
        ("7B reads at 1,238 t/s prefill on M2 Ultra", (Quantity.PREFILL, 1238, 1238)),
        ("7B prompt processing 1.2k tok/s on M2 Ultra", (Quantity.PREFILL, 1200, 1200)),
        ("MI300X: 5.3 TB/s", (Quantity.BANDWIDTH, 5300 * GB, 5300 * GB)),
        ("DGX Spark: 273 GB/s", (Quantity.BANDWIDTH, 273 * GB, 273 * GB)),
        ("DGX Spark costs $3,000", (Quantity.PRICE, 3000, 3000)),
        ("M3 Ultra: $8,000-10,000 for 512 GB", (Quantity.PRICE, 8000, 10000)),
        ("MI300X costs $25k", (Quantity.PRICE, 25000, 25000)),
        ("Llama 3.1 405B Q4 = 230 GB", (Quantity.WEIGHTS, 230 * GB, 230 * GB)),
        ("24 GB KV at 262K for Qwen3-Coder-30B-A3B", (Quantity.KV_CACHE, 24 * GB, 24 * GB)),
        ("Qwen3-Coder-30B-A3B: 12 GiB of KV at 262,144", (Quantity.KV_CACHE, 12 * GIB, 12 * GIB)),
        ("Qwen3-Coder-30B-A3B: 4 KV heads", (Quantity.KV_HEADS, 4, 4)),
        ("Gemini 2.5 Pro: 1M context", (Quantity.CONTEXT, 1_000_000, 1_000_000)),
        ("Qwen3-Coder-30B-A3B: native context 262,144", (Quantity.CONTEXT, 262_144, 262_144)),
        ("Gemini 2.5 Pro costs $1.25 per million input tokens", (Quantity.INPUT_PRICE, 1.25, 1.25)),
        ("Gemini 2.5 Pro: $10/M output", (Quantity.OUTPUT_PRICE, 10, 10)),
        ("M3 Ultra is 2.1x faster than M2 Ultra", (Quantity.RATIO, 2.1, 2.1)),
        ("M3 Ultra is 2x slower than M2 Ultra", (Quantity.RATIO, 0.5, 0.5)),
        ("M3 Ultra is twice as fast as M2 Ultra", (Quantity.RATIO, 2, 2)),
        ("M3 Ultra is as fast as M2 Ultra", (Quantity.RATIO, 1, 1)),
        ("Two DGX Sparks run 405B+", (Quantity.FITS, 0, 0)),
        ("DGX Spark runs Linux only", (Quantity.SYSTEM, 0, 0)),
    ],
)
def test_a_number_is_read_with_its_meaning(text: str, expected: tuple[Quantity, float, float]) -> None:
    assert only(text) == expected


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Two DGX Sparks run 405B", "count", 2),
        ("2x RX 7900 XTX run 70B Q4", "count", 2),
        ("a pair of RX 7900 XTX runs 70B", "count", 2),
        ("MI300X x8: 70B at 131 tok/s", "count", 8),
        ("70B Q4_K_M at 5 tok/s on strix halo", "quantization", "Q4_K_M"),
        ("70B in 4-bit at 5 tok/s on strix halo", "quantization", "Q4"),
        ("400B with no quantization on DGX Spark", "quantization", "F16"),
        ("70B UD-Q4_K_XL at 5 tok/s on strix halo", "quantization", "Q4_K_XL"),
        ("70B at 10 tok/s with MTP on DGX Spark", "speculation", True),
        ("70B at 10 tok/s with a draft model on DGX Spark", "speculation", True),
        ("70B batch 32: 100 tok/s on DGX Spark", "batch", 32),
        ("70B: 100 tok/s aggregate on DGX Spark", "batch", 0),
        ("70B at 40 tok/s on two MI300X with tensor parallel", "split", "tensor"),
        ("30B-A3B at 60 tok/s on DGX Spark", "active_parameters", 3e9),
        ("70B at 5 tok/s at 32K on DGX Spark", "context", 32_768),
        ("70B at 5 tok/s at 128k context on DGX Spark", "context", 131_072),
        ("70B at 5 tok/s at 262K on DGX Spark", "context", 262_144),
        ("70B at 5 tok/s at depth 131072 on DGX Spark", "context", 131_072),
        ("70B at 5 tok/s at depth 8192 on DGX Spark", "context", 8192),
        ("70B at 5 tok/s at a depth of 32k on DGX Spark", "context", 32_768),
        ("70B at 5 tok/s @ d16384 on DGX Spark", "context", 16_384),
        ("70B at 25-50 tok/s on 273 GB/s", "bandwidth", 273e9),
        ("405B Q4 in 256 GB", "memory", 256 * GIB),
        ("RTX 5060 Ti: 8B at 60 tok/s", "machine", "rtx-5060-ti"),
        ("M3 Ultra is 2.1x faster than M2 Ultra", "other", "m2"),
        ("24 GB KV cache q8_0 at 262K for Qwen3-Coder-30B-A3B", "kv_type", "q8_0"),
        ("30B dense at 10 tok/s on DGX Spark", "sparse", False),
        ("30B MoE at 60 tok/s on DGX Spark", "sparse", True),
        ("Devstral on Mistral's free tier", "cloud", "devstral-2512"),
        ("Devstral Q4 at 30 tok/s on DGX Spark", "cloud", None),
    ],
)
def test_a_condition_is_read(text: str, field: str, value: Any) -> None:
    assert getattr(read(text), field) == value


def test_an_unknown_machine_is_offered_the_nearest() -> None:
    (why,) = read("70B at 40 tok/s on dgx-sprak").unknown
    assert "dgx-sprak" in why
    assert "nearest: dgx-spark" in why


def test_words_with_numbers_that_nobody_reads_are_kept() -> None:
    assert read("Ryzen AI Max+ 395: 16 Zen 5 cores, 256 GB/s").unread == ("16", "5")


def test_a_rent_is_no_price() -> None:
    claim = read("MI300X rents at $1.85 per hour")
    assert claim.assertions == ()
    assert claim.unread == ("$1.85",)


def test_several_numbers_make_several_parts() -> None:
    kinds = [item.quantity for item in read("M2 Ultra: ~800 GB/s, 70B at 10-15 tok/s").assertions]
    assert sorted(kinds) == sorted([Quantity.DECODE, Quantity.BANDWIDTH])


def test_a_price_leaves_the_memory_as_its_condition() -> None:
    claim = read("$4,000 for 192 GB M3 Ultra")
    assert [item.quantity for item in claim.assertions] == [Quantity.PRICE]
    assert claim.memory == 192 * GIB


_WORDS = st.sampled_from(
    [
        "70B",
        "Q4",
        "at",
        "40",
        "tok/s",
        "-",
        "$",
        "GB",
        "KV",
        "on",
        "dgx-spark",
        "1,0",
        "..",
        "x",
        "2x",
        "M",
        "/",
        "262K",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(_WORDS, max_size=30).map(" ".join)))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_without_an_error(text: str) -> None:
    claim = read(text)
    assert all(item.low <= item.high for item in claim.assertions)


def test_a_long_text_is_read_in_bounded_time() -> None:
    claim = read("70B at 40 tok/s " * 100_000)
    assert len(claim.assertions) < 200


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("70B Q4 at -5 tok/s on dgx-spark", "-5 tok/s"),
        ("70B Q4 at 1e400 tok/s on dgx-spark", "1e400 tok/s"),
        ("70B at 50 MB/s on dgx-spark", "50 MB/s"),
        ("RTX 4090: 1.3 PB/s", "1.3 PB/s"),
        ("DGX Spark costs 4000 EUR", "4000 EUR"),
        ("DGX Spark costs €4,000", "€4,000"),
    ],
)
def test_a_number_that_nobody_can_judge_is_named_and_nothing_else_is_judged(text: str, number: str) -> None:
    claim = read(text)
    assert claim.misread == (number,)
    assert all(item.quantity in {Quantity.FITS, Quantity.CONTEXT} for item in claim.assertions)


def test_a_rate_of_a_minute_is_a_rate_and_no_window() -> None:
    claim = read("70B Q4 at 120 tokens per minute on dgx-spark")
    assert [(item.quantity, item.low) for item in claim.assertions] == [(Quantity.DECODE, 2.0)]
    assert claim.context is None


def test_a_range_is_no_number_below_zero() -> None:
    claim = read("70B Q4 at 5-8 tok/s on dgx-spark")
    assert claim.misread == ()
    assert [(item.low, item.high) for item in claim.assertions] == [(5, 8)]


def test_a_bandwidth_may_leave_the_second_out() -> None:
    claim = read("M3 Ultra has 819 GB bandwidth")
    assert [(item.quantity, item.low) for item in claim.assertions] == [(Quantity.BANDWIDTH, 819e9)]
