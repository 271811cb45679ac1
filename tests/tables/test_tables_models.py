"""The table of models: each loads, its numbers agree with its own tensors, names lead to one model, own TOMLs work."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

import truelimit
from truelimit.domain.model import ModelHeader
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_bytes_per_token, kv_cache
from truelimit.perf.quantization import default_quantization, weights_at
from truelimit.perf.tensor_table.build import parameter_count, tensor_shapes
from truelimit.perf.tensor_table.classes import active_parameters
from truelimit.perf.tensor_table.recipes import RECIPES
from truelimit.perf.weights import weights
from truelimit.tables.fields import TableError
from truelimit.tables.models import model, model_entries, model_entry, model_file, model_names, unknown_model

ENTRIES = tuple(model_entries())
# Models that published runs measure, by the names that the runs have.
MEASURED = [
    "llama-3-8b",
    "qwen3.6-27b",
    "qwen3.5-35b-a3b",
    "llama-2-7b",
    "gpt-oss-20b",
    "llama-3-70b",
    "qwen3-30b-a3b",
    "llama-3.2-1b",
    "qwen2.5-14b",
    "gpt-oss-120b",
    "qwen3-235b-a22b",
    "qwen3-next-80b-a3b",
    "mistral-small-24b",
    "glm-4.5-air",
    "gemma-3-27b",
    "llama-3.2-3b",
    "qwen3-32b",
    "qwen2.5-7b",
    "gemma-3-4b",
    "qwen3.5-122b-a10b",
    "ministral-3-14b",
    "gemma-3-12b",
    "qwen3-8b",
    "qwen3-4b",
    "devstral-2-123b",
    "llama-3.1-405b",
    "qwen3-1.7b",
    "qwen3-14b",
    "mistral-7b",
    "qwen2.5-3b",
    "phi-4",
    "tinyllama-1.1b",
    "ministral-3-8b",
    "llama-2-70b",
    "qwen2.5-32b",
]
STORY = [
    "qwen3-coder:30b",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct",
    "llama3:8b",
    "llama3.1:70b",
    "llama3.3:70b",
    "llama3.1:405b",
    "7b-dense",
    "30b-dense",
    "devstral",
    "devstral-2",
    "devstral-small-2",
    "qwen3-coder-next",
    "gpt-oss:120b",
    "deepseek-r1:671b",
    "glm-4.6",
    "kimi-k2",
    "minimax-m2",
    "gemma4:31b",
    "mistral-small3.2",
    "phi4",
    "llama4:scout",
    "seed-oss",
]


def native(header: ModelHeader) -> int:
    assert header.native_context is not None
    return header.native_context.value


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_models_numbers_agree_with_its_own_tensors(entry) -> None:  # type: ignore[no-untyped-def]
    header = entry.header
    assert 512 <= native(header) <= 11 * 10**6
    assert entry.source
    assert entry.source in header.where
    assert entry.active_parameters <= header.metadata["general.parameter_count"]
    if header.architecture in RECIPES:
        assert parameter_count(tensor_shapes(header)) == header.metadata["general.parameter_count"]
        assert active_parameters(header) == entry.active_parameters
    assert kv_bytes_per_token(layout_of(header)) > 0
    assert kv_cache(layout_of(header), CacheSettings(4096)).kv > 0
    bits = weights(header).value * 8 / header.metadata["general.parameter_count"]
    assert 4.2 < bits < 6.3, f"{bits} bits a weight at {default_quantization(header)}"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.files_bytes], ids=lambda entry: entry.id)
def test_a_published_file_is_as_long_as_its_tensors_and_a_vocabulary(entry) -> None:  # type: ignore[no-untyped-def]
    for quant, length in entry.files_bytes.items():
        rest = length - weights_at(entry.header, quant).value
        assert 0 < rest < 16_000_000, f"{quant}: {rest} bytes beside the tensors"


@pytest.mark.parametrize("name", [*MEASURED, *STORY])
def test_the_models_that_people_name_are_there(name: str) -> None:
    assert model(name) is not None
    assert model(name.upper()) is not None


def test_names_and_aliases_in_any_case() -> None:
    names = ("qwen3-coder-30b-a3b", "Qwen3-Coder-30B-A3B", "qwen3-coder:30b", " QWEN3-CODER-30B ")
    assert {model(name).where for name in names} == {model("qwen3-coder-30b").where}  # type: ignore[union-attr]
    assert model("no-such-model") is None


def test_each_name_leads_to_one_model() -> None:
    seen: dict[str, str] = {}
    for entry in ENTRIES:
        for name in {entry.id, entry.header.name.lower(), *(alias.lower() for alias in entry.aliases)}:
            assert seen.setdefault(name, entry.id) == entry.id, name
    assert len(ENTRIES) == len(model_names()) >= 90


def test_head_lengths_are_written_down_where_they_are_not_embedding_by_heads() -> None:
    """A shape without a key length is derived as embedding / heads: wrong for Qwen3, Gemma 3 and Mistral Small."""
    derived = []
    for entry in ENTRIES:
        keys = {group.key_length.basis for group in layout_of(entry.header).groups}
        derived += [entry.id] if "derived" in keys else []
    assert set(derived) <= {"granite-3.3-8b", "lfm2-8b-a1b", "mixtral-8x22b", "mixtral-8x7b", "smollm3-3b"}


def test_typical_shapes_are_marked() -> None:
    assert {entry.id for entry in ENTRIES if entry.typical} == {"7b-dense", "30b-dense", "70b-dense"}


@pytest.mark.parametrize(
    ("name", "near"),
    [("qwen3-codr-30b", "qwen3-coder-30b"), ("lama3:8b", "llama3:8b"), ("gpt-os-120b", "gpt-oss-120b")],
)
def test_an_unknown_name_gets_the_nearest(name: str, near: str) -> None:
    assert model(name) is None
    assert near in unknown_model(name)


def test_a_name_like_nothing_gets_the_way_to_the_list() -> None:
    assert "truelimit model list" in unknown_model("\U0001f999" * 40)
    for name in ("", ".", "..", "../models/llama-3-8b", "llama-3-8b.toml", "a" * 10_000):
        assert model_entry(name) is None


OWN = """
name = "Mine"
architecture = "llama"
[metadata]
"llama.context_length" = 8192
"llama.block_count" = 2
"llama.embedding_length" = 256
"llama.feed_forward_length" = 512
"llama.attention.head_count" = 4
"llama.attention.head_count_kv" = [2, 2]
"llama.attention.key_length" = 64
"llama.attention.value_length" = 64
"llama.vocab_size" = 1000
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_toml_works_like_the_table(tmp_path: Path) -> None:
    entry = model_file(written(tmp_path, OWN))
    assert entry.header.name == "Mine"
    assert "your file mine.toml" in entry.header.where
    assert kv_bytes_per_token(layout_of(entry.header)) == 2 * 2 * (64 + 64) * 2
    assert weights(entry.header).value > 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Mine"', "", "name is missing"),
        ('name = "Mine"', 'name = "Mine"\nparametrs = 5', "unknown key parametrs; known are .*nearest: parameters"),
        ('name = "Mine"', 'name = "Mine"\nparameters = -5', "parameters is -5; expected a number above 0"),
        ('name = "Mine"', 'name = "Mine"\nparameters = 1e99', "parameters"),
        ('name = "Mine"', 'name = "Mine"\nparameters = 9\nactive_parameters = 10', "active_parameters is 10"),
        ('name = "Mine"', 'name = "Mine"\nfiles_bytes = { Q4_0 = "5" }', "Q4_0 is '5'"),
        ('"llama.vocab_size" = 1000', '"llama.vocab_size" = { a = 1 }', "llama.vocab_size is"),
        ('"llama.vocab_size" = 1000', '"llama.vocab_size" = ["a"]', "llama.vocab_size is"),
        ("[metadata]", "[metadata", "not TOML"),
    ],
)
def test_an_impossible_toml_is_refused_by_key(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in OWN
    with pytest.raises(TableError, match=rf"mine\.toml: .*{said}"):
        model_file(written(tmp_path, OWN.replace(old, new)))


def test_a_toml_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="expected a TOML file of a model"):
        model_file(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("block_count", "-36"),
        ("block_count", "36000000"),
        ("block_count", '"36"'),
        ("attention.head_count_kv", "64"),
        ("embedding_length", "0"),
        ("context_length", "true"),
    ],
)
def test_a_count_that_no_model_has_is_refused_by_its_key(key: str, value: str, tmp_path: Path) -> None:
    counts = {"block_count": "36", "embedding_length": "4096", "attention.head_count": "32"} | {key: value}
    lines = "\n".join(f'"qwen3.{name}" = {count}' for name, count in counts.items())
    file = tmp_path / "odd.toml"
    file.write_text(f'name = "Odd"\narchitecture = "qwen3"\n[metadata]\n{lines}\n', encoding="utf-8")
    with pytest.raises(TableError, match=rf"odd\.toml: qwen3\.{key} is "):
        model_file(file)


