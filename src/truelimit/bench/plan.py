"""What a run would ask: depths that the served context holds, repeats, and the tokens that all of it takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from truelimit.bench.nouns import Purpose
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens

DEFAULT_DEPTHS = (512, 4096, 16384)
WARM_UP_WORDS = 160
WARM_UP_TOKENS = 8
LEAST_DEPTH = 192  # tokens: below it a prompt is less than one batch, and says little of the rate of reading
_MARGIN_COUNTED, _MARGIN_GUESSED = 0.01, 0.08  # share of the context kept free: how far a prompt may miss its size
_HEAD = 16  # tokens
_WARM_UP = 128  # tokens, prompt and answer of the first request


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for. ``depths`` None: the usual ones, fitted to the context.

    ``tokens_in_all`` bounds tokens read and written together, ``seconds`` the whole run, ``timeout`` one request.
    """

    depths: tuple[int, ...] | None = None
    answer_tokens: int = 64
    tokens_in_all: int | None = None
    seconds: Seconds = Seconds(300.0)
    repeats: int = 3
    timeout: Seconds | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One request to come: its purpose, the tokens of its prompt and at most of its answer, which repeat it is."""

    purpose: Purpose
    depth: Tokens
    answer: Tokens
    run: int = 0


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """The steps in order, the depths, and in words what was dropped."""

    depths: tuple[Tokens, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def tokens(self) -> Tokens:
        """Tokens read and written in all, at most; a prompt that is asked again counts once more."""
        return Tokens(_WARM_UP + sum(map(_cost, self.steps)) if self.steps else 0)


def plan_of(wanted: Wanted, context: int | None, *, counted: bool) -> BenchPlan:
    """Return the plan for a served context in tokens (None: not known). ``counted``: the server counts tokens.

    Ascending depths first, so that what follows can be foreseen, the shallowest asked again at once for the cache; then
    the cancel; then the repeats.
    Raises ValueError when no depth is left.
    """
    depths, notes = _depths(wanted, context, counted=counted)
    if not depths:
        room = said("a context of {context:,} tokens", context=context) if context else said("the depths asked for")
        raise ValueError(
            said(
                "no depth fits {room} with an answer of {answer_tokens:,}; expected --depths below it",
                room=room,
                answer_tokens=wanted.answer_tokens,
            )
        )
    first = [Step(Purpose.MEASURE, depth, Tokens(wanted.answer_tokens)) for depth in depths]
    first.insert(1, Step(Purpose.SAME_AGAIN, depths[0], Tokens(1)))  # at once: a cache may hold the last prompt only
    cancel = [
        Step(Purpose.CANCEL, depths[-1], Tokens(1)),
        Step(Purpose.AFTER_CANCEL, depths[-1], Tokens(1)),
    ]
    again = [
        Step(Purpose.MEASURE, depth, Tokens(wanted.answer_tokens), run)
        for run in range(1, wanted.repeats)
        for depth in depths
    ]
    return BenchPlan(depths, _affordable([*first, *cancel, *again], wanted, notes), tuple(notes))


def _depths(wanted: Wanted, context: int | None, *, counted: bool) -> tuple[tuple[Tokens, ...], list[str]]:
    asked = sorted({max(1, depth) for depth in wanted.depths or DEFAULT_DEPTHS})
    if context is None:
        note = said("the server does not tell its context: a prompt that it refuses ends the depths")
        return tuple(Tokens(depth) for depth in asked), [note]
    margin = _MARGIN_COUNTED if counted else _MARGIN_GUESSED
    room = int((context - wanted.answer_tokens - _HEAD) * (1 - margin))
    held = [depth for depth in asked if depth <= room]
    notes: list[str] = [
        said(
            "depth {depth:,} left out: with {answer_tokens:,} for the answer it exceeds the {context:,} served",
            depth=depth,
            answer_tokens=wanted.answer_tokens,
            context=context,
        )
        for depth in asked
        if depth > room
    ]
    if wanted.depths is None and len(held) < len(DEFAULT_DEPTHS):
        held = _spread_over(room)
        notes.append(
            said("depths fitted to the context instead: {join}", join=", ".join(f"{depth:,}" for depth in held))
        )
    return tuple(Tokens(depth) for depth in held), notes


def _spread_over(room: int) -> list[int]:
    """Three depths in even ratios up to the room, the shallow one not below a batch's worth; one in a tiny room."""
    if room < 2 * LEAST_DEPTH:
        return [room] if room >= LEAST_DEPTH else []
    low = max(LEAST_DEPTH, min(DEFAULT_DEPTHS[0], room // 8))
    return sorted({low, isqrt(low * room), room})


def _cost(step: Step) -> int:
    """Tokens of a request at most: its prompt may miss its size, and a chat's template stands around it."""
    return step.depth + max(2 * _HEAD, round(step.depth * _MARGIN_GUESSED / 2)) + step.answer


def _affordable(steps: Sequence[Step], wanted: Wanted, notes: list[str]) -> tuple[Step, ...]:
    """Return the steps that the bound on tokens pays for, in their order; what is left out is said."""
    if wanted.tokens_in_all is None:
        return tuple(steps)
    kept, spent, dropped = [], _WARM_UP, 0
    for step in steps:
        cost = _cost(step)
        if spent + cost > wanted.tokens_in_all:
            dropped += 1
            continue
        kept.append(step)
        spent += cost
    if dropped:
        notes.append(
            said(
                "{dropped} of {steps} requests left out: --max-tokens-total {tokens_in_all:,}",
                dropped=dropped,
                steps=len(steps),
                tokens_in_all=wanted.tokens_in_all,
            )
        )
    ids = {step.purpose for step in kept}
    if Purpose.CANCEL not in ids:
        kept = [step for step in kept if step.purpose is not Purpose.AFTER_CANCEL]
    return tuple(kept)
