"""Placement at many contexts at once: row by row what ``place`` says of one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.placement_models import MODELS, card, needs
from truelimit.perf.placement import Mode, Placement, place
from truelimit.perf.placement_many import ManyNeeds, ManyPlaced, place_many
from truelimit.perf.placement_parts import cache_groups, model_parts


def many(name: str, contexts: list[int], gib: tuple[float, ...], main: float) -> tuple[ManyPlaced, list[Placement]]:
    header = MODELS[name]
    every = [needs(header, context) for context in contexts]
    groups = [cache_groups(header, need) for need in every]
    arrays = ManyNeeds(
        np.array([need.kv_cache for need in every]),
        np.array([need.compute for need in every]),
        tuple(np.array([of[index].cells for of in groups]) for index in range(len(groups[0]))),
    )
    devices, host = [card(size) for size in gib], card(main, "main memory", kept=0)
    found = place_many(model_parts(header, every[0]), groups[0], arrays, devices, host)
    return found, [place(model_parts(header, need), devices, host) for need in every]


@given(
    name=st.sampled_from(sorted(MODELS)),
    contexts=st.lists(st.integers(64, 131_072), min_size=1, max_size=6),
    gib=st.lists(st.sampled_from([0.25, 4.0, 8.0, 12.0, 16.0, 24.0, 48.0]), min_size=1, max_size=3),
    main=st.sampled_from([16.0, 64.0]),
)
@settings(deadline=None, max_examples=60)
def test_each_row_is_what_one_placement_says(name: str, contexts: list[int], gib: list[float], main: float) -> None:
    found, singles = many(name, contexts, tuple(gib), main)
    for row, single in enumerate(singles):
        assert found.left[row] == single.tightest.left
        assert found.on_host[row] == (single.host is not None)
        memories = [*single.devices, *([single.host] if single.host else [])]
        for column, held in enumerate(memories):
            assert found.weights[row, column] == held.weights
            assert found.kv_cache[row, column] == held.kv_cache
        for column, held in enumerate(single.devices):
            assert found.blocks[row, column] == held.last - held.first
        if single.host is not None:
            assert found.first[row] == single.host.last
            assert found.moved[row] == single.host.experts_of


@pytest.mark.parametrize(
    ("name", "gib", "mode"),
    [("dense", 24.0, Mode.PARTIAL), ("experts", 12.0, Mode.EXPERTS), ("dense", 48.0, Mode.WHOLE)],
)
def test_the_kinds_of_placement_occur(name: str, gib: float, mode: Mode) -> None:
    assert many(name, [4096], (gib,), 96)[1][0].mode is mode
