"""What rules propose to change: every key that must change, and none that would not help."""

from __future__ import annotations

from typing import Any

from support.case_facts import CONFIG, facts
from truelimit.domain.findings import Applicability, ConfigEdit, DefinitionEdit, FixIdea
from truelimit.limits.stacks import stacks
from truelimit.limits.view import view
from truelimit.rules.registry import run

BIG: dict[str, Any] = {"native": 262_144, "num_ctx": 262_144, "agent_context": 262_144}
CUT: dict[str, Any] = {"seconds": 300.3, "prompt": 146_760, "error": "timeout"}
RUN = "agents.defaults.timeoutSeconds"
PROVIDER = "models.providers.ollama.timeoutSeconds"


def fix_of(code: str, **case: Any) -> FixIdea:
    (stack,) = stacks(facts({**BIG, **case}))
    (idea,) = [item.fix for item in run(view(stack))[0] if item.code == code]
    assert idea is not None
    return idea


def wall(name: str, seconds: float, bounds: str, key: str | None = None) -> dict[str, Any]:
    return {"name": name, "seconds": seconds, "bounds": bounds, **({"key": key} if key else {})}


def waits(*walls: dict[str, Any]) -> tuple[dict[str, tuple[object, object]], FixIdea]:
    idea = fix_of("TIM001", generation="2026.9", api="ollama", walls=list(walls), calls=[CUT])
    edits = [edit for edit in idea.edits if isinstance(edit, ConfigEdit)]
    assert all(edit.at_least for edit in edits)
    return {".".join(map(str, edit.path)): (edit.expected, edit.value) for edit in edits}, idea


def test_timers_that_end_in_the_same_second_are_raised_together() -> None:
    edits, idea = waits(wall("idle", 300, "idle", PROVIDER), wall("run", 300, "run", RUN))
    assert list(edits) == [PROVIDER, RUN]
    assert len(set(edits.values())) == 1
    assert idea.steps == ()


def test_two_timers_of_one_key_are_one_edit() -> None:
    edits, _ = waits(wall("idle", 300, "idle", PROVIDER), wall("headers", 300, "headers", PROVIDER))
    assert list(edits) == [PROVIDER]


def test_the_timer_that_would_end_it_next_is_raised_too_and_a_later_one_left() -> None:
    edits, _ = waits(
        wall("idle", 300, "idle", PROVIDER), wall("run", 400, "run", RUN), wall("far", 9000, "run", "agents.far")
    )
    assert list(edits) == [PROVIDER, RUN]
    assert edits[RUN][0] == 400


def test_a_next_wall_without_a_key_is_told() -> None:
    edits, idea = waits(wall("idle", 300, "idle", PROVIDER), wall("a relay", 330, "headers"))
    assert list(edits) == [PROVIDER]
    assert "a relay of 330 s (5.5 min) would end it next" in idea.steps[0]


def test_a_command_that_gave_up_is_told_to_wait_and_its_key_left_alone() -> None:
    """The key that would move it holds for all other turns too, which wait 48 hours."""
    walls = [wall("run", 172_800, "run", RUN), {**wall("command", 600, "command", RUN), "remedy": "give it --timeout"}]
    case: dict[str, Any] = {"generation": "2026.9", "api": "ollama", "walls": walls}
    idea = fix_of("TIM001", **case, calls=[{**CUT, "seconds": 600.4}])
    assert (idea.applicability, idea.edits) == (Applicability.MANUAL, ())
    assert "give it --timeout; at least" in idea.steps[0]


def test_memory_that_does_not_do_lowers_agent_and_definition_to_what_fits() -> None:
    idea = fix_of("MEM004", machine_gib=36)
    (definition,) = [edit for edit in idea.edits if isinstance(edit, DefinitionEdit)]
    context = definition.parameters["num_ctx"]
    assert 65_536 < context < 262_144
    assert f"Lower the context to {context:,} tokens" in idea.title
    windows = [e for e in idea.edits if isinstance(e, ConfigEdit) and e.path[-1] == "contextWindow"]
    assert [(edit.file, edit.expected, edit.value) for edit in windows] == [(CONFIG, 262_144, context)]


def test_where_the_agent_sends_its_window_its_key_alone_lowers_it() -> None:
    idea = fix_of("MEM004", machine_gib=36, api="ollama", request_context=262_144)
    assert [type(edit) for edit in idea.edits] == [ConfigEdit]


def test_too_little_for_the_agent_is_no_fix() -> None:
    idea = fix_of("MEM004", machine_gib=20)
    assert idea.edits == ()
    assert idea.title == "Make it fit"
