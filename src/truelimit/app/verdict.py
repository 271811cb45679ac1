"""The verdict: one sentence, and whether hardware was the matter."""

from __future__ import annotations

from truelimit.domain.calculation import Calculation, term
from truelimit.domain.diagnosis import Hardware, Verdict
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.provenance import Known
from truelimit.domain.session import Cause, Incident
from truelimit.limits.need import memory_need
from truelimit.limits.view import StackView
from truelimit.perf.prefill import extrapolates, prefill_calculation
from truelimit.units import Tokens, to_gib

_TOO_LONG = {Cause.OVERFLOW, Cause.TRUNCATION}
_UNCLEAR = {Cause.UNEXPLAINED, Cause.ENGINE_CRASH}


def verdict(views: tuple[StackView, ...], findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict on all stacks together."""
    hardware, why = _worst([judge(item) for item in views])
    lead = _lead(findings, views)
    time, calculations = _cost_of_time(views)
    memory = next((c for item in views if (c := _memory_calculation(item)) is not None), None)
    reasons = tuple(text for text in (why, time) if text)
    sentence = " ".join(text for text in (lead, _hardware_words(hardware, why), time) if text)
    return Verdict(sentence, hardware, reasons, ((memory,) if memory else ()) + calculations)


def _lead(findings: tuple[Finding, ...], views: tuple[StackView, ...]) -> str:
    """The main context finding and the main time finding, each by its first sentence."""
    serious = [item for item in findings if item.severity is not Severity.NOTE]
    if not serious:
        return (
            "Nothing is wrong with the limits of this stack." if views else "Nothing was found that could be examined."
        )
    first = serious[0]
    other = next((item for item in serious if item.code[:3] != first.code[:3] and item.incidents), None)
    return " ".join(_first_sentence(item.message) for item in (first, other) if item is not None)


def _first_sentence(text: str) -> str:
    head, stop, _ = text.partition(". ")
    return head + ("." if stop else "")


_WORDS = {
    Hardware.NOT_NEEDED: "No hardware is needed",
    Hardware.WOULD_HELP: "More memory would help, settings may do",
    Hardware.NEEDED: "This needs more memory than the machine has",
    Hardware.UNKNOWN: "Whether hardware matters cannot be said",
}


def _hardware_words(hardware: Hardware, why: str) -> str:
    return f"{_WORDS[hardware]}: {why}." if why else f"{_WORDS[hardware]}."


def _worst(judged: list[tuple[Hardware, str]]) -> tuple[Hardware, str]:
    order = [Hardware.NEEDED, Hardware.WOULD_HELP, Hardware.UNKNOWN, Hardware.NOT_NEEDED]
    return min(judged, key=lambda item: order.index(item[0]), default=(Hardware.UNKNOWN, ""))


def judge(view: StackView) -> tuple[Hardware, str]:
    """Return whether the incidents of one stack needed hardware, and why.

    A lack of memory is judged by what the requests really asked: settings that would hold the longest prompt come
    first. What the evidence does not show is unknown.
    """
    causes = {item.cause for item in view.incidents}
    overcommitted = view.memory.headroom is not None and view.memory.headroom < 0
    if Cause.OUT_OF_MEMORY in causes or overcommitted:
        return _judge_memory(view)
    if causes & _TOO_LONG and (view.target is None or view.target.fits is None):
        return Hardware.UNKNOWN, "the memory that a longer context needs, or has, is not known"
    if causes & _UNCLEAR:
        return Hardware.UNKNOWN, "a failure is not explained by any limit"
    if view.target is not None and view.target.fits:
        return Hardware.NOT_NEEDED, _fits(view)
    if causes:
        return Hardware.NOT_NEEDED, "what failed was a configured limit"
    return (Hardware.UNKNOWN, "memory is not known") if view.memory.headroom is None else (Hardware.NOT_NEEDED, "")


def _fits(view: StackView) -> str:
    target, pool = view.target, view.memory.pool
    if target is None or target.memory_need is None or pool is None:
        return ""
    spare = pool - target.memory_need.total
    return (
        f"{target.context:,} tokens of context take {to_gib(target.memory_need.total):.1f} of "
        f"{to_gib(pool):.1f} GiB, {to_gib(spare):.1f} GiB are left"
    )


def _judge_memory(view: StackView) -> tuple[Hardware, str]:
    asked = max((item.prompt_tokens.value for item in view.incidents if item.prompt_tokens), default=0)
    target, pool = view.target, view.memory.pool
    if pool is None:
        return Hardware.UNKNOWN, "the engine ran out of memory, and how much there is is not known"
    if target is not None and target.fits and target.context >= max(asked, 1):
        return (
            Hardware.NOT_NEEDED,
            f"a context of {target.context:,} tokens holds every prompt that was asked, and fits",
        )
    smaller = memory_need(view.stack, max(asked, 4096), kv_type="q8_0")
    if smaller is not None and smaller.total <= pool:
        return Hardware.WOULD_HELP, "with a q8_0 cache the prompts that were asked fit"
    if smaller is None:
        return Hardware.UNKNOWN, "the engine ran out of memory, and what the model needs is not known"
    return (
        Hardware.NEEDED,
        f"{to_gib(smaller.total):.1f} GiB are needed even with a q8_0 cache, {to_gib(pool):.1f} are there",
    )


def _memory_calculation(view: StackView) -> Calculation | None:
    target = view.target
    return target.memory_need.calculation if target is not None and target.memory_need is not None else None


def _cost_of_time(views: tuple[StackView, ...]) -> tuple[str, tuple[Calculation, ...]]:
    """What the longest failed prompt costs in time when nothing of it is cached."""
    for view in views:
        biggest = _biggest(view.incidents)
        if biggest is None or view.prefill is None:
            continue
        cost = prefill_calculation(view.prefill, term("prompt", biggest, "tokens"))
        length = f"{cost.result:,.0f} s ({cost.result / 60:.1f} min)"
        text = f"A cold prompt of {biggest.value:,} tokens takes {length} to read here"
        far = ", extrapolated" if extrapolates(view.prefill, biggest.value) else ""
        return f"{text} ({view.prefill.basis}{far}).", (cost,)
    return "", ()


def _biggest(incidents: tuple[Incident, ...]) -> Known[Tokens] | None:
    known = [item.prompt_tokens for item in incidents if item.prompt_tokens]
    return max(known, key=lambda item: item.value, default=None)
