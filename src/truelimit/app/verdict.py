"""The verdict: what binds and who set it, what it did, whether hardware was the matter, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from truelimit.app.words import who_set
from truelimit.domain.calculation import Calculation, term
from truelimit.domain.diagnosis import Hardware, Verdict
from truelimit.domain.findings import Applicability, Finding, Severity
from truelimit.domain.limits import Ladder, LimitKind, Rung, SetBy
from truelimit.domain.message import counted, first_sentence, joined, said, small
from truelimit.domain.session import Cause, Incident
from truelimit.limits.need import memory_need
from truelimit.limits.pools import budget
from truelimit.limits.words import spoken
from truelimit.perf.prefill import extrapolates, is_lower_bound, prefill_calculation
from truelimit.units import Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known
    from truelimit.domain.server import ServerKind
    from truelimit.limits.view import StackView

_TOO_LONG = {Cause.OVERFLOW, Cause.TRUNCATION}
_UNCLEAR = {Cause.UNEXPLAINED, Cause.ENGINE_CRASH}


def verdict(views: tuple[StackView, ...], findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict on all stacks together."""
    concerned = [item for item in views if item.incidents or _overcommitted(item)]
    hardware, why = _worst([judge(item) for item in concerned or views])
    time, calculations = _cost_of_time(views)
    memory = next((c for item in concerned or views if (c := _memory_calculation(item)) is not None), None)
    parts = (*_lead(findings, views), _hardware_words(hardware, why, views), time, _to_do(findings))
    told = tuple(spoken(text) for text in parts if text)
    reasons = tuple(text for text in (why, time) if text)
    return Verdict(joined(" ", told), hardware, reasons, ((memory,) if memory else ()) + calculations, told)


def _lead(findings: tuple[Finding, ...], views: tuple[StackView, ...]) -> tuple[str, ...]:
    """The main finding with who set its limit, and the main one of another budget, each by its first sentence."""
    if not views:
        return (said("Nothing was found that could be examined."),)
    serious = [item for item in findings if item.severity is not Severity.NOTE]
    if not serious:
        return _without_findings(findings, views)
    first = serious[0]
    other = next((item for item in serious if item.code[:3] != first.code[:3] and item.incidents), None)
    told = joined(" ", (text for text in (first_sentence(first.message), _by_whom(first, views)) if text))
    return (told, first_sentence(other.message)) if other is not None else (told,)


def _without_findings(findings: tuple[Finding, ...], views: tuple[StackView, ...]) -> tuple[str, ...]:
    """Failures that no rule accounts for are told before it is said that nothing else is wrong."""
    open_ones = [item for item in findings if item.incidents]
    if open_ones:
        return (first_sentence(open_ones[0].message), said("Nothing else is wrong with the limits of this stack."))
    failed = [item for view in views for item in view.incidents if item.cause is not Cause.CANCELLED]
    if failed:
        told = counted(
            "{count} failure of the kind {cause}: {reasons}.",
            "{count} failures of the kind {cause}: {reasons}.",
            len(failed),
            cause=failed[0].cause,
            reasons=joined("; ", failed[0].reasons[:2]),
        )
        return (
            told,
            said("Nothing is known of the limits that would explain more."),
        )
    return (said("Nothing is wrong with the limits of this stack."),)


def _by_whom(finding: Finding, views: tuple[StackView, ...]) -> str:
    """Who set the limit that binds: all that hold it there."""
    view = next((item for item in views if item.stack.model == finding.model), None)
    ladders = {"CTX": view.context, "TIM": view.time} if view is not None else {}
    ladder: Ladder | None = ladders.get(finding.code[:3])
    binding = ladder.binding if ladder is not None else None
    if ladder is None or binding is None or binding.kind is LimitKind.PHYSICAL:
        return ""
    kind = view.stack.server.kind if view is not None and view.stack.server is not None else None
    return said(
        "The number is set by {authors}.", authors=joined(said(" and "), _authors((binding, *ladder.tied), kind))
    )


def _authors(rungs: tuple[Rung, ...], kind: ServerKind | None) -> Iterable[str]:
    """Name each author once, by the words that name a key where there are any.

    One setting may stand on several rungs: as it is configured, and as it is loaded.
    """
    by: dict[SetBy, str] = {}
    for rung in rungs:
        if rung.kind is not LimitKind.PHYSICAL and not by.get(rung.set_by, "").endswith(")"):
            by[rung.set_by] = who_set(rung, kind)
    return by.values()


def _to_do(findings: tuple[Finding, ...]) -> str:
    """The first change that truelimit can make, and the first thing that a person must do."""
    serious = [item for item in findings if item.fix is not None and item.severity is not Severity.NOTE]
    made = [item for item in serious if item.fix and item.fix.edits]
    left = [item for item in serious if item.fix and not item.fix.edits and item.fix.steps]
    steps = []
    if made and made[0].fix:
        harm = " --unsafe" if made[0].fix.applicability is Applicability.UNSAFE else ""
        steps.append(said("truelimit fix{harm} ({title})", harm=harm, title=small(made[0].fix.title)))
    if left and left[0].fix:
        steps.append(said("by hand, {title} ({code})", title=small(left[0].fix.title), code=left[0].code))
    return said("To do: {steps}.", steps=joined("; ", steps)) if steps else ""


