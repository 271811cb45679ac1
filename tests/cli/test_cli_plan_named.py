"""plan at the command line: what it refuses, what it marks, and what it names."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cli.test_cli_plan_many import MAC, batch, pixels
from support.damage import run


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")


BEYOND = ["plan", "qwen3-8b", "--machine", "pc-rtx-4090", "--width", "200"]


def test_a_context_beyond_the_trained_one_is_told_in_the_headline_and_in_json() -> None:
    code, out, _ = run(*BEYOND, "--context", "131072")
    assert code == 0
    assert "beyond what it was trained for: 40,960 tokens; it needs rope scaling" in out.splitlines()[0]
    assert "Nothing has to change" not in out
    assert json.loads(run(*BEYOND, "--context", "131072", "--json")[1])["beyond_native_context"] is True
    assert json.loads(run(*BEYOND, "--context", "40960", "--json")[1])["beyond_native_context"] is False
    assert "beyond" not in run(*BEYOND, "--context", "40960")[1]


def test_a_sweep_marks_contexts_beyond_the_trained_one() -> None:
    asked = [*BEYOND, "--sweep", "context=8192,131072"]
    _, text, _ = run(*asked)
    assert "131,072 *" in text
    assert "* beyond what it was trained for: 40,960 tokens" in text
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--csv")[1])))
    assert [row["beyond_native_context"] for row in rows] == ["false", "true"]
    told = json.loads(run(*asked, "--json")[1])["rows"]
    assert [row["beyond_native_context"] for row in told] == [False, True]
    _, summary, _ = run(*BEYOND, "--sweep", "context=256..131072..256")
    assert "contexts above 40,960 tokens are beyond what it was trained for" in summary


def test_a_case_beyond_the_trained_context_says_so(tmp_path: Path) -> None:
    case = {"machine": "rtx-4090", "model": "qwen3-8b", "kind": "tg", "n_tokens": 1}
    near, far = batch(tmp_path, case | {"depth": 8192}, case | {"depth": 131_072})
    assert "beyond what the model was trained for (40,960)" in str(far["notes"])
    assert "beyond" not in str(near["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kv-type", "q9"], "--kv-type: KV cache type 'q9' is not one of f32, f16"),
        (["--kv-type-v", "q9"], "--kv-type-v: KV cache type 'q9' is not one of f32, f16"),
        (["--slots", "100000"], "--slots is 100,000; expected 1 to 256"),
        (["--context", "99999999999"], "--context is 99,999,999,999; expected 1 to 2,147,483,648"),
    ],
)
def test_an_option_that_cannot_be_is_named(words: list[str], said: str) -> None:
    code, _, err = run(*BEYOND, *words)
    assert code == 2
    assert said in err
    assert "table models" not in err


def test_settings_that_the_engine_refuses_are_not_the_fault_of_the_table() -> None:
    code, _, err = run(*BEYOND, "--kv-type-v", "q8_0", "--kv-type", "f16", "--no-flash-attention")
    assert code == 2
    assert "needs flash attention" in err
    assert "table models" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--csv"], "add --sweep context=8192..131072 to --csv"),
        (["--plot"], "add --sweep context=8192..131072 to --plot"),
        (["--plot-y", "foo"], "add --sweep context=8192..131072 to --plot-y"),
        (["--batch", "x.jsonl"], "tell it in each case, or leave out MODEL, --machine"),
        (["--batch", "x.jsonl", "--csv"], "--csv"),
        (["--batch", "x.jsonl", "--sweep", "context=1024"], "--sweep"),
        (["--split-mode", "tensor"], "add --devices N"),
        (["--split-mode", "tensor", "--offload"], "leave out --split-mode tensor"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(words: list[str], said: str) -> None:
    code, out, err = run(*BEYOND, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_key_of_a_case_that_nobody_knows_is_noted(tmp_path: Path) -> None:
    case = {"id": 1, "machine": "rtx-4090", "model": "qwen3-8b", "kind": "tg", "n_tokens": 1}
    known, other = batch(tmp_path, case, case | {"dept": 8192})
    assert other["rate"] == known["rate"]
    assert other["notes"] == [*known["notes"], "the key 'dept' is not known and was not used; nearest: depth"]  # type: ignore[misc]


def test_this_machine_is_one_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from truelimit.app.machines import Entry
    from truelimit.tables.machines import machine

    monkeypatch.setattr("truelimit.cli.machines.this_machine", lambda **_: Entry("this", "machine", machine(MAC)))
    asked = ["plan", "qwen3-8b", "--context", "8192", "--json"]
    assert run(*asked, "--machine", "this") == run(*asked, "--machine", MAC)
    swept = ["plan", "qwen3-8b", "--csv", "--sweep", "context=8192"]
    assert run(*swept, "machine=this") == run(*swept, f"machine={MAC}")


def test_rates_that_are_not_known_name_what_measures_them(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('kind = "cpu"\nmemory_gib = 64\nname = "x"\n', encoding="utf-8")
    _, out, _ = run("plan", "qwen3-8b", "--machine", str(file), "--context", "8192", "--width", "300")
    assert "truelimit machines show this --measure" in out
    assert "truelimit bench" in out


UNFIT = ["plan", "qwen3-coder-30b-a3b", "--sweep", "machine=pc-rtx-4090,dgx-spark", "context=8192..262144"]


def test_the_table_of_a_sweep_says_what_fits() -> None:
    _, out, _ = run(*UNFIT, "--width", "200")
    lines = [line for line in out.splitlines() if line.startswith("pc-rtx-4090")]
    assert [" yes " in line for line in lines] == [True, True, True, True, False, False]
    assert [" no " in line for line in lines] == [False, False, False, False, True, True]


def test_a_chart_sets_what_does_not_fit_apart(tmp_path: Path) -> None:
    _, text, _ = run(*UNFIT, "--plot", "--width", "90")
    assert sum(line.count("!") for line in text.splitlines()) == 3, "two points and the legend"
    assert "! it does not fit" in text
    assert "!" not in run(*UNFIT[:-2], "machine=dgx-spark", "context=8192..262144", "--plot", "--width", "90")[1]
    svg, png = tmp_path / "a.svg", tmp_path / "a.png"
    run(*UNFIT, "--plot", str(svg))
    root = ET.fromstring(svg.read_text(encoding="utf-8"))
    dashed = [item for item in root.findall("{*}path") if item.get("stroke-dasharray")]
    assert [len(item.get("d", "").split()) for item in dashed] == [3]
    hollow = [item for item in root.findall("{*}circle") if item.get("fill") == "#ffffff"]
    assert len(hollow) == 3, "two points and the legend"
    assert "hollow, dashed: it does not fit" in "".join(root.itertext())
    run(*UNFIT, "--plot", str(png))
    held = tmp_path / "b.png"
    run(*UNFIT[:-2], "machine=dgx-spark,mac-studio-m3-ultra-96", "context=8192..262144", "--plot", str(held))
    assert pixels(png.read_bytes())
    heights = [int.from_bytes(file.read_bytes()[20:24], "big") for file in (png, held)]
    assert heights[0] == heights[1] + 18, "a line of the legend more"


def test_slow_rates_keep_two_digits_that_count() -> None:
    asked = ["plan", "llama-3.1-405b", "--machine", "raspberry-pi-5-16", "--context", "4096", "--width", "300"]
    told = [line for line in run(*asked)[1].splitlines() if "tokens/s at depth" in line]
    assert told
    assert not any(" 0.0 " in line or "(0.0 to" in line for line in told)
    assert " 0.0 tokens/s" not in run(*asked[:4], "--width", "300", "--sweep", "context=4096")[1]


def test_limits_are_words_of_every_language() -> None:
    from truelimit.report.plan_more import _LIMITS

    assert set(_LIMITS) == {"native", "memory", "time"}
