"""Why a turn failed. The first judge that the evidence supports answers; what none supports is unexplained.

The order is the law of this file: what an engine itself reports (it died, it lacked memory) is never blamed on a
setting; then what a server or agent said in words; then what the clock shows; then what a person did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import EngineFailed, PoolExhausted, PromptProgress, PromptRefused, RequestCancelled
from truelimit.domain.session import Cause, ErrorKind
from truelimit.limits.turns import Turn
from truelimit.units import Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.limits import MemoryLadder
    from truelimit.domain.rates import DecodeFit, PrefillFit


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of a stack when its incidents are judged."""

    stack: Stack
    served: Known[Tokens] | None
    prefill: PrefillFit | None
    decode: DecodeFit | None
    memory: MemoryLadder | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A cause, whether the evidence carries it, and what says so in words and arithmetic.

    ``prompt`` is the prompt's size where the judge knows it better than the turn does.
    """

    cause: Cause
    explained: bool
    reasons: tuple[str, ...]
    calculations: tuple[Calculation, ...] = ()
    prompt: Known[Tokens] | None = None


_POOL_FULL = "context size has been exceeded"  # llama-server b10434: HTTP 500 for all requests in the pool
_ESTIMATES = {Basis.DERIVED, Basis.ASSUMED}  # what is known of a prompt that nobody counted is a lower bound

Judge = Callable[[Turn, Scene], Judgement | None]


def engine_failed(turn: Turn, scene: Scene) -> Judgement | None:
    """The engine died, or memory did not do: by the log within the turn, or by the error's own text."""
    failure = next((event for event in turn.events if isinstance(event, EngineFailed)), None)
    if failure is not None and failure.reason == "load-timeout":
        return None
    out = (failure is not None and failure.reason == "out-of-memory") or turn.has(ErrorKind.OUT_OF_MEMORY)
    if failure is None and not out and not turn.has(ErrorKind.ENGINE_CRASH):
        return None
    words = said("{place}: {text}", place=failure.where, text=failure.text) if failure is not None else _text(turn)
    if not out:
        return Judgement(
            Cause.ENGINE_CRASH,
            True,
            (
                said("the engine died: {words}", words=words),
                said("no window and no timer explains that"),
            ),
        )
    return Judgement(
        Cause.OUT_OF_MEMORY,
        True,
        (said("the engine ran out of memory: {words}", words=words), *_memory(scene)),
        _left(scene),
    )


def _text(turn: Turn) -> str:
    if turn.error is None:
        return turn.where
    return said('"{error}" ({place})', error=turn.error.text, place=turn.where)


def _memory(scene: Scene) -> tuple[str, ...]:
    memory = scene.memory
    if memory is None or memory.headroom is None or memory.total is None or memory.pool is None:
        return (said("what it needed against what was there cannot be computed from the evidence"),)
    need = said("{total:.1f} GiB needed, {pool:.1f} GiB there", total=to_gib(memory.total), pool=to_gib(memory.pool))
    if memory.headroom < 0:
        return (said("the arithmetic agrees: {need}", need=need),)
    return (
        said("by the arithmetic it should have fitted ({need}): something else held memory at that time", need=need),
    )


def _left(scene: Scene) -> tuple[Calculation, ...]:
    memory = scene.memory
    return (memory.calculation,) if memory is not None and memory.calculation is not None else ()


def overflow(turn: Turn, scene: Scene) -> Judgement | None:
    """Server or agent refused the prompt as too long, in words."""
    refused = next((event for event in turn.events if isinstance(event, PromptRefused)), None)
    if turn.has(ErrorKind.WINDOW_TOO_SMALL):
        return Judgement(
            Cause.OVERFLOW, True, (said("the agent refuses to work in so small a window: {error}", error=_text(turn)),)
        )
    pool = next((event for event in turn.events if isinstance(event, PoolExhausted)), None)
    if pool is not None and turn.match is None and not turn.aborted:
        together = said(
            "{tasks} requests that ran together filled the context that all slots share ({where})",
            tasks=pool.tasks,
            where=pool.where,
        )
        return Judgement(Cause.OVERFLOW, True, (together, said("alone, this prompt may well have fitted")))
    in_words = turn.has(ErrorKind.OVERFLOW)
    if not in_words and (refused is None or turn.match is not None or turn.has(ErrorKind.TIMEOUT)):
        return None
    prompt, context = _refused_sizes(turn, scene, refused)
    who = _text(turn) if in_words or refused is None else refused.where
    reason = said("the prompt was refused as too long: {who}", who=who)
    if prompt is None or context is None:
        return Judgement(Cause.OVERFLOW, True, (reason, said("the evidence gives no sizes")))
    if prompt.value < context.value and prompt.basis in _ESTIMATES:
        least = said(
            "its size was not counted: at least {prompt:,} tokens by estimate, against {context:,}",
            prompt=prompt.value,
            context=context.value,
        )
        return Judgement(Cause.OVERFLOW, True, (reason, least))
    if turn.error is not None and _POOL_FULL in turn.error.text.lower():
        together = said("llama-server says so when requests that run at once fill the one pool that its slots share")
        return Judgement(Cause.OVERFLOW, True, (reason, together))
    return _by_sizes(reason, prompt, context, scene)


