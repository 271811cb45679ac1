"""Window, wall and prefix cache are one fix."""

from __future__ import annotations

import pytest

from support.fix_world import prospect
from truelimit.domain.agent import ConfigPlace, Timeout
from truelimit.domain.calculation import evaluate
from truelimit.domain.findings import ConfigEdit
from truelimit.domain.limits import SetBy
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.rates import PrefillFit
from truelimit.fixes.outlook import Prospect, outlook
from truelimit.fixes.probes import long_prompt, probes
from truelimit.units import Bytes, Seconds, Tokens

PROMPT = Known(Tokens(146760), "session s1", Basis.REPORTED)
FIT = PrefillFit(1 / 400, 0.0, None, Tokens(150000), 1, "log", Basis.MEASURED)


def _timeout(seconds: float, bounds: str = "headers", place: ConfigPlace | None = None, remedy: str = "") -> Timeout:
    value = Known(Seconds(seconds), "undici", Basis.SPECIFIED)
    return Timeout(f"{bounds} timer", value, SetBy.CLIENT_LIBRARY, bounds, place, remedy)


def _prospect(*timeouts: Timeout, **fields: object) -> Prospect:
    return prospect(**{"prompt": PROMPT, "prefill": FIT, "timeouts": timeouts, **fields})


def test_a_wall_without_a_key_moves_the_failure_and_says_what_helps() -> None:
    seen = outlook(_prospect(_timeout(300, remedy="update to 2026.9")), ())
    assert seen.moves_failure
    note = " ".join(seen.expectation.notes)
    assert "146,760 tokens takes 367 s to read" in note
    assert "only move the failure from overflow to timeout" in note
    assert "Cold prompts up to 120,000 tokens" in note
    assert seen.needs == ("headers timer (300 s): update to 2026.9",)


def test_walls_with_one_remedy_are_said_together() -> None:
    walls = (_timeout(300, remedy="update"), _timeout(300, "idle", remedy="update"), _timeout(310, "request"))
    assert outlook(_prospect(*walls), ()).needs == (
        "headers timer (300 s), idle timer (300 s): update",
        "request timer (310 s): no key moves it: shorter prompts, a warm prefix cache, or a version without this timer",
    )


def test_a_wall_with_a_key_is_to_be_raised_unless_the_plan_does() -> None:
    place = ConfigPlace("openclaw.json", ("agents", "defaults", "timeoutSeconds"), 3)
    seen = outlook(_prospect(_timeout(300, "run", place)), ())
    assert seen.needs == ("raise openclaw.json: agents.defaults.timeoutSeconds (line 3) above 367 s (now 300 s)",)
    edit = ConfigEdit("openclaw.json", place.path, 300, 900, "test")
    after = outlook(_prospect(_timeout(300, "run", place)), (edit,))
    assert not after.moves_failure
    assert "after 900 s: it fits" in " ".join(after.expectation.notes)


def test_milliseconds_and_zero_are_understood() -> None:
    place = ConfigPlace("f", ("a", "waitMs"))
    edit = ConfigEdit("f", place.path, 300000, 900000, "test")
    assert not outlook(_prospect(_timeout(300, "idle", place)), (edit,)).moves_failure
    unlimited = ConfigEdit("f", place.path, 300000, 0, "test")
    assert not outlook(_prospect(_timeout(300, "idle", place)), (unlimited,)).moves_failure


def test_timers_of_loading_and_compaction_do_not_end_a_prompt() -> None:
    seen = outlook(_prospect(_timeout(5, "load"), _timeout(5, "compaction")), ())
    assert not seen.moves_failure
    assert "no timer ends it" in " ".join(seen.expectation.notes)


def test_unknown_rate_is_said_and_nothing_is_claimed() -> None:
    seen = outlook(_prospect(_timeout(300), prefill=None), ())
    assert not seen.moves_failure
    assert "time afterwards: unknown" in " ".join(seen.expectation.notes)
    assert "may only move" in " ".join(seen.expectation.notes)
    assert "no prompt to reckon with" in " ".join(outlook(_prospect(prompt=None), ()).expectation.notes)


def test_lower_bounds_and_extrapolation_are_said() -> None:
    shallow = PrefillFit(1 / 400, 0.0, None, Tokens(2000), 1, "log", Basis.MEASURED)
    note = " ".join(outlook(_prospect(prefill=shallow), ()).expectation.notes)
    assert "at least 367 s" in note
    assert "known up to 2,000 tokens" in note


@pytest.mark.parametrize(("total", "text"), [(40 * 2**30, "8.0 GiB left"), (50 * 2**30, "it does NOT fit")])
def test_memory_is_shown_with_what_is_left(total: int, text: str) -> None:
    seen = outlook(
        _prospect(
            memory_total=Known(Bytes(total), "estimate", Basis.DERIVED),
            memory_pool=Known(Bytes(48 * 2**30), "machine", Basis.REPORTED),
        ),
        (),
    )
    assert text in seen.expectation.notes[0]


def test_every_printed_formula_gives_its_result() -> None:
    seen = outlook(_prospect(_timeout(300)), ())
    for calculation in seen.calculations:
        values = {term.name: term.value for term in calculation.terms}
        assert evaluate(calculation.formula, values) == calculation.result


def test_a_num_ctx_that_the_agent_sends_is_probed_with_it() -> None:
    (probe,) = probes((), (_prospect(request_context=Tokens(262144)),))
    assert (probe.model, probe.context, probe.request_context) == ("qwen3-coder-30b:v-128k", 262144, 262144)
    assert probe.long_prompt == 144179
    assert probe.seconds == pytest.approx(360.4, abs=0.1)


@pytest.mark.parametrize(("old", "new", "expected"), [(131072, 262144, 144179), (4096, 4608, 4352), (4096, 4100, None)])
def test_the_long_prompt_lies_between_the_limits(old: int, new: int, expected: int | None) -> None:
    assert long_prompt(old, new) == expected
