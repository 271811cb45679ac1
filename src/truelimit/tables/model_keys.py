"""The keys of a model's metadata: one that is none, but written much like one that is not there, is a slip.

Source: ``gguf/constants.py`` of gguf 0.19.0, and the keys that this program itself reads. Others are let pass, as a
newer engine may have them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from truelimit.domain.message import said
from truelimit.tables.fields import TableError

_PLAIN = ("general", "tokenizer", "split", "quantize")
_ALIKE = 0.85  # difflib's ratio: ``head_cnt_kv`` and ``head_count_kv`` have 0.92
_ROWS = """
activation_sparsity_scale altup.active_idx altup.num_inputs attention.alibi_bias_max attention.causal
attention.clamp_kqv attention.compress_ratios attention.decay_lora_rank attention.gate_lora_rank
attention.group_norm_epsilon attention.group_norm_groups attention.has_query_norms attention.head_count
attention.head_count_kv attention.iclr_lora_rank attention.indexer.head_count attention.indexer.key_length
attention.indexer.top_k attention.indexer.types attention.key_length attention.key_length_mla attention.key_length_swa
attention.keys_are_values attention.kv_lora_rank attention.layer_norm_epsilon attention.layer_norm_rms_epsilon
attention.max_alibi_bias attention.output_group_count attention.output_lora_rank attention.output_scale
attention.q_lora_rank attention.recurrent_layers attention.relative_buckets_count attention.scale
attention.shared_kv_layers attention.sliding_window attention.sliding_window_pattern attention.temperature_length
attention.temperature_scale attention.value_length attention.value_length_mla attention.value_length_swa
attention.value_residual_mix_lora_rank attn_logit_softcapping block_count classifier.output_labels context_length
convnext.block_count convnext.embedding_length decoder_block_count decoder_start_token_id embedding_length
embedding_length_out embedding_length_per_layer_input embedding_scale expert_chunk_feed_forward_length expert_count
expert_feed_forward_length expert_gating_func expert_group_count expert_group_scale expert_group_used_count
expert_shared_count expert_shared_feed_forward_length expert_used_count expert_weights_norm expert_weights_scale
experts_per_group features_length feed_forward_length final_logit_softcapping full_attention_interval hash_layer_count
hyper_connection.count interleave_moe_layer_step kda.head_dim leading_dense_block_count logit_scale moe_every_n_layers
moe_latent_size n_deepstack_layers nextn_predict_layers pooling_type posnet.block_count posnet.embedding_length
rescale_every_n_layers residual_scale rope.dimension_count rope.dimension_count_swa rope.dimension_sections
rope.freq_base rope.freq_base_swa rope.scaling.alpha rope.scaling.attn_factor rope.scaling.factor
rope.scaling.finetuned rope.scaling.original_context_length rope.scaling.type rope.scaling.yarn_attn_factor
rope.scaling.yarn_beta_fast rope.scaling.yarn_beta_slow rope.scaling.yarn_ext_factor rope.scaling.yarn_log_multiplier
router_logit_softcapping shortconv.l_cache ssm.conv_kernel ssm.dt_b_c_rms ssm.group_count ssm.inner_size
ssm.state_size ssm.time_step_rank swiglu_clamp_exp swiglu_clamp_shexp swin_norm tensor_data_layout
time_decay_extra_dim time_mix_extra_dim token_shift_count use_parallel_residual vocab_size wkv.head_size
"""
_KEYS = _ROWS.split()


def check_keys(file: str, architecture: str, metadata: Mapping[str, object]) -> None:
    """Raise TableError for a key of another architecture, or one that is misspelled, with the nearest that there is."""
    for key in metadata:
        first, _, own = key.partition(".")
        if first in _PLAIN or (first == architecture and own in _KEYS):
            continue
        if first != architecture:
            raise _unknown(file, architecture, key, _nearest(own or key, _KEYS, 0.5))
        near = _nearest(own, [name for name in _KEYS if f"{architecture}.{name}" not in metadata], _ALIKE)
        if near is not None:
            raise _unknown(file, architecture, key, near)


def _nearest(key: str, keys: Iterable[str], least: float) -> str | None:
    """The key written most alike, at least so much; one without a group (``head_count_kv``) is sought in all groups."""
    names: dict[str, str] = {}
    for name in sorted(keys, key=len):
        names.setdefault(name if "." in key else name.rpartition(".")[2], name)
    found = difflib.get_close_matches(key, names, 1, least)
    return names[found[0]] if found else None


def _unknown(file: str, architecture: str, key: str, near: str | None) -> TableError:
    return TableError(
        said(
            "{file}: unknown key {key!r:.80} in [metadata]; expected {nearest}",
            file=file,
            key=key,
            nearest=f"{architecture}.{near}" if near else f"{architecture}.KEY, general.KEY, tokenizer.KEY",
        )
    )
