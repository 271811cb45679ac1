"""``truelimit model``: every kind of reference, the same numbers in text and JSON, errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.homes import HOMES
from support.json_contract import load_strict
from support.shapes.shape import shape
from truelimit.app.describe_model import describe
from truelimit.app.model import FoundModel, ModelWish
from truelimit.cli.model import run
from truelimit.cli.plan import run as run_plan
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.tables.models import model as shipped_model
from truelimit.units import Bytes


def known(name: str) -> ModelHeader:
    header = shipped_model(name)
    assert header is not None
    return header


Capture = pytest.CaptureFixture[str]
CONFIG = {
    "model_type": "qwen3", "head_dim": 128, "hidden_size": 256, "intermediate_size": 512,
    "max_position_embeddings": 4096, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
    "tie_word_embeddings": True, "vocab_size": 1000,
}  # fmt: skip
OWN = """
name = "Mine"
architecture = "llama"
[metadata]
"llama.context_length" = 8192
"llama.block_count" = 2
"llama.embedding_length" = 256
"llama.feed_forward_length" = 512
"llama.attention.head_count" = 4
"llama.attention.head_count_kv" = 2
"llama.vocab_size" = 1000
"""


def told(arguments: list[str], home: Path, capsys: Capture) -> dict[str, Any]:
    assert run([*arguments, "--home", str(home), "--json"]) == 0
    return load_strict(capsys.readouterr().out)  # type: ignore[no-any-return]


def text(arguments: list[str], home: Path, capsys: Capture) -> str:
    assert run([*arguments, "--home", str(home), "--width", "100"]) == 0
    return capsys.readouterr().out


def test_a_model_of_the_table(tmp_path: Path, capsys: Capture) -> None:
    value = told(["qwen3-coder:30b"], tmp_path, capsys)
    assert value["schema"] == "truelimit.model/1"
    assert value["parameters"]["value"] == 30_532_122_624
    assert value["active_parameters"]["value"] == 3_353_032_704
    assert value["weights_bytes"] == {
        "value": 18_550_716_416,
        "where": value["weights_bytes"]["where"],
        "basis": "derived",
    }
    assert sum(part["bytes"] for part in value["tensors"]) == 18_550_716_416
    assert sum(part["parameters"] for part in value["tensors"]) == 30_532_122_624
    assert value["attention"]["groups"][0]["key_length"]["value"] == 128
    sizes = {row["kv_type"]: (row["bytes_per_token"], row["bytes"]) for row in value["cache"]}
    assert sizes == {
        "f16": (98_304, 24 * 2**30),
        "q8_0": (52_224, 24 * 2**30 * 34 // 64),
        "q4_0": (27_648, 24 * 2**30 * 18 // 64),
    }
    page = text(["qwen3-coder:30b"], tmp_path, capsys)
    assert "30.53 B parameters, of which a token uses 3.35 B; weights 17.3 GiB (18.55 GB)" in page
    assert "key length 128: qwen3moe.attention.key_length" in page.replace("\n  ", " ")


def test_a_gguf_file_of_true_shape(tmp_path: Path, capsys: Capture) -> None:
    file = shape("qwen3-coder-30b-a3b", "Q4_K_M").write(tmp_path / "model.gguf")
    value = told([str(file)], tmp_path, capsys)
    assert value["parameters"]["value"] == 30_532_122_624
    assert value["weights_bytes"]["basis"] == "measured"
    assert value["weights_bytes"]["value"] == pytest.approx(18_550_716_416, rel=0.001)
    assert list(value["types"]) == ["Q4_K", "Q6_K", "F32"]
    assert value["chat_template"] is False
    other = told([str(file), "--quant", "Q8_0"], tmp_path, capsys)
    assert other["weights_bytes"]["value"] == pytest.approx(32.478e9, rel=0.0005)
    assert other["quantization"] == "Q8_0"


def test_a_file_that_is_cut_off_is_named_so(tmp_path: Path, capsys: Capture) -> None:
    """A download that broke off is a common fault; its sizes are those that its header promises."""
    file = shape("llama-3-8b", "Q4_K_M").write(tmp_path / "model.gguf")
    assert told([str(file)], tmp_path, capsys)["notes"] == []
    with file.open("r+b") as content:
        content.truncate(file.stat().st_size // 2)
    (note,) = told([str(file)], tmp_path, capsys)["notes"]
    assert note.startswith("the file is incomplete: 2,456,")
    assert "the file is incomplete: 2,456," in text([str(file)], tmp_path, capsys)
    options = [str(file), "--home", str(tmp_path), "--machine", "dgx-spark", "--context", "4096", "--json"]
    assert run_plan(options) == 0
    assert note in load_strict(capsys.readouterr().out)["notes"]


def test_context_and_type_of_the_cache(tmp_path: Path, capsys: Capture) -> None:
    value = told(["llama-3.1-8b", "--context", "8,192", "--kv-type", "q8_0"], tmp_path, capsys)
    assert [(row["kv_type"], row["context"], row["bytes"]) for row in value["cache"]] == [
        ("q8_0", 8192, 8192 * 32 * 8 * 256 * 34 // 32)
    ]


def test_a_type_that_the_engine_refuses_is_said_in_its_row(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "odd.toml").write_text(OWN.replace('count" = 4', 'count" = 16'), encoding="utf-8")
    value = told([str(tmp_path / "odd.toml")], tmp_path, capsys)
    rows = {row["kv_type"]: row["refused"] for row in value["cache"]}
    assert rows["f16"] is None
    assert "do not divide the key length 16" in rows["q8_0"]


def test_a_head_length_that_was_derived_says_so(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    value = told([str(tmp_path / "own.toml")], tmp_path, capsys)
    key = value["attention"]["groups"][0]["key_length"]
    assert (key["value"], key["basis"]) == (64, "derived")
    assert "key length 64: DERIVED:" in text([str(tmp_path / "own.toml")], tmp_path, capsys)


def test_a_hugging_face_folder(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    tokenizer = {"tokenizer_class": "Qwen2Tokenizer", "chat_template": "{{ x }}"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    value = told([str(folder)], tmp_path, capsys)
    assert (value["model"], value["tokenizer"]["type"], value["chat_template"]) == ("tiny", "Qwen2Tokenizer", True)
    assert value["weights_bytes"]["basis"] == "derived"
    rows = json.dumps({"a": {"dtype": "BF16", "shape": [10, 100], "data_offsets": [0, 2000]}}).encode()
    (folder / "model.safetensors").write_bytes(len(rows).to_bytes(8, "little") + rows + bytes(2000))
    for name in (str(folder), str(folder / "config.json")):
        value = told([name], tmp_path, capsys)
        assert (value["weights_bytes"]["value"], value["weights_bytes"]["basis"]) == (2000, "measured")
        assert value["types"] == {"BF16": 2000}
    assert run_plan([str(folder), "--home", str(tmp_path), "--json"]) == 0
    assert load_strict(capsys.readouterr().out)["memory"]["kv_cache_bytes"] == 4096 * 2 * 2 * 256 * 2


def test_a_name_of_a_server_wins_over_the_table(tmp_path: Path, capsys: Capture) -> None:
    arguments = HOMES["demo"].arguments(tmp_path / "home")
    assert run(["qwen3-coder:30b", *arguments, "--json"]) == 0
    value = load_strict(capsys.readouterr().out)
    assert "table models" not in value["source"]
    assert value["parameters"]["value"] == 30_532_122_624


def test_a_model_known_by_the_length_of_its_file_keeps_that_size() -> None:
    header = ModelHeader(
        "a server", Basis.REPORTED, "llama", dict(known("llama-3-8b").metadata), file_bytes=Bytes(5_000)
    )
    facts = describe(FoundModel(header, quantization="Q5_K_M"), ModelWish())
    assert facts.weights is not None
    assert (facts.weights.value, facts.quantization, facts.classes) == (5_000, "Q5_K_M", ())
    asked = describe(FoundModel(header, quantization="Q5_K_M"), ModelWish("Q8_0"))
    assert asked.weights is not None
    assert asked.weights.value == pytest.approx(8.533e9, rel=0.001)


def test_what_is_not_known_is_said(tmp_path: Path, capsys: Capture) -> None:
    value = told(["trinity-mini"], tmp_path, capsys)
    assert value["tensors"] == []
    assert value["weights_bytes"]["basis"] == "assumed"
    assert [item["fact"] for item in value["missing"]] == ["tensors by class"]
    odd = OWN.replace("llama", "nothing-known")
    (tmp_path / "odd.toml").write_text(odd, encoding="utf-8")
    value = told([str(tmp_path / "odd.toml")], tmp_path, capsys)
    assert value["attention"] is value["weights_bytes"] is value["parameters"] is None
    assert len(value["missing"]) == 4


def test_the_list_of_models(tmp_path: Path, capsys: Capture) -> None:
    assert run(["list", "--json"]) == 0
    models = load_strict(capsys.readouterr().out)["models"]
    assert {"id", "model", "aliases", "parameters", "active_parameters", "native_context", "source"} <= set(models[0])
    assert len(models) >= 90
    assert run(["list", "--markdown"]) == 0
    assert "qwen3-coder-30b-a3b" in capsys.readouterr().out


@pytest.mark.parametrize("form", [[], ["--markdown"], ["--width", "40"]])
@pytest.mark.parametrize("name", ["deepseek-v4-flash", "gemma-4-e4b", "nemotron-3-nano-30b-a3b", "7b-dense"])
def test_every_kind_of_attention_can_be_printed(name: str, form: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert run([name, "--home", str(tmp_path), *form]) == 0
    assert "parameters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["qwen3-codr:30b"], "nearest in the table: qwen3-coder:30b"),
        (["none.gguf"], "no such file"),
        (["none.toml"], "expected a TOML file of a model"),
        (["."], "is a folder without config.json; expected a GGUF file, a folder with config.json"),
        (["llama-3-8b", "--quant", "Q9"], "quantisation 'Q9' is not known; there are: F32"),
        (["llama-3-8b", "--kv-type", "q9"], "'q9' is not one of f32, f16"),
        (["llama-3-8b", "--context", "99999999999"], "context"),
        (["x" * 5000], "neither a file"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*arguments, "--home", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert len(err) < 1200


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "\u0661"])
def test_a_context_of_nonsense_is_refused(text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(["llama-3-8b", f"--context={text}"])
    assert stopped.value.code == 2
    assert "--context" in capsys.readouterr().err


BARE = 'name = "Bare"\narchitecture = "{}"\nparameters = 7000000000\n'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("four.gguf", "GGUF", "four.gguf: the file ends after 4 bytes (expected the header of a GGUF file)"),
        ("two.gguf", "GG", "two.gguf: the file ends after 2 bytes (expected the header of a GGUF file)"),
        ("bare.toml", BARE.format("new"), "your file bare.toml: no rule is known for the cache of architecture 'new'"),
        ("less.toml", BARE.format("llama"), "your file less.toml: llama.block_count is missing"),
        ("", "", "the model's name is empty; expected a GGUF file"),
    ],
)
def test_an_error_says_each_thing_once(
    name: str, content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    if name:
        Path(name).write_text(content, encoding="utf-8")
    assert run_plan([name, "--home", str(tmp_path), "--machine", "dgx-spark"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"truelimit: {said}")
    assert error.count(said) == 1
    assert name.endswith("toml") or run([name, "--home", str(tmp_path)]) == 2


def test_a_hubs_name_is_taken_for_the_tables_and_said_so(tmp_path: Path, capsys: Capture) -> None:
    name = "qwen3-coder:30b-a3b-q8_0"
    note = f"'{name}' is taken for qwen3-coder-30b-a3b of the table at Q8_0"
    value = told([name], tmp_path, capsys)
    assert (value["quantization"], value["notes"]) == ("Q8_0", [note])
    assert note in text([name], tmp_path, capsys)
    for options, quantization in (([], "Q8_0"), (["--quant", "Q4_K_M"], "Q4_K_M")):
        arguments = [name, "--home", str(tmp_path), "--machine", "dgx-spark", "--context", "4096", "--json", *options]
        assert run_plan(arguments) == 0
        plan = load_strict(capsys.readouterr().out)
        assert plan["notes"][-1] == note.removesuffix(" at Q8_0" if options else "")
        weights = told([name, "--quant", quantization], tmp_path, capsys)["weights_bytes"]["value"]
        assert plan["memory"]["weights_bytes"] == weights
