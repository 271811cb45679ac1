"""doctor --json and plan --json keep the names, types and enumerations that scripts rely on, on homes of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.homes import HOMES
from support.json_contract import ContractError, checked_doctor, checked_plan, load_strict
from support.shapes.shape import shape
from truelimit.cli.main import main
from truelimit.domain.calculation import evaluate

DRIVER = 512 * 2**20  # what must stay free on an accelerator beside the model
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRUELIMIT_DEBUG", "1")


def doctor(arguments: list[str], capsys: Capture) -> tuple[int, dict]:
    code = main(["doctor", *arguments, "--json"])
    out, err = capsys.readouterr()
    assert err == ""
    return code, checked_doctor(out)


def plan(arguments: list[str], capsys: Capture) -> tuple[int, dict]:
    code = main(["plan", *arguments, "--json"])
    out, err = capsys.readouterr()
    assert err == ""
    return code, checked_plan(out)


@pytest.mark.parametrize("name", HOMES)
def test_the_doctors_json_keeps_the_contract(name: str, tmp_path: Path, capsys: Capture) -> None:
    code, value = doctor(HOMES[name].arguments(tmp_path / "home"), capsys)
    assert code == HOMES[name].exit_code, value["verdict"]
    assert (code == 2) == (not value["ladders"] and not value["incidents"])


@pytest.mark.parametrize("name", HOMES)
def test_every_printed_formula_gives_its_printed_result(name: str, tmp_path: Path, capsys: Capture) -> None:
    _, value = doctor(HOMES[name].arguments(tmp_path / "home"), capsys)
    told = [calc for item in (*value["incidents"], *value["findings"]) for calc in item["calculations"]]
    for calc in (*told, *value["verdict"]["calculations"]):
        values = {term["name"]: term["value"] for term in calc["terms"]}
        assert evaluate(calc["formula"], values) == pytest.approx(calc["result"], rel=1e-9)


def test_the_checker_itself_refuses_what_the_contract_does_not_allow(tmp_path: Path, capsys: Capture) -> None:
    main(["doctor", *HOMES["demo"].arguments(tmp_path / "home"), "--json"])
    good = capsys.readouterr().out
    for old, new in (
        ('"hardware": "not-needed"', '"hardware": "maybe"'),
        ('"value": 131072', '"value": "131,072"'),
        ('"value": 131072', '"value": NaN'),
        ('"severity": "fails"', '"severity": "error"'),
        ('"cause": "prefill-exceeds-wall"', '"cause": "timeout"'),
        ('"explained": true', '"explained": "yes"'),
        ('"set_by": "agent-config"', '"set_by": "user"'),
        ('"missing": [', '"lacking": ['),
        ('"headroom_bytes": ', '"headroom_bytes": 1'),
    ):
        assert old in good
        with pytest.raises(ContractError):
            checked_doctor(good.replace(old, new, 1))


def test_the_story_of_the_demo_in_json(tmp_path: Path, capsys: Capture) -> None:
    _, value = doctor(HOMES["demo"].arguments(tmp_path / "home"), capsys)
    (ladders,) = value["ladders"]
    assert ladders["context"]["binding"]["value"] == 131_072
    assert ladders["context"]["binding"]["kind"] == "label"
    assert ladders["time"]["binding"]["value"] == 300
    assert ladders["time"]["binding"]["set_by"] == "client-library"
    (incident,) = value["incidents"]
    assert incident["cause"] == "prefill-exceeds-wall"
    assert (incident["attempts"], incident["prompt_tokens"], incident["explained"]) == (3, 146_760, True)
    assert value["verdict"]["hardware"] == "not-needed"


def test_machine_named_for_an_empty_home_is_still_nothing_to_examine(tmp_path: Path, capsys: Capture) -> None:
    code, value = doctor([*HOMES["empty"].arguments(tmp_path / "home"), "--machine", "dgx-spark"], capsys)
    assert code == 2
    assert "Nothing was found" in value["verdict"]["sentence"]


@pytest.mark.parametrize("context", [4096, 131_072, 262_144])
def test_doctor_and_plan_give_one_number_for_one_question(context: int, tmp_path: Path, capsys: Capture) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    _, told = doctor(arguments, capsys)
    _, planned = plan(["qwen3-coder-30b:v-128k", *arguments, "--context", str(context)], capsys)
    if context == 131_072:
        memory, rungs = told["ladders"][0]["memory"], told["ladders"][0]["memory"]["rungs"]
        for key in ("total_bytes", "pool_bytes", "headroom_bytes"):
            assert planned["memory"][key] == memory[key]
        by_name = {rung["name"]: rung["value"] for rung in rungs}
        assert planned["memory"]["kv_cache_bytes"] == by_name["kv-cache"] == 12 * 2**30
        assert planned["memory"]["compute_bytes"] == by_name["compute-buffer"]
        assert planned["memory"]["weights_bytes"] == by_name["weights"]
        reading = next(c for c in told["incidents"][0]["calculations"] if "served_context ** 2" in c["formula"])
        assert planned["prefill"]["seconds"]["value"] == pytest.approx(reading["result"])
    if context == 262_144:
        total = told["verdict"]["calculations"][0]["result"]
        assert planned["memory"]["total_bytes"] == total


def test_plan_of_a_shipped_model_on_a_shipped_machine(tmp_path: Path, capsys: Capture) -> None:
    home = ["--home", str(tmp_path), "--machine", "mac-studio-m2-ultra-64"]
    code, value = plan(["qwen3-coder-30b", *home, "--context", "262144"], capsys)
    memory = value["memory"]
    assert (code, memory["fits"], memory["kv_cache_bytes"]) == (0, True, 24 * 2**30)
    assert memory["pool_bytes"] == 48 * 2**30
    assert value["native_context"] == value["largest_context"] == 262_144
    assert value["prefill"]["seconds"]["value"] == pytest.approx(2076, rel=0.01)
    tiers = {point["rate"]["tier"] for point in value["decode"]}
    corrected = "fitted to the chip's family, corrected by a published series"
    assert tiers == {corrected}, "the series is Q8_0, the file Q4_K_M: it is not taken for it"


def test_plan_that_does_not_fit_says_what_would(tmp_path: Path, capsys: Capture) -> None:
    home = ["--home", str(tmp_path), "--machine", "rtx-4090"]
    code, value = plan(["qwen3-coder-30b", *home, "--context", "262,144"], capsys)
    assert code == 1
    assert value["memory"]["fits"] is False
    assert value["memory"]["headroom_bytes"] < 0
    assert 0 < value["largest_context"] < 262_144
    assert value["largest_context"] % 256 == 0
    most = value["largest_context"]
    code, value = plan(["qwen3-coder-30b", *home, "--context", str(most)], capsys)
    assert (code, value["memory"]["fits"], value["memory"]["headroom_bytes"] >= DRIVER) == (0, True, True)
    _, value = plan(["qwen3-coder-30b", *home, "--context", str(most + 256)], capsys)
    assert value["memory"]["headroom_bytes"] < DRIVER


def test_types_and_slots_of_the_cache(tmp_path: Path, capsys: Capture) -> None:
    base = ["llama-3-8b", "--home", str(tmp_path), "--context", "8192"]
    _, one = plan(base, capsys)
    _, unified = plan([*base, "--slots", "4", "--unified"], capsys)
    _, split = plan([*base, "--slots", "4", "--split"], capsys)
    _, small = plan([*base, "--slots", "4", "--split", "--kv-type", "q8_0"], capsys)
    _, mixed = plan([*base, "--kv-type", "q8_0", "--kv-type-v", "f16"], capsys)
    cache = [value["memory"]["kv_cache_bytes"] for value in (one, unified, split, small, mixed)]
    assert cache[0] == cache[1] == 8192 * 32 * 8 * (128 + 128) * 2
    assert cache[2] == 4 * cache[0]
    assert cache[3] == cache[2] * 34 // 64
    assert cache[4] == cache[0] // 2 + cache[0] // 2 * 34 // 64
    assert split["settings"]["whole_context"] == 4 * 8192
    assert one["memory"]["fits"] is one["memory"]["headroom_bytes"] is one["memory"]["pool_bytes"] is None


def test_prompt_cache_counts_against_the_room_and_never_in_the_total(tmp_path: Path, capsys: Capture) -> None:
    base = ["qwen3-coder-30b", "--home", str(tmp_path), "--machine", "mac-studio-m2-ultra-64", "--context", "262144"]
    _, without = plan(base, capsys)
    _, with_cache = plan([*base, "--prompt-cache", "32768"], capsys)
    assert without["memory"]["prompt_cache_bytes"] == 0
    assert with_cache["memory"]["prompt_cache_bytes"] == 32 * 2**30
    assert with_cache["memory"]["total_bytes"] == without["memory"]["total_bytes"]
    assert with_cache["memory"]["pool_bytes"] < without["memory"]["pool_bytes"]
    assert with_cache["memory"]["fits"] is False


def test_plan_by_file_by_store_and_by_table_agree_on_the_cache(tmp_path: Path, capsys: Capture) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    file = shape("qwen3-coder-30b-a3b", "Q4_K_M").write(tmp_path / "model.gguf")
    names = (str(file), "qwen3-coder:30b", "QWEN3-CODER:30B", "qwen3-coder-30b", "Qwen3-Coder-30B-A3B")
    plans = [plan([name, *arguments, "--context", "65536"], capsys)[1] for name in names]
    assert {value["memory"]["kv_cache_bytes"] for value in plans} == {6 * 2**30}
    assert plans[1] == {**plans[2], "model": plans[1]["model"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-model"], "neither a file, nor a model of the Ollama store"),
        (["missing.gguf"], "no such file"),
        (["."], "is a folder"),
        (["qwen3-coder-30b", "--machine", "toaster"], "'toaster' is not in the table; there are: dgx-spark"),
        (["qwen3-coder-30b", "--kv-type", "q9_9"], "'q9_9' is not one of f32, f16"),
        (["qwen3-coder-30b", "--kv-type", "q8_0", "--no-flash-attention"], "flash attention"),
        (["qwen3-coder-30b", "--slots", "100000"], "slots"),
        (["qwen3-coder-30b", "--context", "999999999999999"], "context"),
        (["qwen3-coder-30b", "--beside", "nothing"], "'nothing' is neither"),
    ],
)
def test_plans_errors_are_one_line(arguments: list[str], said: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["plan", *arguments, "--home", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e5", "9" * 5000, "\u0661\u0662", "", "4096.5"])
def test_a_context_that_is_no_positive_whole_number_is_refused(text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["plan", "qwen3-coder-30b", f"--context={text}"])
    assert stopped.value.code == 2
    assert "--context" in capsys.readouterr().err


def test_json_holds_no_number_that_is_none(tmp_path: Path, capsys: Capture) -> None:
    for name in HOMES:
        main(["doctor", *HOMES[name].arguments(tmp_path / name), "--json"])
        load_strict(capsys.readouterr().out)
