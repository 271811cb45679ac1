"""The engine's own numbers for every model of true shape, recorded: what the real test asks anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.shapes.shape import names, shape
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_cache
from truelimit.units import to_mib

RECORDED = Path(__file__).parents[1] / "samples" / "llamacpp_memory" / "shapes.jsonl"
ROWS = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
CASES = {
    "long": (CacheSettings(32_768), True),
    "pool": (CacheSettings(20_000, 4, True, "q8_0", "q8_0"), True),
    "apart": (CacheSettings(65_536, 3, False, ubatch=1024), True),
    "no-flash": (CacheSettings(8192), False),
    "full-windows": (CacheSettings(131_072, ubatch=2048, swa_full=True), True),
    "apart-no-flash": (CacheSettings(32_768, 2, False, ubatch=256), False),
}


def test_every_shape_is_recorded_in_every_case() -> None:
    assert {(row["shape"], row["case"]) for row in ROWS} == {(name, case) for name in names() for case in CASES}
    assert len(ROWS) == len(names()) * len(CASES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['shape']}-{row['case']}")
def test_cache_and_state_to_the_hundredth(row: dict[str, Any]) -> None:
    settings, flash = CASES[row["case"]]
    ours = kv_cache(layout_of(shape(row["shape"]).header()), settings, flash_attention=flash)
    assert row["kv"] or row["state"]
    for size, told in ((ours.kv, row["kv"]), (ours.state, row["state"])):
        assert abs(to_mib(size) - sum(told)) <= sum(0.005 + number * 2**-23 for number in told)