_WORDS = {
    Hardware.NOT_NEEDED: said("No hardware is needed"),
    Hardware.WOULD_HELP: said("More memory would help, settings may do"),
    Hardware.NEEDED: said("This needs more memory than the machine has"),
    Hardware.UNKNOWN: said("Whether hardware matters cannot be said"),
}


def _hardware_words(hardware: Hardware, why: str, views: tuple[StackView, ...]) -> str:
    if not views:
        return ""
    slow = any(item.cause is Cause.PREFILL_EXCEEDS_WALL for view in views for item in view.incidents)
    words = said("No hardware is needed for memory") if slow and hardware is Hardware.NOT_NEEDED else _WORDS[hardware]
    return said("{words}: {why}.", words=words, why=why) if why else said("{words}.", words=words)


def _worst(judged: list[tuple[Hardware, str]]) -> tuple[Hardware, str]:
    order = [Hardware.NEEDED, Hardware.WOULD_HELP, Hardware.UNKNOWN, Hardware.NOT_NEEDED]
    return min(judged, key=lambda item: order.index(item[0]), default=(Hardware.UNKNOWN, ""))


def _overcommitted(view: StackView) -> bool:
    return view.memory.headroom is not None and view.memory.headroom < 0


def judge(view: StackView) -> tuple[Hardware, str]:
    """Return whether the incidents of one stack needed hardware, and why.

    A lack of memory is judged by what the requests really asked: settings that would hold the longest prompt come
    first. What the evidence does not show is unknown.
    """
    causes = {item.cause for item in view.incidents} - {Cause.CANCELLED}
    if Cause.OUT_OF_MEMORY in causes or _overcommitted(view):
        return _judge_memory(view)
    if _asked_for_more(view) and (view.target is None or view.target.fits is None):
        return Hardware.UNKNOWN, said("the memory that a longer context needs, or has, is not known")
    if causes & _UNCLEAR:
        return Hardware.UNKNOWN, said("a failure is not explained by any limit")
    if view.target is not None and view.target.fits:
        return Hardware.NOT_NEEDED, _fits(view)
    if causes:
        return Hardware.NOT_NEEDED, said("what failed was a configured limit")
    return (
        (Hardware.UNKNOWN, said("memory is not known")) if view.memory.headroom is None else (Hardware.NOT_NEEDED, "")
    )


def _asked_for_more(view: StackView) -> bool:
    """Whether a prompt failed for the window, or was longer than it beside another cause."""
    served = view.served.value if view.served is not None else None
    return any(
        item.cause in _TOO_LONG
        or (item.prompt_tokens is not None and served is not None and item.prompt_tokens.value > served)
        for item in view.incidents
    )


def _fits(view: StackView) -> str:
    target, pool = view.target, budget(view.stack)
    if target is None or target.memory_need is None or pool is None:
        return ""
    total, held, left = pool.tightest(target.memory_need)
    return said(
        "{context:,} tokens of context take {total:.1f} of {held:.1f} GiB, {left:.1f} GiB are left",
        context=target.context,
        total=to_gib(total),
        held=to_gib(held.value),
        left=to_gib(left),
    )


def _judge_memory(view: StackView) -> tuple[Hardware, str]:
    """The engine ran out of memory, or the arithmetic says that it will."""
    pool, target = budget(view.stack), view.target
    if pool is None or view.memory.headroom is None:
        return Hardware.UNKNOWN, said("the engine ran out of memory, and how much there is or was needed is not known")
    if view.memory.headroom >= 0:
        spare = to_gib(view.memory.headroom)
        return Hardware.UNKNOWN, said(
            "the engine ran out of memory although the arithmetic leaves {spare:.1f} GiB", spare=spare
        )
    asked = max((size.value for size in view.prompts), default=0)
    if not asked and target is not None and target.fits:
        least = said("{context:,} tokens of context would fit", context=target.context)
        return Hardware.UNKNOWN, said("{least}, and how long the prompts are is not known", least=least)
    if target is not None and target.fits and target.context >= asked:
        return (
            Hardware.NOT_NEEDED,
            said("a context of {context:,} tokens holds every prompt that was asked, and fits", context=target.context),
        )
    smaller = memory_need(view.stack, max(asked, 4096), kv_type="q8_0")
    if smaller is None:
        return Hardware.UNKNOWN, said("what the model needs with a smaller cache is not known")
    total, held, left = pool.tightest(smaller)
    if left >= 0:
        return Hardware.WOULD_HELP, said("with a q8_0 cache the prompts that were asked fit")
    return (
        Hardware.NEEDED,
        said(
            "{total:.1f} GiB are needed even with a q8_0 cache, {held:.1f} are there",
            total=to_gib(total),
            held=to_gib(held.value),
        ),
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
        least = said("at least ") if is_lower_bound(view.prefill, biggest.value) else ""
        text = said(
            "A cold prompt of {tokens:,} tokens takes {least}{seconds:,.0f} s ({minutes:.1f} min) to read here "
            "({basis}{far}).",
            tokens=biggest.value,
            least=least,
            seconds=cost.result,
            minutes=cost.result / 60,
            basis=view.prefill.basis,
            far=said(", extrapolated") if extrapolates(view.prefill, biggest.value) else "",
        )
        return text, (cost,)
    return "", ()


def _biggest(incidents: tuple[Incident, ...]) -> Known[Tokens] | None:
    known = [item.prompt_tokens for item in incidents if item.prompt_tokens]
    return max(known, key=lambda item: item.value, default=None)