def model_like(name: str, change: Callable[[str], str], folder: Path) -> Path:
    """The shipped table of a model as an own TOML, changed."""
    content = (files(truelimit) / "tables" / "models" / f"{name}.toml").read_text(encoding="utf-8")
    return written(folder, change(content))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_shipped_model_holds_as_an_own_one(entry, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert model_file(model_like(entry.id, str, tmp_path)).header.metadata == entry.header.metadata


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Q4_K_M = 4920734272", "Q4_K_M = 1000", "files_bytes.Q4_K_M is 1,000, 1e-06 bits .* expected 0.5 to 33 bits"),
        ("Q4_K_M = 4920734272", "Q4_K_M = 40000000000", "files_bytes.Q4_K_M is 40,000,000,000, 40 bits"),
        ("parameters = 8030261248", "parameters = 9000000000", "parameters is 9,000,000,000; expected 8,030,261,248"),
        ('head_count_kv" = 8', 'head_count_kv" = 7', "head_count_kv is 7; expected a number that divides the 32 heads"),
        ('"llama.', '"lama.', r"unknown key 'lama\.\w+' in \[metadata\]; expected llama\.\w+"),
        ("llama.attention.head_count_kv", "llama.attention.head_cnt_kv", "expected llama.attention.head_count_kv"),
        ("llama.attention.head_count_kv", "llama.head_cnt_kv", "expected llama.attention.head_count_kv"),
        ("llama.attention.head_count_kv", "head_cnt_kv", "expected llama.attention.head_count_kv"),
        ("llama.block_count", "llama.blok_count", "unknown key 'llama.blok_count' .* expected llama.block_count"),
        ("llama.vocab_size", "zzzzzzz.qqqq", "expected llama.KEY, general.KEY, tokenizer.KEY"),
    ],
)
def test_numbers_and_keys_that_cannot_be_are_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = model_like("llama-3-8b", lambda content: content.replace(old, new), tmp_path)
    assert new in path.read_text(encoding="utf-8")
    with pytest.raises(TableError, match=rf"mine\.toml: .*{said}"):
        model_file(path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("llama-3-8b", "parameters = 8030261248", "parameters = 8000000000"),  # as makers round
        ("qwen3-0.6b", "parameters = 596049920", "parameters = 600000000"),  # its output is its embedding
        ("llama-3-8b", "[metadata]", '[metadata]\n"llama.attention.layer_norm_rms_epsilon" = 1e-5'),
        ("llama-3-8b", "[metadata]", '[metadata]\n"llama.attention.brand_new_thing" = 5\n"split.count" = 2'),
    ],
)
def test_rounded_parameters_and_keys_that_are_only_new_are_let_pass(
    name: str, old: str, new: str, tmp_path: Path
) -> None:
    path = model_like(name, lambda content: content.replace(old, new), tmp_path)
    assert new in path.read_text(encoding="utf-8")
    assert model_file(path).header.tensors == ()
