from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ollama_store import manifest_path, put_blob, put_model
from truelimit.adapters.files.gguf.write import write_header
from truelimit.adapters.servers.ollama.manifests import display_name
from truelimit.adapters.servers.ollama.store import read_store


def header_blob(models: Path, context: int = 262_144) -> str:
    """Write the header of a small mixture-of-experts model as a blob; return its digest."""
    file = models.parent / "header.gguf"
    metadata = {"general.architecture": "qwen3moe", "qwen3moe.context_length": context, "qwen3moe.block_count": 2}
    models.parent.mkdir(parents=True, exist_ok=True)
    write_header(file, metadata, [("token_embd.weight", (64, 100), "F16")])
    return put_blob(models, file.read_bytes())


def test_a_store_gives_label_native_context_and_shared_blob(tmp_path: Path) -> None:
    models = tmp_path / "models"
    blob = header_blob(models)
    put_model(models, "qwen3-coder:30b", blob, size=18_000_000_000, parameters={"temperature": 0.7, "stop": ["secret"]})
    put_model(
        models, "qwen3-coder-30b:v-128k", blob, size=18_000_000_000,
        parameters={"num_ctx": 131_072}, parent="qwen3-coder:30b",
    )  # fmt: skip
    found = read_store(models)
    by_name = {item.name: item for item in found.definitions}
    label, base = by_name["qwen3-coder-30b:v-128k"], by_name["qwen3-coder:30b"]
    assert found.missing == ()
    assert found.examined == (str(models),)
    assert label.num_ctx is not None
    assert label.num_ctx.value == 131_072
    assert Path(label.num_ctx.where.removesuffix(": num_ctx")).is_file()
    assert base.num_ctx is None
    assert base.parameters == {"temperature": 0.7}
    assert label.header is not None
    assert label.header.native_context is not None
    assert label.header.native_context.value == 262_144
    assert label.header.file_bytes == 18_000_000_000
    assert label.same_blob == ("qwen3-coder:30b",)
    assert (label.parent, label.digest, label.quantization) == ("qwen3-coder:30b", blob, "Q4_1")


@pytest.mark.parametrize(
    "name", ["qwen3:latest", "someone/model:7b", "hf.co/unsloth/Qwen3-GGUF:Q4_K_M", "registry.ollama.ai/library/a:b"]
)
def test_names_are_those_that_the_api_shows(tmp_path: Path, name: str) -> None:
    shown = display_name(manifest_path(tmp_path, name))
    assert shown == name.removeprefix("registry.ollama.ai/library/")


def test_a_parent_that_is_a_path_is_no_model(tmp_path: Path) -> None:
    models = tmp_path / "models"
    blob = header_blob(models)
    put_model(models, "a:b", blob, parent="/home/user/.ollama/models/blobs/sha256-" + "0" * 64)
    assert read_store(models).definitions[0].parent is None


def test_a_digest_that_points_elsewhere_leaves_the_model_out(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (tmp_path / "secret.json").write_text('{"num_ctx": 1}', encoding="utf-8")
    path = put_model(models, "a:b", header_blob(models), parameters={"num_ctx": 5})
    value = json.loads(path.read_text(encoding="utf-8"))
    value["layers"][1]["digest"] = "sha256:../../../secret.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    found = read_store(models)
    assert found.definitions == ()
    assert "not sha256" in found.missing[0].why


def test_missing_blobs_are_said_and_the_rest_is_kept(tmp_path: Path) -> None:
    models = tmp_path / "models"
    put_model(models, "a:b", "sha256:" + "0" * 64, parameters={"num_ctx": 4096})
    found = read_store(models)
    assert found.definitions[0].header is None
    assert found.definitions[0].num_ctx is not None
    assert [item.fact for item in found.missing] == ["header of a:b"]


@pytest.mark.parametrize("value", ["8192", 0, -1, 1.5, True, None, [1], {}])
def test_a_context_of_another_type_is_said(tmp_path: Path, value: object) -> None:
    models = tmp_path / "models"
    put_model(models, "a:b", header_blob(models), parameters={"num_ctx": value})
    found = read_store(models)
    assert found.definitions[0].num_ctx is None
    assert "expected a positive whole number" in found.missing[0].why


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff", b"[]", b"null", b"{", b'{"layers": 1}', b'{"layers": [1]}', b'{"layers": [{}]}',
     b'{"layers": [{"digest": 5}]}', b'{"layers": [], "config": {"digest": "x"}}', b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_manifest_is_one_missing_fact(tmp_path: Path, content: bytes) -> None:
    models = tmp_path / "models"
    put_model(models, "good:one", header_blob(models))
    bad = manifest_path(models, "bad:one")
    bad.parent.mkdir(parents=True)
    bad.write_bytes(content)
    found = read_store(models)
    assert [item.name for item in found.definitions] == ["good:one"]
    assert str(bad) in found.missing[0].why


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    models = tmp_path / "models"
    bad = manifest_path(models, "bad:one")
    bad.parent.mkdir(parents=True)
    with bad.open("wb") as file:
        file.truncate(50_000_000)
    assert "larger than" in read_store(models).missing[0].why


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_place_of_a_manifest_does_not_block(tmp_path: Path) -> None:
    models = tmp_path / "models"
    bad = manifest_path(models, "bad:one")
    bad.parent.mkdir(parents=True)
    os.mkfifo(bad)
    assert "not a regular file" in read_store(models).missing[0].why


def test_a_damaged_model_file_is_said(tmp_path: Path) -> None:
    models = tmp_path / "models"
    put_model(models, "a:b", put_blob(models, b"not a model"))
    found = read_store(models)
    assert found.definitions[0].header is None
    assert found.missing[0].fact == "header of a:b"


def test_no_store_is_nothing(tmp_path: Path) -> None:
    found = read_store(tmp_path / "models")
    assert (found.definitions, found.missing, found.examined) == ((), (), ())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["layers", "config", "digest", "mediaType", "from", "size"]), inner)
        ),
    )
)
@settings(deadline=None, max_examples=60)
def test_any_json_as_manifest_is_survived(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    models = tmp_path_factory.mktemp("store")
    path = manifest_path(models, "a:b")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    found = read_store(models)
    assert len(found.definitions) + len(found.missing) >= 1
