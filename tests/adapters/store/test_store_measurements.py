"""The kept measurements: read back as written, each once, damage counted, nothing lost."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.bench_made import seen
from truelimit.adapters.store.measurement_json import decode, encode, identified
from truelimit.adapters.store.measurements import NAME, MeasurementStore, measurements
from truelimit.app.bench_ports import BenchError
from truelimit.bench.fits import fits_of
from truelimit.bench.points import points_of
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.measurements import MeasuredMachine, MeasuredModel, MeasuredServer, Measurement
from truelimit.limits.measured import matching, measured_rates
from truelimit.units import Bytes, Tokens


def made(taken: str = "2026-11-25T12:00:00+00:00", partial: bool = False) -> Measurement:
    points = points_of([seen(depth, run, factor=1 + run / 50) for run in range(3) for depth in (512, 4096, 16384)])
    fits = fits_of(points.prefill, points.decode)
    return identified(
        Measurement(
            "",
            taken,
            "http://127.0.0.1:8080",
            "truelimit bench",
            MeasuredModel("qwen3:8b", "qwen3", 8.2e9, Bytes(5_200_000_000), "Q4_K_M"),
            MeasuredMachine(None, "Apple M2 Ultra", Bytes(64 * 2**30)),
            MeasuredServer("llama-server", "b11549", "http://127.0.0.1:8080", context=Tokens(32768)),
            fits.points,
            fits.prefill,
            fits.decode,
            fits.prefill_ranges,
            fits.decode_ranges,
            partial,
            ("ubatch 512",),
            ("a note",),
        )
    )


def test_what_is_written_is_read_back_to_the_bit(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path)
    assert store.all().measurements == ()
    assert store.add(made()) == (made(),)
    assert store.all().measurements == (made(),)
    assert measurements(tmp_path) == (made(),)
    assert decode(encode(made())) == made()


def test_the_same_run_is_kept_once(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path)
    store.add(made(), made())
    assert store.add(made()) == ()
    assert len(store.all().measurements) == 1
    other = made("2026-11-26T12:00:00+00:00")
    assert store.add(other) == (other,)
    assert [item.taken[:10] for item in store.all().measurements] == ["2026-11-25", "2026-11-26"]


def test_damaged_lines_are_counted_and_stay(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path)
    store.add(made())
    with store.path.open("ab") as file:
        file.write(b'not json\n\xff\xfe\n{"schema": "other/1"}\n{"schema": "truelimit.measurement/1"')
    store.add(made("2026-11-26T12:00:00+00:00"))
    found = store.all()
    assert len(found.measurements) == 2, "a line that broke off does not swallow the next"
    assert "4 damaged lines" in found.missing[0].why
    assert b"not json" in store.path.read_bytes()


def test_the_data_folder_of_the_environment_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "own"))
    MeasurementStore().add(made())
    assert (tmp_path / "own" / NAME).is_file()
    assert measurements() == (made(),)


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_the_file_is_for_the_user_alone(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path / "new")
    store.add(made())
    assert store.path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BenchError, match="TRUELIMIT_DATA_DIR") as caught:
        MeasurementStore(tmp_path / "file" / "deep").add(made())
    assert "\n" not in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(json.loads(encode(made())))), _JSON)
def test_any_value_in_any_place_is_read_or_refused(key: str, value: object) -> None:
    line = json.loads(encode(made())) | {key: value}
    try:
        found = decode(json.dumps(line))
    except ValueError:
        return
    assert all(point.tokens > 0 and point.seconds > 0 for point in found.points)
    encode(replace(found, notes=()))


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["model", "machine", "server", "prefill", "decode", "prefill_ranges", "decode_ranges"]),
    _JSON,
    st.data(),
)
def test_any_value_in_any_part_is_read_or_refused(part: str, value: object, data: st.DataObject) -> None:
    line = json.loads(encode(made()))
    line[part][data.draw(st.sampled_from(sorted(line[part])))] = value
    try:
        found = decode(json.dumps(line))
    except ValueError:
        return
    encode(found)
    assert matching([found], UNKNOWN_MACHINE, found.model) == ()
    measured_rates([found], found.model.name, "http://127.0.0.1:8080")
