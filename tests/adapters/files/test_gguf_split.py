"""Models in several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.write import write_header


def parts(folder: Path, count: int = 3, promised: int | None = None) -> list[Path]:
    paths = [folder / f"big-model-{index:05}-of-{count:05}.gguf" for index in range(1, count + 1)]
    for index, path in enumerate(paths):
        metadata: dict[str, object] = {
            "split.no": index,
            "split.count": count,
            "split.tensors.count": promised or count,
        }
        if index == 0:
            metadata |= {"llama.block_count": 2}
        # The published splits repeat the architecture nowhere but in the first; this writer wants it.
        metadata |= {"general.architecture": "llama" if index == 0 else "other"}
        write_header(path, metadata, [(f"blk.{index}.weight", (256, index + 1), "Q8_0")], sparse=True)
    return paths


@pytest.mark.parametrize("given", [0, 1, 2])
def test_any_part_gives_the_whole(tmp_path: Path, given: int) -> None:
    paths = parts(tmp_path)
    header = read_header(paths[given])
    assert header.architecture == "llama"
    assert header.get("block_count") == 2
    assert [tensor.name for tensor in header.tensors] == ["blk.0.weight", "blk.1.weight", "blk.2.weight"]
    assert header.weights_bytes == (1 + 2 + 3) * 8 * 34
    assert header.file_bytes == sum(path.stat().st_size for path in paths)
    assert header.where == str(paths[given])
    assert header.missing_bytes == 0


def test_a_part_that_is_cut_off_is_not_made_up_for_by_a_longer_one(tmp_path: Path) -> None:
    paths = parts(tmp_path)
    for path, change in zip(paths, (-16 - 10, 100, -16 - 5), strict=True):  # 16 bytes pad the end of each
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size + change)
    assert read_header(paths[1]).missing_bytes == 15


def test_missing_part_is_named(tmp_path: Path) -> None:
    paths = parts(tmp_path)
    paths[1].unlink()
    with pytest.raises(GgufError, match=r"big-model-00002-of-00003\.gguf: no such file"):
        read_header(paths[0])


def test_missing_tensors_are_told(tmp_path: Path) -> None:
    paths = parts(tmp_path, promised=7)
    with pytest.raises(GgufError, match=r"hold 3 tensors \(expected 7 by split.tensors.count\)"):
        read_header(paths[0])


@pytest.mark.parametrize("name", ["renamed.gguf", "big-00001-of-00009.gguf"])
def test_name_that_does_not_tell_the_others(tmp_path: Path, name: str) -> None:
    path = parts(tmp_path)[0].rename(tmp_path / name)
    with pytest.raises(GgufError, match="one of 3 parts"):
        read_header(path)


def test_name_alone_makes_no_split(tmp_path: Path) -> None:
    path = tmp_path / "model-00001-of-00002.gguf"
    write_header(path, {"general.architecture": "llama"}, [("t", (32,), "F32")])
    assert len(read_header(path).tensors) == 1
