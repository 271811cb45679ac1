"""From the entries of one transcript to its calls: when each began and ended, how, and how large its prompt was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from truelimit.adapters.agents.openclaw.error_reading import FEBRUARY, read_error
from truelimit.adapters.agents.openclaw.estimates import with_estimate
from truelimit.adapters.agents.openclaw.prompt_size import (
    CHARS_PER_TOKEN,
    FLOOR_FEBRUARY,
    FLOOR_SEPTEMBER,
    PromptEvidence,
    counted_prompt,
    prompt_of,
)
from truelimit.adapters.agents.openclaw.session_counters import Counters
from truelimit.adapters.agents.openclaw.transcript_lines import (
    Answer,
    Compaction,
    Damaged,
    Entry,
    Header,
    Input,
    ModelChosen,
    PromptError,
)
from truelimit.domain.provenance import Known
from truelimit.domain.session import Call, CallError, Outcome, Session
from truelimit.units import Tokens

AGENT = "openclaw"
_SLACK = timedelta(seconds=2)
_DONE = {"stop", "toolUse", "length"}
_OUTCOMES = {"error": Outcome.ERROR, "aborted": Outcome.ABORTED}
# February's retry library waits 2, 4, 8 s before it tries a failed call of the native Ollama api again (measured).
_FIRST_BACK_OFF = timedelta(seconds=2)

Measure = Callable[[list[tuple[int, int]]], int]


@dataclass(slots=True)
class Draft:
    """A call whose prompt may not be known yet. ``inputs[:seen]`` is what was added since ``baseline``."""

    answer: Answer
    where: str
    started: datetime | None
    turn: int
    outcome: Outcome
    error: CallError | None
    baseline: int | None
    inputs: list[Input]
    seen: int


@dataclass(slots=True)
class Transcript:
    """Folds entries into a session. Feed it in order, then ask for the session.

    ``shown`` are the calls where an earlier run found them all: then nothing may be fed any more.
    """

    session: str
    where: str
    measure: Measure = lambda _spans: 0
    version: int | None = None
    lines: int = 0
    damaged: int = 0
    _copied_until: datetime | None = None
    _api: str = ""
    _model: tuple[str, str] = ("", "")
    _previous: datetime | None = None
    _failures: int = 0
    _prompt_error: str | None = None
    _turn: int = 0
    _turn_started: dict[int, datetime] = field(default_factory=dict)
    _baseline: int | None = None
    _inputs: list[Input] = field(default_factory=list)
    _drafts: list[Draft] = field(default_factory=list)
    _compactions: int = 0
    shown: tuple[Call, ...] | None = None

    def feed(self, entry: Entry, where: str) -> None:
        """Take the next entry, which stands at ``where``."""
        self.lines += 1
        match entry:
            case Input():
                self._input(entry)
            case Answer():
                self._answer(entry, where)
            case Damaged():
                self.damaged += 1
                self._previous = None
            case Header():
                self._header(entry)
            case ModelChosen():
                self._model = (entry.provider or self._model[0], entry.model or self._model[1])
                self._api = entry.api or self._api
            case PromptError():
                self._prompt_error = entry.error
            case Compaction():
                self._compaction(entry)

    def _header(self, header: Header) -> None:
        self.session = header.session or self.session
        self.version = header.version if header.version is not None else self.version
        self._copied_until = header.time if header.copied else None

    def _input(self, entry: Input) -> None:
        if entry.from_user:
            self._turn += 1
            if entry.time is not None:
                self._turn_started[self._turn] = entry.time
        self._failures = 0
        self._previous = entry.time or self._previous
        self._inputs.append(entry)

    def _compaction(self, entry: Compaction) -> None:
        self._compactions += 1
        kept = entry.tokens_after
        chars = entry.summary_chars if kept is None else kept * CHARS_PER_TOKEN
        self._baseline = None
        self._inputs = [Input(entry.time, from_user=False, chars=chars, exact=kept is not None)]

    def _answer(self, answer: Answer, where: str) -> None:
        outcome = _outcome(answer)
        text = answer.error or self._prompt_error or ("" if outcome is Outcome.DONE else answer.stop)
        error = None if outcome is Outcome.DONE else read_error(text, self.version)
        if not self._is_copied(answer):
            seen = len(self._inputs)
            started = self._started(answer)
            self._drafts.append(
                Draft(answer, where, started, self._turn, outcome, error, self._baseline, self._inputs, seen)
            )
        if outcome is Outcome.DONE and answer.prompt:
            self._baseline, self._inputs = answer.prompt + answer.output, []
        self._failures = 0 if outcome is Outcome.DONE else self._failures + 1
        # After an answer comes an input; where it is missing, nobody knows when the next call began.
        self._previous = None if outcome is Outcome.DONE else answer.time or self._previous
        self._prompt_error = None

    def _is_copied(self, answer: Answer) -> bool:
        until = self._copied_until
        return until is not None and answer.time is not None and answer.time < until

    def _started(self, answer: Answer) -> datetime | None:
        """Return when a call began.

        Over the OpenAI-style apis message.timestamp is made at the start. Over "ollama" it is made at the end, and so
        it is in the message that the agent writes in the place of an answer after a prompt error: such a call began
        at the previous message, or, for a retry of February, after the back-off that followed it.
        """
        api = answer.api or self._api
        if api and api != "ollama" and self._prompt_error is None and answer.clock is not None:
            return answer.clock
        if self._previous is None or self._failures == 0 or api != "ollama" or not self._is_february():
            return self._previous
        began = self._previous + _FIRST_BACK_OFF * 2 ** min(self._failures - 1, 2)
        return began if answer.time is None or began <= answer.time else self._previous

    def _is_february(self) -> bool:
        return self.version is not None and self.version <= FEBRUARY

    def finish(self, counters: Counters | None = None) -> Session:
        """Return the session with its calls, its counters (where the agent keeps some) and what was damaged."""
        calls = self.shown
        if calls is None:
            calls = tuple(self._call(draft, counters) for draft in self._drafts)
        calls = with_estimate(calls, counters.estimate if counters else None)
        counted = counters.compactions if counters else None
        return Session(
            self.session,
            AGENT,
            self.where,
            calls,
            counted,
            self._compactions,
            counters.context if counters else None,
            counters.total if counters else None,
            counters.pinned_model if counters else None,
            self.damaged,
        )

    def _call(self, draft: Draft, counters: Counters | None) -> Call:
        answer = draft.answer
        counted = draft.outcome is Outcome.DONE or answer.prompt > 0
        return Call(
            self.session,
            AGENT,
            answer.provider or self._model[0],
            answer.model or self._model[1],
            answer.api or self._api,
            draft.where,
            draft.started,
            answer.time or answer.clock,
            draft.outcome,
            # Most calls were counted: all else that may tell a prompt is looked at for the others alone.
            counted_prompt(answer.prompt, draft.where)
            if answer.prompt > 0
            else prompt_of(self._evidence(draft, counters)),
            Tokens(answer.cached) if answer.cached is not None else None,
            Tokens(answer.output) if counted else None,
            draft.error,
        )

    def _evidence(self, draft: Draft, counters: Counters | None) -> PromptEvidence:
        inputs = draft.inputs[: draft.seen]
        return PromptEvidence(
            draft.where,
            draft.answer.prompt,
            draft.error,
            self._reported(draft, counters),
            self._estimated(draft, counters),
            draft.baseline,
            counters.fixed_chars if counters else 0,
            FLOOR_FEBRUARY if self._is_february() else FLOOR_SEPTEMBER,
            lambda: self._chars(inputs),
            all(item.exact for item in inputs),
        )

    def _chars(self, inputs: list[Input]) -> int:
        spans = [item.span for item in inputs if item.chars is None and item.span is not None]
        return sum(item.chars or 0 for item in inputs) + (self.measure(spans) if spans else 0)

    def _reported(self, draft: Draft, counters: Counters | None) -> Known[Tokens] | None:
        """Return the agent's counter if it is of this call: in the last turn, not older, not an earlier call's."""
        ended = draft.answer.time
        if counters is None or counters.updated is None or ended is None or draft.turn != self._turn:
            return None
        if counters.updated < ended - _SLACK:
            return None
        earlier = {0}
        for other in self._drafts:
            earlier |= {other.answer.prompt, other.answer.prompt + other.answer.output}
        return next((known for known in counters.prompts if known.value not in earlier), None)

    def _estimated(self, draft: Draft, counters: Counters | None) -> Known[Tokens] | None:
        """Return the agent's estimate if it was made in this turn and for this model."""
        estimate = counters.estimate if counters else None
        ended = draft.answer.time
        began = self._turn_started.get(draft.turn)
        if estimate is None or began is None or ended is None:
            return None
        after = self._turn_started.get(draft.turn + 1)
        in_turn = began - _SLACK <= estimate.time and (after is None or estimate.time < after - _SLACK)
        same = estimate.is_of(draft.answer.provider, draft.answer.model)
        return estimate.tokens if in_turn and same else None


def _outcome(answer: Answer) -> Outcome:
    if answer.error and answer.stop not in _DONE:
        return _OUTCOMES.get(answer.stop, Outcome.ERROR)
    return _OUTCOMES.get(answer.stop, Outcome.DONE)
