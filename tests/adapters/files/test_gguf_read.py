"""The reader: against the reference writer, and against files that are wrong."""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFEndian, GGUFWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.files.gguf.error import GgufError, ShortError
from truelimit.adapters.files.gguf.parse import parse
from truelimit.adapters.files.gguf.read import read_header
from truelimit.adapters.files.gguf.write import write_header
from truelimit.domain.model import Tensor
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes

ROWS = [("token_embd.weight", (256, 32), "Q4_K"), ("output_norm.weight", (256,), "F32")]


def written(path: Path, fill: Callable[[GGUFWriter], None], **options: object) -> Path:
    writer = GGUFWriter(path, "llama", **options)  # type: ignore[arg-type]
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def all_kinds(writer: GGUFWriter) -> None:
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -100)
    writer.add_uint16("u16", 60000)
    writer.add_int16("i16", -30000)
    writer.add_uint32("u32", 2**32 - 1)
    writer.add_int32("i32", -(2**31))
    writer.add_uint64("u64", 2**64 - 1)
    writer.add_int64("i64", -(2**63))
    writer.add_float32("f32", 0.5)
    writer.add_float64("f64", 0.1)
    writer.add_bool("flag", True)
    writer.add_string("text", "żółć")
    writer.add_array("heads", [8, 0, 8])
    writer.add_array("scales", [0.5, 2.0])
    writer.add_array("flags", [True, False])
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c" * 1000])
    writer.add_array("tokenizer.ggml.scores", [0.0] * 5000)
    writer.add_tensor("half", np.zeros((4, 8), np.float16))
    writer.add_tensor("blocks", np.zeros((4, 36), np.uint8), raw_dtype=GGMLQuantizationType.Q4_0)


