"""Headers of safetensors files: exact bytes of one file and of many, and nothing but SafetensorsError for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.files.safetensors import SafetensorsError, read_folder
from truelimit.adapters.files.safetensors.parse import Tally, add

BF16 = {"dtype": "BF16", "shape": [16, 8], "data_offsets": [0, 256]}
PACKED = {"dtype": "I32", "shape": [4, 8], "data_offsets": [256, 384]}


def file(path: Path, rows: Any, data: int = 0) -> Path:
    """Write a safetensors file: its header, and ``data`` bytes."""
    text = json.dumps(rows).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(data))
    return path


def test_one_file(tmp_path: Path) -> None:
    file(tmp_path / "model.safetensors", {"__metadata__": {"format": "pt"}, "a": BF16, "b": PACKED})
    stored = read_folder(tmp_path)
    assert stored is not None
    assert (stored.tensors, stored.numbers, stored.n_bytes) == (2, 160, 384)
    assert list(stored.by_type.items()) == [("BF16", 256), ("I32", 128)]


def test_many_files_by_their_index(tmp_path: Path) -> None:
    file(tmp_path / "model-00001-of-00002.safetensors", {"a": BF16})
    file(tmp_path / "model-00002-of-00002.safetensors", {"b": BF16})
    file(tmp_path / "optimizer.safetensors", {"c": BF16})
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}), encoding="utf-8")
    stored = read_folder(tmp_path)
    assert stored is not None
    assert (stored.tensors, stored.n_bytes) == (2, 512)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(SafetensorsError, match="00002-of-00002"):
        read_folder(tmp_path)


def test_a_file_that_is_cut_off_says_how_much_it_lacks(tmp_path: Path) -> None:
    for data, missing in ((384, 0), (500, 0), (200, 184), (0, 384)):
        file(tmp_path / "model.safetensors", {"a": BF16, "b": PACKED}, data)
        stored = read_folder(tmp_path)
        assert stored is not None
        assert (stored.n_bytes, stored.missing_bytes) == (384, missing)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    assert read_folder(tmp_path) is None


@pytest.mark.parametrize(
    "parts",
    [None, [], {}, {"a": 5}, {"a": "../up.safetensors"}, {"a": "/etc/passwd"}, {"a": "a.bin"}, {"a": ".safetensors"}],
)
def test_an_index_that_leads_elsewhere_is_refused(parts: object, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}), encoding="utf-8")
    with pytest.raises(SafetensorsError, match=r"index\.json: "):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        b"\xff" * 8,
        (2**40).to_bytes(8, "little"),
        (5).to_bytes(8, "little") + b"{",
        b"version https://git-lfs",
    ],
)
def test_what_is_no_safetensors_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(SafetensorsError, match=r"model\.safetensors: "):
        read_folder(tmp_path)


ROW = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["BF16", "F8_E4M3", 5, None]),
        "shape": st.lists(st.integers(-2, 2**62) | st.booleans() | st.text(max_size=2), max_size=4) | st.none(),
        "data_offsets": st.lists(st.integers(-2, 2**62), max_size=3) | st.text(max_size=3),
    },
)


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.text(max_size=5), ROW | st.integers() | st.none(), max_size=4)
    | st.lists(st.integers(), max_size=2)
)
def test_no_header_makes_another_error(rows: object) -> None:
    tally = Tally()
    try:
        add(tally, json.dumps(rows).encode(), "x.safetensors")
    except SafetensorsError:
        return
    assert 0 <= tally.stored("x").n_bytes < 2**63
