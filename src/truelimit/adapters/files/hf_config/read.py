"""From the text of a config.json to a header: its language model, refused where no rule is known for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from truelimit.adapters.files.hf_config import kinds, mixed_kinds
from truelimit.adapters.files.hf_config.defaults import with_defaults
from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.adapters.files.hf_config.fields import Config, ends
from truelimit.domain.message import said, without_start
from truelimit.domain.model import CLASS_DEFAULTS, MetadataValue, ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_table.build import parameter_count, tensor_shapes
from truelimit.perf.tensor_table.recipes import RECIPES

_LARGEST = 4 * 2**20
# model_type: the architecture of its GGUF, its keys, and whether transformers ties embedding and output by default.
_KINDS: dict[str, tuple[str, kinds.Kind, bool]] = {
    "afmoe": ("afmoe", mixed_kinds.afmoe, False),
    "deepseek_v3": ("deepseek2", kinds.latent, False),
    "deepseek_v32": ("deepseek32", kinds.indexed, False),
    "deepseek_v4": ("deepseek4", kinds.deepseek_v4, False),
    "gemma2": ("gemma2", kinds.windowed, True),
    "gemma3_text": ("gemma3", kinds.windowed, True),
    "gemma4_text": ("gemma4", kinds.gemma4, True),
    "glm4_moe": ("glm4moe", kinds.glm4_moe, False),
    "glm4_moe_lite": ("deepseek2", kinds.latent, False),
    "glm_moe_dsa": ("glm-dsa", kinds.indexed, False),
    "gpt_oss": ("gpt-oss", kinds.experts, False),
    "granite": ("granite", kinds.rotated, False),
    "granitemoehybrid": ("granitehybrid", mixed_kinds.granite_hybrid, False),
    "hunyuan_v1_moe": ("hunyuan-moe", mixed_kinds.hunyuan_moe, False),
    "kimi_k2": ("deepseek2", kinds.latent, False),
    "kimi_linear": ("kimi-linear", mixed_kinds.kimi_linear, False),
    "lfm2_moe": ("lfm2moe", mixed_kinds.lfm2_moe, True),
    "llama": ("llama", kinds.rotated, False),
    "llama4_text": ("llama4", kinds.llama4, False),
    "mimo_v2_flash": ("mimo2", kinds.mimo2, False),
    "minimax_m2": ("minimax-m2", kinds.experts, False),
    "minimax_m3": ("minimax-m3", kinds.minimax_m3, False),
    "ministral3": ("mistral3", kinds.rotated, False),
    "mistral": ("llama", kinds.rotated, False),
    "mixtral": ("llama", kinds.mixtral, False),
    "nemotron_h": ("nemotron_h_moe", kinds.nemotron_h, False),
    "olmo2": ("olmo2", mixed_kinds.olmo, False),
    "olmo3": ("olmo2", mixed_kinds.olmo, False),
    "phi3": ("phi3", kinds.dense, False),
    "qwen2": ("qwen2", kinds.dense, False),
    "qwen3": ("qwen3", kinds.dense, False),
    "qwen3_5_moe_text": ("qwen35moe", kinds.delta, False),
    "qwen3_5_text": ("qwen35", kinds.delta, False),
    "qwen3_moe": ("qwen3moe", kinds.experts, False),
    "qwen3_vl_moe_text": ("qwen3vlmoe", kinds.experts, False),
    "qwen3_vl_text": ("qwen3vl", kinds.dense, False),
    "qwen3_next": ("qwen3next", kinds.delta, False),
    "seed_oss": ("seed_oss", kinds.dense, False),
    "smollm3": ("smollm3", kinds.rotated, True),
}
_SAME = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "llama4": "llama4_text",
    "qwen3_5": "qwen3_5_text",
    "minimax_m3_vl": "minimax_m3",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
}


def header_of_config(text: str, where: str, name: str | None = None) -> ModelHeader:
    """Return the header of the language model that a config.json describes; ``name`` is the model's, if known.

    Vision and sound are left out, and so are layers for drafting where GGUF files leave them out. Raises
    HfConfigError for what is no config.json, for an architecture without a rule, and for keys of no use.
    """
    outer = _parsed(text, where)
    inner = outer.get("text_config")
    data = {**outer, **inner} if isinstance(inner, Mapping) else outer
    kind = _SAME.get(str(data.get("model_type")), str(data.get("model_type")))
    known = _KINDS.get(kind)
    if known is None:
        raise HfConfigError(
            where,
            said("no rule is known for model_type {kind!r}", kind=kind[:60]),
            said("one of {kinds}", kinds=", ".join(_KINDS)),
            said("name a GGUF file of the model instead"),
        )
    architecture, rule, tied = known
    data, told = with_defaults(kind, data)
    config = Config(data, where)
    metadata = {f"{architecture}.{key}": value for key, value in rule(config).items()}
    metadata |= {"general.architecture": architecture, **ends(config, tied)}
    if told is not None:
        metadata[CLASS_DEFAULTS] = told
    return _counted(ModelHeader(where, Basis.SPECIFIED, architecture, _named(metadata, outer, name)))


def _named(metadata: dict[str, MetadataValue], outer: Mapping[str, Any], name: str | None) -> dict[str, MetadataValue]:
    found = name or outer.get("_name_or_path")
    return metadata | {"general.name": found[:200]} if isinstance(found, str) and found else metadata


def _counted(header: ModelHeader) -> ModelHeader:
    """Return the header with the count of the parameters of its tensors; as it is where only its cache is known.

    Raises HfConfigError for numbers that do not fit.
    """
    try:
        if header.architecture not in RECIPES:
            layout_of(header)
            return header
        count = parameter_count(tensor_shapes(header))
    except UnknownLayoutError as error:
        reason = without_start(error.reason, said("{where}: {key}", where=header.where, key=""))
        raise HfConfigError(header.where, reason, said("sizes that fit"), said("check the file")) from None
    return replace(header, metadata={**header.metadata, "general.parameter_count": count})


def _parsed(text: str, where: str) -> Mapping[str, Any]:
    if len(text) > _LARGEST:
        raise HfConfigError(where, said("more than 4 MiB"), said("a config.json"), said("check the file"))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HfConfigError(
            where, said("not JSON ({name})", name=type(error).__name__), said("a config.json"), said("check the file")
        ) from None
    if not isinstance(data, Mapping) or not isinstance(data.get("model_type"), str):
        raise HfConfigError(where, said("no model_type"), said("a config.json of transformers"), said("check the file"))
    return data