def test_all_kinds_of_the_reference_writer(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", all_kinds)
    header = read_header(path)
    assert dict(header.metadata) == {
        "general.architecture": "llama",
        "u8": 200,
        "i8": -100,
        "u16": 60000,
        "i16": -30000,
        "u32": 2**32 - 1,
        "i32": -(2**31),
        "u64": 2**64 - 1,
        "i64": -(2**63),
        "f32": 0.5,
        "f64": 0.1,
        "flag": True,
        "text": "żółć",
        "heads": (8, 0, 8),
        "scales": (0.5, 2.0),
        "flags": (True, False),
        "tokenizer.ggml.tokens.count": 3,
        "tokenizer.ggml.scores.count": 5000,
    }
    assert header.tensors == (
        Tensor("half", (8, 4), "F16", Bytes(64)),
        Tensor("blocks", (64, 4), "Q4_0", Bytes(144)),
    )
    assert (header.where, header.basis, header.file_bytes) == (str(path), Basis.MEASURED, path.stat().st_size)
    assert header.missing_bytes == 0


def test_own_writer(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    metadata: dict[str, object] = {"general.architecture": "llama", "llama.context_length": 8192}
    write_header(path, metadata, ROWS)
    header = read_header(path)
    assert dict(header.metadata) == metadata
    assert header.tensors[0] == Tensor("token_embd.weight", (256, 32), "Q4_K", Bytes(32 * 144))
    assert header.native_context is not None
    assert header.native_context.value == 8192
    short = path.stat().st_size
    write_header(path, metadata, ROWS, sparse=True)
    assert read_header(path).missing_bytes == 0
    ends = short + sum(tensor.n_bytes for tensor in header.tensors)
    assert header.missing_bytes == ends - short


def test_a_file_that_is_cut_off_says_how_much_it_lacks(tmp_path: Path) -> None:
    """To the last byte of the last tensor: what pads the file after it may be missing."""
    path, rows = tmp_path / "model.gguf", [("first", (3,), "F32"), ("last", (5,), "F32")]
    write_header(path, {"general.architecture": "llama"}, rows, sparse=True)
    whole = path.stat().st_size
    for length, missing in ((whole, 0), (whole - 12, 0), (whole - 13, 1), (whole - 32, 20), (whole - 64, 52)):
        with path.open("r+b") as file:
            file.truncate(length)
        header = read_header(path)
        assert (header.file_bytes, header.missing_bytes) == (length, missing)


@given(st.lists(st.text(max_size=600) | st.just("\0" * 300) | st.just("a" * 70000), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_string_lists_are_stepped_over_exactly(tokens: list[str]) -> None:
    """Also with strings of 256 bytes and more, which lead the quick walk astray."""
    raw = [token.encode() for token in tokens]
    body = b"".join(struct.pack("<Q", len(item)) + item for item in raw)
    head = header_bytes(
        pair("tokens", struct.pack("<IIQ", 9, 8, len(raw)) + body), pair("after", struct.pack("<II", 4, 7))
    )
    parsed = parse(head, "bytes")
    assert dict(parsed.metadata) == {"tokens.count": len(raw), "after": 7}


def test_version_2_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_header(path, {"general.architecture": "llama"}, ROWS)
    path.write_bytes(path.read_bytes().replace(b"GGUF\x03", b"GGUF\x02", 1))
    assert read_header(path).architecture == "llama"


def test_big_endian_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "model.gguf", lambda writer: None, endianess=GGUFEndian.BIG)
    with pytest.raises(GgufError, match=r"big-endian.*gguf-convert-endian"):
        read_header(path)


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def pair(key: str, value: bytes) -> bytes:
    return string(key) + value


def header_bytes(*pairs: bytes, tensors: bytes = b"", n_tensors: int = 0, n_pairs: int | None = None) -> bytes:
    count = len(pairs) if n_pairs is None else n_pairs
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, count) + b"".join(pairs) + tensors


def row(shape: tuple[int, ...], kind: int, name: str = "t") -> bytes:
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)


HUGE = 2**64 - 1
ARCHITECTURE = pair("general.architecture", struct.pack("<I", 8) + string("llama"))
HOSTILE = {
    "empty": (b"", r"ends after 0 bytes \(expected the header of a GGUF file\)"),
    "other format": (b"PK\x03\x04" + bytes(40), "starts with"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    "version 1": (b"GGUF" + struct.pack("<III", 1, 0, 0), "version 1"),
    "version 9": (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "unknown GGUF version 9"),
    "cut in the counts": (b"GGUF" + struct.pack("<IQ", 3, 0), "goes on after the end"),
    "too many keys": (header_bytes(n_pairs=HUGE), "metadata keys"),
    "too many tensors": (header_bytes(n_tensors=HUGE), "tensors"),
    "keys that are not there": (header_bytes(n_pairs=4000), "key 1 of 4000.*goes on after the end"),
    "tensors that are not there": (header_bytes(ARCHITECTURE, n_tensors=60000), "tensor table.*goes on after the end"),
    "key beyond the file": (header_bytes(struct.pack("<Q", 1000) + b"abc"), "goes on after the end"),
    "key of all bytes": (header_bytes(struct.pack("<Q", HUGE) + b"abc"), "longer than any model's"),
    "empty key": (header_bytes(pair("", struct.pack("<II", 4, 7))), "empty or too long"),
    "long key": (header_bytes(pair("k" * 70000, struct.pack("<II", 4, 7))), "empty or too long"),
    "same key": (header_bytes(ARCHITECTURE, ARCHITECTURE), "'general.architecture'.*there twice"),
    "unknown value type": (header_bytes(pair("k", struct.pack("<IQ", 13, 7))), "'k'.*unknown value type 13"),
    "nested array": (header_bytes(pair("k", struct.pack("<IIQIQ", 9, 9, 1, 4, 0))), "'k'.*array inside an array"),
    "array beyond the file": (header_bytes(pair("k", struct.pack("<IIQ", 9, 4, 10000))), "goes on after the end"),
    "array without end": (header_bytes(pair("k", struct.pack("<IIQ", 9, 4, HUGE))), "longer than any model's"),
    "strings without end": (header_bytes(pair("k", struct.pack("<IIQ", 9, 8, HUGE))), "longer than any model's"),
    "string in a list": (
        header_bytes(pair("k", struct.pack("<IIQQQ", 9, 8, 2, HUGE, 0))),
        "goes on after the end|longer than any model's",
    ),
    "alignment 0": (header_bytes(pair("general.alignment", struct.pack("<II", 4, 0))), "the alignment is 0"),
    "alignment 48": (header_bytes(pair("general.alignment", struct.pack("<II", 4, 48))), "the alignment is 48"),
    "alignment 2**31": (header_bytes(pair("general.alignment", struct.pack("<II", 4, 2**31))), "the alignment is"),
    "alignment text": (header_bytes(pair("general.alignment", struct.pack("<I", 8) + string("x"))), "alignment is 'x'"),
    "no architecture": (header_bytes(pair("k", struct.pack("<II", 4, 7))), "no general.architecture"),
    "architecture 7": (header_bytes(pair("general.architecture", struct.pack("<II", 4, 7))), "no general.architecture"),
    "unknown type": (header_bytes(ARCHITECTURE, tensors=row((256,), 4), n_tensors=1), "'t'.*unknown tensor type 4"),
    "5 dimensions": (header_bytes(ARCHITECTURE, tensors=row((1,) * 5, 0), n_tensors=1), "'t'.*5 dimensions"),
    "half a block": (header_bytes(ARCHITECTURE, tensors=row((100,), 12), n_tensors=1), "'t'.*rows of 100"),
    "overflow": (header_bytes(ARCHITECTURE, tensors=row((2**40, 2**40), 0), n_tensors=1), "'t'.*overflows"),
    "split alone": (
        header_bytes(ARCHITECTURE, pair("split.count", struct.pack("<IH", 2, 3))),
        "one of 3 parts.*00001-of-00003",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_one_clear_error(tmp_path: Path, name: str) -> None:
    content, message = HOSTILE[name]
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(GgufError, match=message) as caught:
        read_header(path)
    assert str(path) in caught.value.where
    assert caught.value.do


def test_memory_for_metadata_is_bounded() -> None:
    numbers = [pair(f"k{i}", struct.pack("<IIQ", 9, 0, 4096) + bytes(4096)) for i in range(100)]
    with pytest.raises(GgufError, match="more than any model's"):
        parse(header_bytes(*numbers), "bytes")
    texts = [pair(f"k{i}", struct.pack("<I", 8) + string("x" * 2**18)) for i in range(40)]
    with pytest.raises(GgufError, match="more than any model's"):
        parse(header_bytes(*texts), "bytes")


def test_long_text_is_left_out() -> None:
    parsed = parse(header_bytes(pair("k", struct.pack("<I", 8) + string("x" * (2**18 + 1)))), "bytes")
    assert not parsed.metadata


def test_short_bytes_tell_how_many_are_needed() -> None:
    content = header_bytes(pair("k", struct.pack("<IIQ", 9, 4, 10000) + bytes(40000)), ARCHITECTURE)
    with pytest.raises(ShortError) as caught:
        parse(content[:100], "bytes")
    assert 40000 <= caught.value.needs <= len(content)


def test_no_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(GgufError, match="no such file"):
        read_header(tmp_path / "none.gguf")
    with pytest.raises(GgufError, match="not a file"):
        read_header(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.gguf")
        with pytest.raises(GgufError, match="not a file"):
            read_header(tmp_path / "pipe.gguf")


def valid() -> bytes:
    return header_bytes(
        ARCHITECTURE,
        pair("llama.block_count", struct.pack("<II", 4, 32)),
        pair("heads", struct.pack("<IIQ4I", 9, 4, 4, 8, 0, 8, 0)),
        pair("tokens", struct.pack("<IIQ", 9, 8, 20) + b"".join(string("tok" * (i % 7)) for i in range(20))),
        pair("scores", struct.pack("<IIQ", 9, 6, 5000) + bytes(20000)),
        pair("general.alignment", struct.pack("<II", 4, 32)),
        tensors=row((256, 4), 12) + row((256,), 0, "u"),
        n_tensors=2,
    )


VALID = valid()
_INTERESTING = [n for n in range(len(VALID)) if not 500 < n < len(VALID) - 200]


@given(
    st.lists(st.tuples(st.sampled_from(_INTERESTING), st.integers(0, 255)), max_size=6),
    st.integers(0, len(VALID)) | st.just(len(VALID)),
    st.binary(max_size=16),
)
@settings(deadline=None, max_examples=400)
def test_mutations_never_raise_anything_else(changes: list[tuple[int, int]], end: int, tail: bytes) -> None:
    content = bytearray(VALID)
    for position, byte in changes:
        content[position] = byte
    started = time.process_time()
    with contextlib.suppress(GgufError):
        parse(bytes(content[:end]) + tail, "bytes")
    assert time.process_time() - started < 1.0


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_any_bytes_after_the_start(tail: bytes) -> None:
    with contextlib.suppress(GgufError):
        parse(VALID[:24] + tail, "bytes")
