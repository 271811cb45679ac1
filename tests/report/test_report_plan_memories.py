"""A plan over several memories: no sum is called the memory there is, and speeds of what does not fit are marked."""

from __future__ import annotations

from perf.placement_models import LLAMA_70B, cards
from truelimit.app.plan import bare_stack, plan
from truelimit.app.plan_parts import ModelPlan, Wanted
from truelimit.report import plan_document
from truelimit.report.blocks import Paragraph
from truelimit.units import Tokens


def _plan(context: int) -> ModelPlan:
    return plan(bare_stack(LLAMA_70B, cards(24, 24), ()), Wanted(Tokens(context)))


def _first(item: ModelPlan) -> str:
    block = plan_document.plan(item)[0]
    assert isinstance(block, Paragraph)
    return block.text


def test_the_sentence_names_the_tightest_memory_and_what_there_is() -> None:
    fits, too_large = _first(_plan(16_384)), _first(_plan(32_768))
    assert "over 2 memories apart (48.0 GiB in all): it fits" in fits
    assert "left on the tightest, " in fits
    assert "over 2 memories apart (48.0 GiB in all): it does not fit" in too_large
    assert " short. " in too_large
    assert "tokens would fit" in too_large


def test_speeds_of_what_does_not_fit_are_marked_and_a_way_out_is_told() -> None:
    blocks = plan_document.plan(_plan(32_768))
    told = [block.text for block in blocks if isinstance(block, Paragraph)]
    assert not any("if it did" in text for text in told), "no rates are known here"
    assert any(text.startswith("No one change makes it fit") for text in told)
