"""The verdict: hardware not needed, would help, needed or unknown, over views made by hand; and its sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from limits.limits_builders import LABEL, call, definition, header, known, mac, ollama, session, stack, story
from truelimit.app.doctor import diagnose
from truelimit.app.verdict import judge, verdict
from truelimit.domain.diagnosis import Hardware
from truelimit.domain.facts import Facts
from truelimit.domain.findings import Applicability, ConfigEdit, Finding, FixIdea, Severity
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.session import Cause, ErrorKind, Incident
from truelimit.limits.view import StackView, view
from truelimit.units import Tokens


def incident(cause: Cause, prompt: int | None = None) -> Incident:
    tokens = known(Tokens(prompt)) if prompt else None
    explained = cause is not Cause.UNEXPLAINED
    return Incident("i1", None, "s1", "m", cause, explained, 1, 0, tokens, None, None, reasons=("as seen",))


def seen(*incidents: Incident, num_ctx: int | None = LABEL, **extra: Any) -> StackView:
    """The story's stack with a definition of so many tokens, and these incidents in place of its own."""
    held = definition(num_ctx=num_ctx)
    return replace(view(stack(definition=held, server=ollama(held), **extra)), incidents=incidents)


SMALL = mac(32, usable=24)  # 17.3 GiB of weights leave room for about 60,000 tokens in f16, 120,000 in q8_0


def test_a_limit_below_what_memory_holds_needs_no_hardware() -> None:
    hardware, why = judge(seen(incident(Cause.OVERFLOW, 146_760)))
    assert hardware is Hardware.NOT_NEEDED
    assert why.startswith("262,144 tokens of context take 4")
    assert "of 48.0 GiB" in why


@pytest.mark.parametrize("cause", [Cause.ENGINE_CRASH, Cause.UNEXPLAINED])
def test_what_no_limit_explains_leaves_it_unknown(cause: Cause) -> None:
    hardware, why = judge(seen(incident(cause)))
    assert (hardware, why) == (Hardware.UNKNOWN, "a failure is not explained by any limit")


def test_a_crash_beside_an_overflow_still_leaves_it_unknown() -> None:
    assert judge(seen(incident(Cause.OVERFLOW, 146_760), incident(Cause.ENGINE_CRASH)))[0] is Hardware.UNKNOWN


def test_out_of_memory_with_a_context_larger_than_the_prompts_need() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY, 20_000), num_ctx=262_144, machine=SMALL))
    assert hardware is Hardware.NOT_NEEDED
    assert "holds every prompt that was asked, and fits" in why


def test_out_of_memory_that_a_smaller_cache_type_mends() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY, 100_000), num_ctx=262_144, machine=SMALL))
    assert (hardware, why) == (Hardware.WOULD_HELP, "with a q8_0 cache the prompts that were asked fit")


def test_out_of_memory_beyond_the_machine_even_with_a_smaller_cache_type() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY, 200_000), num_ctx=262_144, machine=SMALL))
    assert hardware is Hardware.NEEDED
    assert why.endswith("GiB are needed even with a q8_0 cache, 24.0 are there")


def test_weights_beyond_the_machine_need_hardware() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY), machine=mac(16, usable=10.7)))
    assert hardware is Hardware.NEEDED
    assert "10.7 are there" in why


def test_answered_prompts_count_as_asked() -> None:
    calls = (call(0, 10, prompt=200_000),)
    small = seen(incident(Cause.OUT_OF_MEMORY, 20_000), num_ctx=262_144, machine=SMALL, calls=calls)
    assert judge(small)[0] is Hardware.NEEDED


def test_out_of_memory_without_any_known_prompt() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY), num_ctx=262_144, machine=SMALL))
    assert hardware is Hardware.UNKNOWN
    assert "how long the prompts are is not known" in why


def test_out_of_memory_against_the_arithmetic_is_not_explained_away() -> None:
    hardware, why = judge(seen(incident(Cause.OUT_OF_MEMORY, 20_000)))
    assert hardware is Hardware.UNKNOWN
    assert "although the arithmetic leaves" in why


@pytest.mark.parametrize("cause", [Cause.OUT_OF_MEMORY, Cause.OVERFLOW, Cause.TRUNCATION])
def test_without_a_known_memory_it_is_unknown(cause: Cause) -> None:
    assert judge(seen(incident(cause, 146_760), machine=UNKNOWN_MACHINE))[0] is Hardware.UNKNOWN


def test_without_a_header_it_is_unknown() -> None:
    bare = definition(header=None)
    unknown = view(stack(definition=bare, header=None, server=ollama(bare)))
    assert judge(replace(unknown, incidents=(incident(Cause.OVERFLOW, 146_760),)))[0] is Hardware.UNKNOWN


