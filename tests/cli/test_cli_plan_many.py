"""plan --batch and plan --sweep at the command line: streams, forms, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest

from support.damage import run
from truelimit.cli.main import main
from truelimit.cli.plan_batch import _lines
from truelimit.cli.plan_sweep import axes_of

MAC = "mac-studio-m2-ultra-64"
SWEEP = ["plan", "qwen3-coder-30b-a3b", "--machine", MAC, "--sweep", "context=8192..262144", "quant=Q4_K_M,Q8_0"]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")


def batch(tmp_path: Path, *lines: object) -> list[dict[str, object]]:
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    code, out, err = run("plan", "--batch", str(file))
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_answers_come_in_the_order_of_the_cases(tmp_path: Path) -> None:
    model = {"params_b": 8.03, "weights_gb": 4.92, "quant": "Q4_K_M"}
    good = {"machine": "rtx-4090", "model": model, "kind": "tg", "n_tokens": 128}
    found = batch(
        tmp_path, good | {"id": 1}, "not json", "", good | {"id": ["two"], "machine": "nowhere"}, "[]", good | {"id": 3}
    )
    assert [item["id"] for item in found] == [1, None, ["two"], None, 3]
    assert [item["error"] is None for item in found] == [True, False, False, False, True]
    assert found[0]["rate"] == found[4]["rate"]
    assert set(found[0]["rate"]) == {"value", "low", "high", "basis"}  # type: ignore[call-overload]
    assert all(set(item) >= {"id", "rate", "error"} for item in found)
    assert "not JSON" in str(found[1]["error"])
    assert [item.get("line") for item in found] == [None, 2, 4, 5, None], "lines that are empty count"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"id": NaN}', '{"id": 1, "machine": "\\ud800"}', "\ufeff{}", "nul\x00"]
)
def test_odd_lines_are_answered(text: str, tmp_path: Path) -> None:
    (found,) = batch(tmp_path, text)
    assert found["rate"] is None
    assert found["error"]


def test_lines_are_read_one_by_one_and_bounded() -> None:
    long = b'{"id": "' + b"x" * 2_000_000 + b'"}\n'
    assert list(_lines(io.BytesIO(b"{}\n\n" + long + b"[]"))) == [(1, b"{}\n"), (3, None), (4, b"[]")]


def test_a_batch_that_is_not_there_is_one_line() -> None:
    code, out, err = run("plan", "--batch", "no-such-file.jsonl")
    assert (code, out) == (2, "")
    assert "no-such-file.jsonl" in err


def test_without_a_model_the_usage_is_told() -> None:
    code, out, err = run("plan", "--context", "4096")
    assert (code, out) == (2, "")
    assert "MODEL is missing" in err


def test_the_sweep_as_csv_has_a_row_for_each_point() -> None:
    code, out, err = run(*SWEEP, "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 12
    assert {row["quant"] for row in rows} == {"Q4_K_M", "Q8_0"}
    assert [int(row["context"]) for row in rows[:6]] == [8192, 16_384, 32_768, 65_536, 131_072, 262_144]
    for row in rows:
        assert float(row["decode_low"]) <= float(row["decode_tokens_per_s"]) <= float(row["decode_high"])
        assert (int(row["headroom_bytes"]) >= 0) is (row["fits"] == "true")


def test_the_sweep_agrees_with_the_plan() -> None:
    _, out, _ = run(*SWEEP, "--json")
    rows = json.loads(out)["rows"]
    _, told, _ = run(
        "plan", "qwen3-coder-30b-a3b", "--machine", MAC, "--context", "131072", "--quant", "Q8_0", "--json"
    )
    plan = json.loads(told)
    row = next(item for item in rows if (item["quant"], item["context"]) == ("Q8_0", 131_072))
    assert row["total_bytes"] == plan["memory"]["total_bytes"]
    assert row["headroom_bytes"] == plan["memory"]["headroom_bytes"]
    assert row["decode"]["value"] == pytest.approx(plan["decode"][2]["rate"]["value"])
    assert row["prefill_seconds"]["value"] == pytest.approx(plan["prefill"]["seconds"]["value"])
    assert row["prefill_seconds"]["low"] == pytest.approx(plan["prefill"]["seconds"]["low"])


def test_the_sweep_as_a_table_and_as_a_summary() -> None:
    _, few, _ = run(*SWEEP, "--width", "120")
    assert few.count(MAC) == 12
    _, many, _ = run(*SWEEP[:-2], "context=256..262144..256", "--width", "120")
    assert "1,024 plans" in many
    assert many.count(MAC) == 1


def test_a_chart_in_the_terminal_and_in_files(tmp_path: Path) -> None:
    _, text, _ = run(*SWEEP, "--plot", "--plot-y", "total", "--width", "80")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "256K" in text
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    assert run(*SWEEP, "--plot", str(svg))[0] == 0
    root = ET.fromstring(svg.read_text(encoding="utf-8"))
    assert len(root.findall("{*}polyline")) == 2
    assert run(*SWEEP, "--plot", str(png))[0] == 0
    assert pixels(png.read_bytes())


def pixels(data: bytes) -> set[int]:
    """The colours of a palette PNG, its lengths and sums checked."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, width, rows = 8, 0, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        width = int.from_bytes(body[:4], "big") if kind == b"IHDR" else width
        rows += zlib.decompress(body) if kind == b"IDAT" else b""
        at += 12 + size
    assert len(rows) % (width + 1) == 0
    return set(rows)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["contxt=1"], "did you mean context"),
        (["context"], "KEY=VALUES"),
        (["context=9..2"], "no range"),
        (["context=0"], "no count of tokens"),
        (["context=1..99999999..1"], "no range"),
        (["machine=nowhere-1"], "not in the table"),
        (["quant=Q9_9"], "Q9_9"),
        (["kv-type=q7"], "q7"),
        (["slots=0"], "whole number"),
        (["context=,"], "no value"),
    ],
)
def test_an_axis_that_cannot_be_read_is_one_line(extra: list[str], words: str) -> None:
    code, out, err = run("plan", "qwen3-coder-30b-a3b", "--machine", MAC, "--sweep", *extra)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--plot", "x.jpg"], ".svg or .png"),
        (["--plot", "--plot-y", "beauty"], "there are: decode"),
        (["--plot", "--csv"], "--plot draws, --csv prints"),
        (["--csv", "--json"], "--csv and --json are two forms"),
        (["--plot-y", "total"], "add --plot"),
        (["--deadline", "10"], "leave out --deadline"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_one_line(extra: list[str], words: str) -> None:
    code, _, err = run(*SWEEP, *extra)
    assert code == 2
    assert words in err


def test_ranges_double_or_step() -> None:
    assert axes_of(["context=1000..9000"], 1, None).contexts == (1000, 2000, 4000, 8000, 9000)
    assert axes_of(["context=512,1024..2048..512"], 1, None).contexts == (512, 1024, 1536, 2048)
    assert axes_of(["slots=1,4"], 77, None).slots == (1, 4)
    assert axes_of(["slots=1,4"], 77, None).contexts == (77,)


def test_this_machine_is_one_of_a_batch_with_what_was_measured_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from truelimit.app.machines import Entry
    from truelimit.tables.machines import machine

    own = machine(MAC)
    monkeypatch.setattr("truelimit.cli.machines.this_machine", lambda **_: Entry("this", "machine", own))
    model = {"model": "llama-3.1-8b", "kind": "tg", "n_tokens": 1, "depth": 4096}
    here, there = batch(tmp_path, model | {"machine": "this"}, model | {"machine": MAC})
    assert here["error"] is None
    assert here["rate"] == there["rate"]
    code, out, _ = run("plan", "llama-3.1-8b", "--machine", MAC, "--context", "4096", "--json")
    assert code == 0
    assert json.loads(out)["decode"][-1]["rate"]["value"] == pytest.approx(here["rate"]["value"])  # type: ignore[index]


def test_a_backend_that_the_machine_does_not_have_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "qwen3-8b", "--machine", "dgx-spark", "--backend", "metal", "--context", "8192"]) == 2
    assert "backend metal does not run on NVIDIA DGX Spark; there are: cpu, cuda" in capsys.readouterr().err


def test_a_context_beyond_the_trained_one_is_no_lack_of_memory(capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "qwen3-coder-30b-a3b", "--machine", "dgx-spark", "--context", "300000", "--width", "200"])
    told = capsys.readouterr().out
    assert "driver's own buffers" not in told
    assert "the model was trained for 262,144 tokens" in told
