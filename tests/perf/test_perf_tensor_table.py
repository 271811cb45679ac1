"""Tensor tables built from metadata: equal to what a real engine asked for; classes and active parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.shapes.shape import names, shape
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_table.build import SHARED_VALUES, TIED, parameter_count, tensor_shapes
from truelimit.perf.tensor_table.classes import TensorClass, active_parameters, class_of, share_used
from truelimit.perf.tensor_table.recipes import RECIPES

# Tensors that the recorded tables lack, as the engine asks for them only where a file has them: biases of gpt-oss and
# Seed-OSS, values and scales of Gemma 4, the drafting layer's attention of GLM.
OPTIONAL = (".bias", "layer_output_scale", "attn_v.weight", "blk.46.")
# Files from before latent caching; shapes whose dense first layers no key tells.
LEFT_OUT = {"deepseek-v3-old", "mimo-v2-flash", "step-3.5-flash"}
BUILT = [name for name in names() if shape(name).architecture in RECIPES and name not in LEFT_OUT]


def bare(name: str) -> ModelHeader:
    """The header of a shape without its tensors, but with their count."""
    header = shape(name).header()
    count = {"general.parameter_count": parameter_count(tensor_shapes(header))}
    return replace(header, tensors=(), metadata={**header.metadata, **count})


@pytest.mark.parametrize("name", BUILT)
def test_a_built_table_is_what_the_engine_asked_for(name: str) -> None:
    asked = {tensor.name: tensor.shape for tensor in shape(name).header().tensors}
    built = dict(tensor_shapes(bare(name)))
    assert {key: built.get(key) for key in asked} == asked
    assert [key for key in built if key not in asked and not any(part in key for part in OPTIONAL)] == []


@pytest.mark.parametrize(("name", "dense"), [("mimo-v2-flash", 1), ("step-3.5-flash", 3)])
def test_dense_first_layers_come_by_their_key(name: str, dense: int) -> None:
    header = bare(name)
    key = f"{header.architecture}.leading_dense_block_count"
    asked = {tensor.name: tensor.shape for tensor in shape(name).header().tensors}
    assert dict(tensor_shapes(replace(header, metadata={**header.metadata, key: dense}))) == asked


def test_most_recorded_shapes_have_a_recipe() -> None:
    assert len(BUILT) >= 30


def test_a_files_own_table_comes_first() -> None:
    header = shape("llama-3-8b").header()
    assert [item.name for item in tensor_shapes(header)] == [tensor.name for tensor in header.tensors]


def test_what_is_open_is_decided_by_the_count_or_by_the_config() -> None:
    header = bare("qwen3-32b")
    alone = tensor_shapes(header)
    assert ("output.weight", (5120, 151936)) in alone
    tied = parameter_count(alone) - 5120 * 151936
    short = tensor_shapes(replace(header, metadata={**header.metadata, "general.parameter_count": tied}))
    assert parameter_count(short) == tied
    told = {**header.metadata, TIED: True}
    del told["general.parameter_count"]
    assert parameter_count(tensor_shapes(replace(header, metadata=told))) == tied


def test_gemma_4_shares_values_in_layers_of_the_whole_context() -> None:
    header = bare("gemma-4-31b")
    key = f"gemma4.{SHARED_VALUES}"
    shared = tensor_shapes(replace(header, metadata={**header.metadata, key: True}))
    values = [item for item in shared if ".attn_v." in item.name]
    assert len(values) == 50, "10 of 60 layers use their keys"
    assert parameter_count(shared) == 30_697_345_596, "30.7 B, as llama-bench prints it"


def test_an_architecture_without_a_recipe_is_refused() -> None:
    header = replace(shape("rwkv7-7b").header(), tensors=())
    with pytest.raises(UnknownLayoutError, match="'rwkv7' cannot be told from its metadata; name a GGUF"):
        tensor_shapes(header)


@pytest.mark.parametrize(
    "key", ["embedding_length", "vocab_size", "block_count", "attention.head_count", "feed_forward_length"]
)
@pytest.mark.parametrize("value", [None, -1, 0, 2**40, "many", True, (1, 2)])
def test_keys_of_nonsense_are_refused(key: str, value: object) -> None:
    header = bare("llama-3-8b")
    metadata = {**header.metadata, f"llama.{key}": value}
    with pytest.raises(UnknownLayoutError):
        tensor_shapes(replace(header, metadata=metadata))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("token_embd.weight", TensorClass.EMBEDDING),
        ("per_layer_token_embd.weight", TensorClass.EMBEDDING),
        ("output.weight", TensorClass.OUTPUT),
        ("output_norm.weight", TensorClass.OUTPUT),
        ("blk.3.attn_q.weight", TensorClass.ATTENTION),
        ("blk.3.attn_norm.weight", TensorClass.ATTENTION),
        ("blk.3.indexer.attn_k.weight", TensorClass.ATTENTION),
        ("blk.3.ffn_down.weight", TensorClass.FEED_FORWARD),
        ("blk.3.ffn_gate_inp.weight", TensorClass.FEED_FORWARD),
        ("blk.3.ffn_down_shexp.weight", TensorClass.FEED_FORWARD),
        ("blk.3.ffn_down_exps.weight", TensorClass.EXPERTS),
        ("blk.3.ssm_out.weight", TensorClass.STATE),
        ("blk.9.ffn_down_exps.weight", TensorClass.DRAFTING),
        ("rope_freqs.weight", TensorClass.OTHER),
        ("blk.x", TensorClass.OTHER),
    ],
)
def test_the_class_of_a_tensor(name: str, kind: TensorClass) -> None:
    assert class_of(name, 9) is kind


def test_active_parameters_leave_out_unused_experts_and_drafting() -> None:
    assert active_parameters(bare("llama-3-8b")) == 8_030_261_248
    experts = 48 * 128 * 3 * 2048 * 768
    assert active_parameters(bare("qwen3-coder-30b-a3b")) == 30_532_122_624 - experts * 120 // 128
    glm = bare("glm-4.5-air")
    drafting = sum(
        parameter_count([item]) for item in tensor_shapes(glm) if item.name.startswith(("blk.46.", "nextn."))
    )
    experts = 45 * 128 * 3 * 4096 * 1408
    assert active_parameters(glm) == parameter_count(tensor_shapes(glm)) - drafting - experts * 120 // 128


def test_the_share_of_experts() -> None:
    assert share_used(bare("llama-3-8b")) == 1.0
    assert share_used(bare("mixtral-8x7b")) == 0.25
    broken = {"llama.expert_count": 4, "llama.expert_used_count": 9}
    with pytest.raises(UnknownLayoutError, match="expert_used_count"):
        share_used(ModelHeader("x", Basis.MEASURED, "llama", broken))