def test_a_stack_that_does_not_fit_is_judged_before_it_fails() -> None:
    assert judge(seen(num_ctx=262_144, machine=SMALL))[0] is Hardware.UNKNOWN
    calls = (call(0, 10, prompt=20_000),)
    assert judge(seen(num_ctx=262_144, machine=SMALL, calls=calls))[0] is Hardware.NOT_NEEDED


def test_a_wall_of_time_needs_no_memory_and_says_only_that() -> None:
    told = verdict((seen(incident(Cause.PREFILL_EXCEEDS_WALL, 146_760)),), ())
    assert told.hardware is Hardware.NOT_NEEDED
    assert "No hardware is needed for memory" in told.sentence


def test_the_worst_of_the_stacks_with_incidents_counts() -> None:
    fine, bad = seen(incident(Cause.OVERFLOW, 146_760)), seen(
        incident(Cause.OUT_OF_MEMORY, 200_000), num_ctx=262_144, machine=SMALL
    )  # fmt: skip
    assert verdict((fine, bad), ()).hardware is Hardware.NEEDED


def test_a_stack_without_incidents_does_not_blur_the_verdict() -> None:
    fine, idle = seen(incident(Cause.OVERFLOW, 146_760)), seen(machine=UNKNOWN_MACHINE)
    assert verdict((fine, idle), ()).hardware is Hardware.NOT_NEEDED
    assert verdict((idle,), ()).hardware is Hardware.UNKNOWN


def test_nothing_wrong_is_said() -> None:
    told = verdict((seen(),), ())
    assert told.sentence.startswith("Nothing is wrong with the limits of this stack.")
    assert told.hardware is Hardware.NOT_NEEDED
    assert "To do" not in told.sentence


def test_nothing_examined_is_said() -> None:
    told = verdict((), ())
    assert (told.sentence, told.hardware) == ("Nothing was found that could be examined.", Hardware.UNKNOWN)


def test_an_incident_without_a_finding_is_not_called_fine() -> None:
    told = verdict((seen(incident(Cause.ENGINE_CRASH)),), ())
    assert "Nothing is wrong" not in told.sentence
    assert "engine-crash" in told.sentence


def finding(code: str, message: str, model: str, fix: FixIdea | None = None, **extra: Any) -> Finding:
    return Finding(code, "name", Severity.FAILS, message, model, fix=fix, **extra)


def test_the_sentence_says_what_binds_who_set_it_and_what_to_do() -> None:
    one = seen(incident(Cause.OVERFLOW, 146_760))
    edit = ConfigEdit("openclaw.json", ("a",), 1, 2, "why")
    raise_it = FixIdea("Raise the context", Applicability.SAFE, edits=(edit,))
    by_hand = FixIdea("Get past the wall", Applicability.MANUAL, steps=("upgrade",))
    findings = (
        finding("CTX001", "131,072 is a label. More of it.", one.stack.model, raise_it),
        finding("TIM002", "No key moves the node-fetch-headers. More.", one.stack.model, by_hand, incidents=("i1",)),
    )
    told = verdict((one,), findings)
    assert told.parts[0] == (
        "131,072 is a label. The number is set by the agent's configuration (contextWindow) and "
        "the model definition on the server."
    )
    assert told.parts[1] == "No key moves the Node fetch headers timeout."
    assert told.parts[-1] == "To do: truelimit fix (raise the context); by hand, get past the wall (TIM002)."
    assert told.sentence == " ".join(told.parts)


def test_an_unsafe_fix_is_named_with_its_option() -> None:
    one = seen(incident(Cause.OVERFLOW, 146_760))
    edit = ConfigEdit("openclaw.json", ("a",), 1, 2, "why")
    told = verdict((one,), (finding("CTX001", "A.", "m", FixIdea("Raise it", Applicability.UNSAFE, edits=(edit,))),))
    assert told.parts[-1] == "To do: truelimit fix --unsafe (raise it)."


def test_the_story_costs_its_time_and_says_that_it_is_extrapolated() -> None:
    told = diagnose(story(published=(_published(),))).verdict
    assert "A cold prompt of 146,760 tokens takes 673 s (11.2 min) to read here (derived, extrapolated)." in told.parts
    assert any(item.unit == "s" and round(float(item.result)) == 673 for item in told.calculations)


def test_facts_without_a_model_say_what_was_read() -> None:
    told = diagnose(Facts(examined=("a.log",)))
    assert any("a.log" in item.why for item in told.missing)
    assert told.verdict.hardware is Hardware.UNKNOWN


def test_a_failed_call_of_a_model_without_a_name_has_one_in_the_report() -> None:
    lost = call(0, 5, ErrorKind.OTHER, model="", provider="")
    told = diagnose(Facts(sessions=(session(lost),)))
    assert all(item.model for item in told.ladders)


def _published() -> Any:
    from limits.limits_builders import published

    assert header().architecture == published().architecture
    return published()
