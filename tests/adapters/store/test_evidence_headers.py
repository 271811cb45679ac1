"""The header of a model is read once, as long as its file is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.kept_evidence import kept_in, read_with
from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.write import write_header
from truelimit.adapters.store import evidence_headers
from truelimit.adapters.store.evidence_headers import read_kept_header

TENSORS = [
    ("token_embd.weight", (256, 64), "Q4_K"),
    ("blk.0.attn_q.weight", (256, 256), "Q4_K"),
    ("output_norm.weight", (256,), "F32"),
]
METADATA = {
    "general.architecture": "llama",
    "general.name": "A name, with ümlauts",
    "llama.context_length": 4096,
    "llama.rope.freq_base": 10000.5,
    "llama.attention.head_count_kv": [4, 4, 2],
    "llama.some.flag": True,
    "tokenizer.ggml.tokens": [f"token{number}" for number in range(500)],
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written(tmp_path / "model.gguf")


def written(path: Path, **more: object) -> Path:
    write_header(path, METADATA | more, TENSORS)  # type: ignore[arg-type]
    return path


def test_a_header_comes_back_as_it_was(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = read_header(model)
    first, _ = read_with(tmp_path / "cache", read_kept_header, model)
    monkeypatch.setattr(evidence_headers, "read_header", lambda path: pytest.fail(f"{path} is read again"))
    second, found = read_with(tmp_path / "cache", read_kept_header, model)
    assert [kept is not None for kept in found] == [True]
    assert repr(plain) == repr(first) == repr(second)
    assert plain == second


def test_without_a_cache_the_file_is_read(model: Path) -> None:
    assert read_kept_header(model) == read_header(model)


def test_a_model_that_was_replaced_or_that_grew_is_read_again(tmp_path: Path, model: Path) -> None:
    read_with(tmp_path / "cache", read_kept_header, model)
    written(model, **{"llama.context_length": 8192})
    found, _ = read_with(tmp_path / "cache", read_kept_header, model)
    assert found.native_context is not None
    assert found.native_context.value == 8192
    with model.open("ab") as file:
        file.write(b"\0" * 5000)
    grown, _ = read_with(tmp_path / "cache", read_kept_header, model)
    assert grown == read_header(model)
    assert grown.file_bytes == model.stat().st_size


@pytest.mark.parametrize("state", [None, [], {}, {"metadata": 1}, {"basis": {"enum": "Path", "is": "x"}}], ids=repr)
def test_an_entry_that_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path, model: Path, state: object) -> None:
    with kept_in(tmp_path / "cache") as cache:
        cache.keep(evidence_headers.READER, model, model.stat(), model.stat().st_size, state)
        assert read_kept_header(model) == read_header(model)


def test_a_file_that_is_no_model_is_refused_each_time(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"not a model" * 20_000)
    for _ in range(2):
        with pytest.raises(GgufError):
            read_with(tmp_path / "cache", read_kept_header, path)
    with pytest.raises(GgufError, match="no such file"):
        read_with(tmp_path / "cache", read_kept_header, tmp_path / "gone.gguf")
