"""Which evidence of speed is used: this stack, then this machine, then a published series, then a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from limits_builders import header, mac, published

from truelimit.app.plan import bare_stack
from truelimit.domain.estimates import Tier
from truelimit.domain.facts import Stack
from truelimit.domain.measurements import MeasuredModel, MeasuredServer, Measurement
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.domain.server import ServerSettings
from truelimit.limits.measured import machine_mark
from truelimit.limits.paces import Reading, Writing
from truelimit.limits.published import published_entry
from truelimit.limits.rate_case import rate_case, shape_at
from truelimit.limits.rates import reading, writing
from truelimit.limits.rates_at import read, written
from truelimit.limits.rates_estimated import Calibrated, estimated
from truelimit.tables.accelerators import accelerator
from truelimit.tables.calibration import calibration
from truelimit.tables.machines import machine
from truelimit.tables.published import published_rates
from truelimit.units import Bytes, Tokens


def stack(**changes: Any) -> Stack:
    chip = accelerator("apple-m2-ultra-76c")
    assert chip is not None
    machine = replace(mac(), accelerators=(chip,))
    own = bare_stack(header(), machine, (published(),))
    assert own.definition is not None
    own = replace(own, definition=replace(own.definition, quantization="Q4_K_M"))
    return replace(own, estimator=Calibrated(calibration()), **changes)


def measured(own: Stack, model: MeasuredModel, a: float = 1e-3, c: float = 0.02) -> Measurement:
    where, basis, deep = "http://127.0.0.1:8080", Basis.MEASURED, Tokens(16_384)
    return Measurement(
        "m1", "2026-11-20T10:00:00+00:00", where, "truelimit bench", model, machine_mark(own.machine),
        MeasuredServer("llama-server"), (),
        PrefillFit(a, 1e-8, 0.02, deep, 6, where, basis), DecodeFit(c, 1e-7, 0.02, deep, 6, where, basis),
    )  # fmt: skip


SAME = MeasuredModel("Qwen3-Coder-30B-A3B-Instruct", "qwen3moe", 30_532_122_624, None, "Q4_K_M")
DENSE = MeasuredModel("Llama-3.1-8B", "llama", 8.03e9, Bytes(4_920_000_000), "Q4_K_M")


def tiers(own: Stack) -> tuple[Tier | None, Tier | None]:
    reads, writes = reading(own), writing(own)
    return reads.tier if reads else None, writes.tier if writes else None


def test_a_measurement_of_this_stack_comes_before_all() -> None:
    own = stack()
    own = replace(own, measurements=(measured(own, DENSE), measured(own, SAME)))
    assert tiers(own) == (Tier.THIS_STACK, Tier.THIS_STACK)
    assert reading(own).fit.a == 1e-3  # type: ignore[union-attr]


def test_another_model_on_this_machine_corrects_the_estimate() -> None:
    own = stack()
    told = estimated(own)[1]
    assert told is not None
    slow = replace(own, measurements=(measured(own, DENSE, c=0.02),))
    fast = replace(own, measurements=(measured(own, DENSE, c=0.01),))
    assert tiers(slow)[1] is Tier.THIS_MACHINE
    ratio = writing(slow).fit.c / writing(fast).fit.c  # type: ignore[union-attr]
    assert ratio == pytest.approx(2.0)
    assert "Llama-3.1-8B was measured here" in writing(slow).fit.where  # type: ignore[union-attr]


def test_a_measurement_far_from_the_family_or_of_experts_corrects_nothing() -> None:
    own = stack()
    sparse = replace(DENSE, architecture="qwen3moe")
    for model, c in ((DENSE, 1.0), (sparse, 0.015)):
        other = replace(own, measurements=(measured(own, model, a=1.0, c=c),))
        assert tiers(other) == (Tier.PUBLISHED, Tier.CORRECTED)


def test_a_measurement_that_corrects_nothing_is_told_with_its_ratio() -> None:
    own = stack()
    far = replace(own, measurements=(measured(own, DENSE, a=1.0, c=1.0),))
    for found, told in ((reading(far), reading(own)), (writing(far), writing(own))):
        assert found is not None
        assert told is not None
        assert found.fit == told.fit
        (note,) = set(found.notes) - set(told.notes)
        assert "Llama-3.1-8B was measured here (truelimit bench, 2026-11-20) at " in note
        assert "beyond 2 times either way" in note
    near = replace(own, measurements=(measured(own, DENSE, a=1.0, c=1.0), measured(own, DENSE, a=1e-3, c=0.02)))
    assert not any("corrects nothing" in note for note in writing(near).notes)  # type: ignore[union-attr]


def test_a_published_series_comes_before_the_fit_and_only_with_its_cache_and_quantization() -> None:
    assert tiers(stack()) == (Tier.PUBLISHED, Tier.CORRECTED), "the series is Q8_0: it corrects writing"
    own = stack()
    eight = replace(own, definition=replace(own.definition, quantization="Q8_0"))  # type: ignore[type-var]
    assert tiers(eight) == (Tier.PUBLISHED, Tier.PUBLISHED)


def test_without_evidence_the_family_tells_and_without_devices_nothing() -> None:
    own = stack(published=())
    assert tiers(own) == (Tier.FAMILY, Tier.FAMILY)
    assert tiers(replace(own, estimator=None)) == (None, None)
    assert tiers(replace(own, machine=mac())) == (None, None)
    unknown = replace(
        own, machine=replace(own.machine, accelerators=(replace(own.machine.accelerators[0], bandwidth=None),))
    )
    assert tiers(unknown) == (None, None)


def test_an_estimate_states_its_interval_and_the_roofline() -> None:
    found = writing(stack(published=()))
    assert found is not None
    assert found.widths is not None
    assert 0 < found.widths.short < 3
    assert found.least is not None
    assert 1 / found.fit.c <= 1 / found.least[0]


def test_what_was_measured_at_one_depth_keeps_its_cost_there_and_grows_as_estimated() -> None:
    own = stack(published=())
    flat = measured(own, SAME, c=0.012)
    flat = replace(
        flat,
        prefill=PrefillFit(5e-4, 0.0, None, Tokens(512), 1, "llama-bench", Basis.MEASURED),
        decode=DecodeFit(0.012, 0.0, None, Tokens(128), 1, "llama-bench", Basis.MEASURED),
    )
    told_read, told_write = estimated(own)
    assert told_read is not None
    assert told_write is not None
    reads, writes = reading(replace(own, measurements=(flat,))), writing(replace(own, measurements=(flat,)))
    assert reads is not None
    assert writes is not None
    assert (reads.tier, writes.tier) == (Tier.THIS_STACK, Tier.THIS_STACK)
    assert (reads.fit.b, writes.fit.d) == (told_read.fit.b, told_write.fit.d)
    assert reads.fit.a * 512 + reads.fit.b * 512**2 / 2 == pytest.approx(5e-4 * 512)
    assert writes.fit.c + writes.fit.d * 128 == pytest.approx(0.012)
    assert writes.widths is not None
    assert writes.widths.deep > writes.widths.short
    assert writes.fit.basis is told_write.fit.basis, "the growth is no measurement"
    alone = writing(replace(own, measurements=(flat,), estimator=None))
    assert alone is not None
    assert alone.fit.d == 0


def test_a_series_tells_of_other_types_of_cache_by_the_same_ratio() -> None:
    own = stack()
    eight = replace(own, server=replace(own.server, settings=of_type("q8_0")))  # type: ignore[type-var]
    plain, other = writing(own), writing(eight)
    told_plain, told_other = estimated(own)[1], estimated(eight)[1]
    assert plain is not None
    assert other is not None
    assert told_plain is not None
    assert told_other is not None
    assert other.tier is Tier.CORRECTED, "the series has a cache of 16 bits: it is not published for this one"
    assert other.fit.c == pytest.approx(plain.fit.c), "the type of an empty cache costs nothing"
    assert other.fit.d / plain.fit.d == pytest.approx(told_other.fit.d / told_plain.fit.d)
    assert "the series has a cache of 16 bits" in other.fit.where
    assert other.widths is not None
    assert told_other.widths is not None
    assert other.widths.deep == told_other.widths.deep, "no run tells of that type"
    assert other.widths.short < told_other.widths.short


def of_type(kv_type: str) -> ServerSettings:
    known = Known(kv_type, "test", Basis.SPECIFIED)
    return ServerSettings(kv_type=known, kv_type_v=known)


def elsewhere(device: str, **changes: Any) -> Stack:
    """The model on another chip, with the shipped series beside it."""
    chip = accelerator(device)
    assert chip is not None
    own = stack(published=published_rates(), **changes)
    name = Known(chip.name, "test", Basis.SPECIFIED)
    return replace(own, machine=replace(own.machine, id=None, chip=name, accelerators=(chip,)))


def test_a_series_on_a_sibling_corrects_writing_in_part_and_reading_not_at_all() -> None:
    own = elsewhere("apple-m3-ultra-80c")
    plain = replace(own, published=())
    assert tiers(own) == (Tier.FAMILY, Tier.CORRECTED)
    assert tiers(plain) == (Tier.FAMILY, Tier.FAMILY)
    corrected, told, mine = writing(own), writing(plain), elsewhere("apple-m2-ultra-76c")
    assert corrected is not None
    assert told is not None
    series = published_entry(mine)
    case = rate_case(mine)
    assert series is not None
    assert series.decode is not None
    assert case is not None
    shape = shape_at(mine.header, "Q8_0")  # type: ignore[arg-type]
    assert shape is not None
    there = own.estimator.decode_fit(replace(case, shape=shape))  # type: ignore[union-attr]
    assert corrected.fit.c == pytest.approx(told.fit.c * (series.decode.c / there.c) ** 0.4)
    assert corrected.fit.d == pytest.approx(told.fit.d * (series.decode.d / there.d) ** 0.4)
    assert corrected.widths == told.widths, "no narrower than what devices left out have shown"
    assert "corrected by the published series of Apple M2 Ultra" in corrected.fit.where


def test_a_card_is_no_sibling_and_another_backend_or_cache_is_left_alone() -> None:
    assert tiers(elsewhere("rtx-4090")) == (Tier.FAMILY, Tier.FAMILY)
    assert tiers(elsewhere("apple-m3-ultra-80c", backend="vulkan"))[1] is not Tier.CORRECTED
    assert tiers(elsewhere("apple-m2-ultra-76c", backend="vulkan"))[0] is not Tier.PUBLISHED


@pytest.mark.parametrize("device", ["jetson-agx-orin-64", "jetson-agx-thor", "gb300-dgx-station"])
def test_a_chip_of_another_family_is_no_sibling_though_its_memory_is_unified(device: str) -> None:
    own = elsewhere(device)
    plain = writing(replace(own, published=()))
    assert writing(own) == plain
    assert plain is not None
    assert "corrected" not in plain.tier


def test_a_correction_makes_no_family_known() -> None:
    own = elsewhere("apple-m3-ultra-80c")
    chip = replace(own.machine.accelerators[0], family="apple-m9")
    found = writing(replace(own, machine=replace(own.machine, accelerators=(chip,))))
    assert found is not None
    assert found.tier is Tier.PHYSICS
    assert "corrected by the published series of Apple M2 Ultra" in found.fit.where


def test_several_devices_of_a_chip_rest_on_its_series_too() -> None:
    def told(on: str) -> tuple[Reading, Writing]:
        own = replace(elsewhere("dgx-spark"), machine=machine(on))
        reads, writes = reading(own), writing(own)
        assert reads is not None
        assert writes is not None
        return reads, writes

    (reads, writes), (both_read, both_write) = told("dgx-spark"), told("dgx-spark-2")
    assert (both_read.tier, both_write.tier) == (Tier.CORRECTED, Tier.CORRECTED)
    assert both_read.fit.batch == reads.fit.batch
    for tokens in (32_768, 131_072):
        ratio = read(both_read, tokens).value / read(reads, tokens).value
        assert 1.0 < ratio < 1.3, "blocks in turn: a little faster, never slower"
    for depth in (0, 131_072):
        assert written(both_write, depth).value == pytest.approx(written(writes, depth).value, rel=0.05)
    assert both_write.widths is not None
    assert both_write.widths.short > 0.13, "no narrower than the estimate's"


def test_devices_of_two_kinds_take_nothing_from_a_series_of_one() -> None:
    own = elsewhere("apple-m2-ultra-76c")
    other = accelerator("apple-m3-ultra-80c")
    assert other is not None
    mixed = replace(own, machine=replace(own.machine, accelerators=(*own.machine.accelerators, other)))
    assert Tier.PUBLISHED not in tiers(mixed)
    assert Tier.CORRECTED not in tiers(mixed)
