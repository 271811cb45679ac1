"""All rules, in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.rules.config import cfg001_window_below_floor, cfg002_model_not_on_server
from truelimit.rules.context import (
    ctx001_label_caps_context,
    ctx002_agent_believes_more,
    ctx003_request_overrides_definition,
    ctx004_compaction_never_happens,
    ctx005_context_could_be_raised,
    ctx006_output_reserve_eats_window,
    ctx007_default_under_agent_prompt,
    ctx008_overflow_misread,
)
from truelimit.rules.memory import (
    mem001_context_above_native,
    mem002_cache_type_or_attention,
    mem003_prompt_cache_too_small,
    mem004_memory_overcommitted,
)
from truelimit.rules.rule import Rule, apply
from truelimit.rules.server import (
    srv001_slots_change_context,
    srv002_scheduler_under_predicts,
    srv003_engine_failed,
    srv004_not_explained,
)
from truelimit.rules.time import (
    tim001_prefill_exceeds_wall,
    tim002_wall_without_key,
    tim003_retries_multiply,
    tim004_retries_did_not_resume,
    tim005_load_or_queue_exceeds_wall,
)

if TYPE_CHECKING:
    from truelimit.domain.findings import Finding
    from truelimit.domain.provenance import Missing
    from truelimit.limits.view import StackView

RULES: tuple[Rule, ...] = (
    cfg001_window_below_floor.RULE,
    cfg002_model_not_on_server.RULE,
    ctx001_label_caps_context.RULE,
    ctx002_agent_believes_more.RULE,
    ctx003_request_overrides_definition.RULE,
    ctx004_compaction_never_happens.RULE,
    ctx005_context_could_be_raised.RULE,
    ctx006_output_reserve_eats_window.RULE,
    ctx007_default_under_agent_prompt.RULE,
    ctx008_overflow_misread.RULE,
    tim001_prefill_exceeds_wall.RULE,
    tim002_wall_without_key.RULE,
    tim003_retries_multiply.RULE,
    tim004_retries_did_not_resume.RULE,
    tim005_load_or_queue_exceeds_wall.RULE,
    mem001_context_above_native.RULE,
    mem002_cache_type_or_attention.RULE,
    mem003_prompt_cache_too_small.RULE,
    mem004_memory_overcommitted.RULE,
    srv001_slots_change_context.RULE,
    srv002_scheduler_under_predicts.RULE,
    srv003_engine_failed.RULE,
    srv004_not_explained.RULE,
)


def run(view: StackView) -> tuple[tuple[Finding, ...], tuple[Missing, ...]]:
    """Return the findings of all rules on a stack, and the facts that were missing for some."""
    findings: list[Finding] = []
    missing: dict[str, Missing] = {}
    for rule in RULES:
        found, absent = apply(rule, view)
        findings.extend(found)
        for item in absent:
            missing.setdefault(item.fact, item)
    return tuple(findings), tuple(missing.values())


def find(code: str) -> Rule | None:
    """Return the rule with this code or name, or None."""
    wanted = code.strip().lower()
    return next((rule for rule in RULES if wanted in {rule.code.lower(), rule.name}), None)
