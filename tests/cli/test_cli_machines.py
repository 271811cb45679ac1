"""truelimit machines: lists, one, several side by side, this one; every form of output."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from truelimit.adapters.host import measured, probe
from truelimit.cli import machines
from truelimit.cli.machines import run
from truelimit.units import GIB


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert run(argv) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_the_list_has_machines_and_accelerators(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--width", "200")
    assert "mac-studio-m2-ultra-64" in text
    assert "rtx-4090" in text
    assert "6,950 USD (2026-10-02" in text


def test_filters(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "list", "--vendor", "apple", "--min-memory", "256", "--json"))["machines"]
    assert {item["id"] for item in found} == {
        "mac-studio-m3-ultra-256",
        "mac-studio-m3-ultra-512",
        "apple-m3-ultra-60c",
        "apple-m3-ultra-80c",
        "apple-m5-ultra-80c",
    }
    text = said(capsys, "list", "--kind", "cpu", "--family", "apple")
    assert text == "No machine of the table is like that.\n"


def test_one_with_every_source_and_price(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "show", "dgx-spark", "--width", "200")
    for part in (
        "NVIDIA DGX Spark (dgx-spark)",
        "273 GB/s  specified  table accelerators/dgx-spark.toml, bandwidth_gb_per_s",
        "2025-01     3,000  stale",
        "as announced (aiwiki.ai",
        "came with 64, 128 GiB",
    ):
        assert part in text


def test_json_of_one_gives_plain_numbers_with_source_and_basis(capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads(said(capsys, "show", "threadripper-2x-rx-7900-xtx", "--json"))
    assert value["schema"] == "truelimit.machines/1"
    (item,) = value["machines"]
    (device,) = item["accelerators"]
    assert (device["count"], device["bandwidth_bytes_per_s"]["value"]) == (2, 960e9)
    assert device["bandwidth_bytes_per_s"]["basis"] == "specified"
    assert [pool["capacity_bytes"]["value"] for pool in item["pools"]] == [24 * GIB, 24 * GIB, 128 * GIB]
    assert item["link"]["bytes_per_s"]["value"] == 31.5e9


def test_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "compare", "dgx-spark", "rtx-4090", "threadripper-2x-rx-7900-xtx", "--width", "160")
    rows = {line[:22].strip(): line[22:].split() for line in text.splitlines()}
    assert rows["memory"] == ["128.0", "GiB", "24.0", "GiB", "48.0", "GiB"]
    assert rows["bandwidth"] == ["273", "GB/s", "1,008", "GB/s", "2", "x", "960", "GB/s"]
    assert rows["USD per GiB"] == ["54.3", "75.0", "37.5"]
    assert rows["GB/s per USD"] == ["0.039", "0.560", "1.067"]
    narrow = said(capsys, "compare", "dgx-spark", "rtx-4090", "rtx-5090", "--width", "60")
    assert max(map(len, narrow.splitlines())) <= 60


def test_csv_and_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(csv.DictReader(StringIO(said(capsys, "compare", "dgx-spark", "rtx-4090", "--csv"))))
    assert [(line["id"], line["bandwidth_bytes_per_s"]) for line in lines] == [
        ("dgx-spark", "273000000000"),
        ("rtx-4090", "1008000000000"),
    ]
    text = said(capsys, "show", "rtx-4090", "--markdown")
    assert "| NVIDIA GeForce RTX 4090, bandwidth | 1,008 GB/s |" in text


def test_a_file_of_the_user(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "Mine"\nmemory_gib = 48\nbandwidth_gb_per_s = 1500\n', encoding="utf-8")
    assert "1,500 GB/s  assumed  your file mine.toml" in said(capsys, "show", str(file), "--width", "120")


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (("show", "mac-studio-m3-ultra-192"), "its sizes were 96, 256 and 512 GB"),
        (("show", "rtx4090"), "nearest: rtx-4090"),
        (("show",), "show needs 1 or more names"),
        (("compare", "dgx-spark"), "compare needs 2 or more names"),
        (("list", "dgx-spark"), "expected truelimit machines show dgx-spark"),
        (("list", "--measure"), "--measure is for this machine"),
        (("show", "none.toml"), "none.toml"),
    ],
)
def test_what_cannot_be_done_is_said(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], part: str) -> None:
    text = said(capsys, *argv, code=2)
    assert part in text
    assert "Traceback" not in text


@pytest.mark.parametrize("argv", [("--min-memory", "-1"), ("--min-memory", "nan"), ("--kind", "fast"), ("sell",)])
def test_wrong_options(argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(argv)
    assert ended.value.code == 2


def test_this_machine_and_its_measurement(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path))
    before = json.loads(said(capsys, "show", "this", "--json"))["machines"][0]
    assert before["pools"][0]["capacity_bytes"]["basis"] == "measured"
    rates = probe.Rates(GIB, 6e10, 5e10, 1e12)  # type: ignore[arg-type]
    monkeypatch.setattr(measured, "measure", lambda *_: rates)
    after = json.loads(said(capsys, "show", "this", "--measure", "--json"))["machines"][0]
    rates_of_memory = [pool["bandwidth_bytes_per_s"] for pool in after["pools"] if pool["kind"] == "ram"]
    assert all(rate["value"] == 6e10 and rate["basis"] == "measured" for rate in rates_of_memory)
    assert (tmp_path / "machine.json").exists()


def test_measuring_that_cannot_be_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise probe.ProbeError("measuring needs numpy")

    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(measured, "measure", refuse)
    assert "measuring needs numpy" in said(capsys, "show", "this", "--measure", code=2)


def test_progress_is_for_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    machines._progress("reading", 0.5)
    assert capsys.readouterr().err == ""


def test_an_unknown_vendor_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'nvidea' is not in the table; nearest: nvidia" in said(capsys, "list", "--vendor", "nvidea", code=2)


def test_an_unknown_family_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nearest: nvidia-blackwell" in said(capsys, "list", "--family", "nvidia-blackwal", code=2)


def test_a_list_prices_several_cards_as_advise_does_and_says_of_what(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "list", "--width", "250")
    line = next(line for line in text.splitlines() if line.startswith("pc-2x-rtx-5090"))
    assert "4,000 USD (2026-09, the cards alone)" in line