def _by_sizes(reason: str, prompt: Known[Tokens], context: Known[Tokens], scene: Scene) -> Judgement:
    """The words say overflow; the counts must carry it, alone or with the room that the answer asks for."""
    terms = (term("prompt_tokens", prompt, "tokens"), term("context", context, "tokens"))
    over = calculate("prompt_tokens - context", "tokens", *terms)
    if prompt.value >= context.value:
        return Judgement(
            Cause.OVERFLOW,
            True,
            (reason, said("{prompt:,} tokens against {context:,}", prompt=prompt.value, context=context.value)),
            (over,),
        )
    answer = scene.stack.route.output_reserve if scene.stack.route else None
    if answer is not None and prompt.value + answer.value > context.value:
        both = calculate("prompt_tokens + answer - context", "tokens", *terms, term("answer", answer, "tokens"))
        words = said(
            "{prompt:,} tokens and room for an answer of {answer:,} against {context:,}",
            prompt=prompt.value,
            answer=answer.value,
            context=context.value,
        )
        return Judgement(Cause.OVERFLOW, True, (reason, words), (both,))
    note = said(
        "but {prompt:,} tokens are less than the {context:,} of the context: sizes do not explain it",
        prompt=prompt.value,
        context=context.value,
    )
    shared = said("requests that run at once share one pool on llama-server: together they may exceed it")
    return Judgement(Cause.UNEXPLAINED, False, (reason, note, shared), (over,))


def _refused_sizes(
    turn: Turn, scene: Scene, refused: PromptRefused | None
) -> tuple[Known[Tokens] | None, Known[Tokens] | None]:
    """The refusal's own numbers before all others: they are of the moment."""
    error, where = turn.error, said("the error text of {where}", where=turn.where)
    prompt, context = turn.prompt, scene.served
    if refused is not None:
        prompt = Known(refused.prompt, refused.where, Basis.REPORTED) if refused.prompt else prompt
        context = Known(refused.context, refused.where, Basis.REPORTED) if refused.context else context
    if error is not None:
        prompt = Known(error.prompt, where, Basis.REPORTED) if error.prompt else prompt
        context = Known(error.context, where, Basis.REPORTED) if error.context else context
    return prompt, context


def cancelled(turn: Turn, scene: Scene) -> Judgement | None:
    """A person or the agent ended it, and no timer was due."""
    del scene
    left = next((event for event in reversed(turn.events) if isinstance(event, RequestCancelled)), None)
    if left is not None and not turn.calls:
        return _left_while_reading(turn, left)
    if not turn.aborted:
        return None
    after = said(" after {seconds:,.0f} s", seconds=turn.seconds) if turn.seconds is not None else ""
    return Judgement(
        Cause.CANCELLED, True, (said("ended by its user or agent{after}; no known timer was due then", after=after),)
    )


def _left_while_reading(turn: Turn, left: RequestCancelled) -> Judgement:
    """Only the server's log tells of it: how far it was, and how fast."""
    reason = said(
        "the client went away while its prompt was being read ({where}); whose timer, or who, no log says",
        where=left.where,
    )
    progress = next((event for event in reversed(turn.events) if isinstance(event, PromptProgress)), None)
    if progress is None or progress.seconds <= 0 or progress.evaluated is None:
        return Judgement(Cause.CANCELLED, True, (reason,))
    read = Term("read_tokens", progress.evaluated, "tokens", progress.where, Basis.REPORTED)
    lasted = seconds_term("seconds", progress.seconds, progress.where, Basis.REPORTED)
    whole = said(" of {prompt:,}", prompt=turn.prompt.value) if turn.prompt is not None else ""
    so_far = said(
        "{tokens:,}{whole} tokens were in place after {seconds:,.0f} s",
        tokens=progress.tokens,
        whole=whole,
        seconds=progress.seconds,
    )
    return Judgement(
        Cause.CANCELLED, True, (reason, so_far), (calculate("read_tokens / seconds", "tokens/s", read, lasted),)
    )


def exceeds_window(turn: Turn, scene: Scene) -> Judgement | None:
    """Not a cause: that the prompt exceeded the window as well, where it did. Reasons and calculation to add."""
    prompt, served = turn.prompt, scene.served
    if prompt is None or served is None or prompt.value <= served.value:
        return None
    over = calculate(
        "prompt_tokens - served_context",
        "tokens",
        term("prompt_tokens", prompt, "tokens"),
        term("served_context", served, "tokens"),
    )
    reason = said(
        "the prompt exceeds the served context as well: {prompt:,} against {served:,} tokens, {result:,} too many",
        prompt=prompt.value,
        served=served.value,
        result=over.result,
    )
    return Judgement(Cause.OVERFLOW, True, (reason,), (over,))


def seconds_term(name: str, value: float, where: str, basis: Basis = Basis.MEASURED) -> Term:
    """Return a duration as a term."""
    return Term(name, float(value), "s", where, basis)
