"""Bench: ask an endpoint real prompts, bounded in time and tokens, and fit what reading and writing cost.

Order: a small warm-up (it loads the model and tells how many tokens a word makes), ascending depths once (the first
prompt asked again at once: the cache), a cancel midway, then the repeats. Each step is begun only if the time left
should pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from truelimit.app.bench_cancel import idle_after, wants_cancel
from truelimit.app.bench_ports import BenchError, Endpoint, Sign, Watch, World
from truelimit.bench.behaviour import cache_behaviour, cancel_behaviour
from truelimit.bench.expect import outlook, stop_words
from truelimit.bench.fits import Fits, fits_of, prefill_range
from truelimit.bench.nouns import Load, Observation, Purpose, Reply
from truelimit.bench.plan import WARM_UP_TOKENS, WARM_UP_WORDS, Step, Wanted, plan_of
from truelimit.bench.points import Points, points_of
from truelimit.bench.prompts import Calibration, prompt_text
from truelimit.bench.result import BenchResult, rows_of, unsteady
from truelimit.domain.message import said
from truelimit.perf.prefill import prefill_seconds
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.measurements import Range

_CLOSE = 0.01  # how near a counted prompt must come to its size
_TRIES = 4


class Bench:
    """One run against one endpoint."""

    def __init__(self, endpoint: Endpoint, wanted: Wanted, world: World) -> None:
        """Plan the run. Raises ValueError when no depth fits the served context."""
        self._endpoint, self._wanted, self._world = endpoint, wanted, world
        self._target = endpoint.target
        self._plan = plan_of(wanted, self._target.server.context, counted=self._target.counts_tokens)
        self._calibration = Calibration()
        self._seen: list[Observation] = []
        self._notes: list[str] = []
        first = self._target.first_load
        self._load = None if first is None else Load(first, asked=False, where=said("it was not in memory"))
        self._idle: Seconds | None = None
        self._prompts: dict[Purpose, tuple[str, int]] = {}
        self._refused: int | None = None
        self._dry = False
        self._began = world.clock()

    def run(self) -> BenchResult:
        """Run all that fits and return it. Raises BenchError when nothing at all could be measured.

        An interrupt (Ctrl-C) takes the running request back and returns what there is, marked as interrupted.
        """
        try:
            self._warm_up()
            for step in self._plan.steps:
                self._step(step)
            self._world.tell("done", 1.0, 0.0)
        except KeyboardInterrupt:
            return self._result(interrupted=True)
        except BenchError as error:
            if not self._measured():
                raise
            return self._result(failed=str(error))
        return self._result()

    def look(self) -> BenchResult:
        """Send the warm-up alone and return the plan with the seconds that it should take. Raises BenchError."""
        self._dry = True
        self._warm_up()
        return self._result()

    def _measured(self) -> bool:
        return any(item.purpose is Purpose.MEASURE and not item.reply.cancelled for item in self._seen)

    def _warm_up(self) -> None:
        self._tell("warm-up")
        if self._wanted.cold and not self._dry:
            self._cold()
        words = WARM_UP_WORDS
        step = Step(Purpose.WARM_UP, Tokens(0), Tokens(WARM_UP_TOKENS))
        reply = self._ask(step, prompt_text(self._world.head(), words, 0), self._go_on)
        if reply.cancelled:
            raise BenchError(
                said(
                    "{where}: no answer to a prompt of {words} words within {allowed:,.0f} s; "
                    "allow more with --max-seconds and --timeout, or look at the server's log",
                    where=reply.where,
                    words=words,
                    allowed=self._allowed(),
                )
            )
        self._calibration.learn(words, reply.prompt_tokens or 0)

    def _cold(self) -> None:
        if not self._target.can_unload:
            self._notes.append(
                said("--cold: this server loads its model when it starts; its log tells how long that took")
            )
            return
        self._endpoint.unload()
        self._load = Load(self._endpoint.load(self._allowed()), asked=True, where=said("unloaded, then loaded again"))

    def _step(self, step: Step) -> None:
        if step.purpose is Purpose.SAME_AGAIN:
            self._again(step, Purpose.MEASURE)
        elif step.purpose is Purpose.CANCEL:
            self._cancel()
        elif step.purpose is Purpose.MEASURE and not self._beyond(step):
            self._measure(step)

    def _beyond(self, step: Step) -> bool:
        """Whether the depth was refused before, or was never reached in the first pass."""
        if self._refused is not None and step.depth >= self._refused:
            return True
        reached = {item.depth for item in self._seen if item.purpose is Purpose.MEASURE}
        return step.run > 0 and step.depth not in reached

    def _measure(self, step: Step) -> None:
        if not self._affords(step):
            return
        text, words = self._prompt(step)
        reply = self._ask(step, text, self._go_on)
        if reply.overflow is not None:
            self._overflow(step, reply)
        elif reply.cancelled:
            self._cut_short(step)
        else:
            self._calibration.learn(words, reply.prompt_tokens or 0)
            if step.run == 0 and Purpose.MEASURE not in self._prompts:
                self._prompts[Purpose.MEASURE] = (text, step.depth)

    def _again(self, step: Step, of: Purpose) -> None:
        """Ask a prompt once more, as it was."""
        known = self._prompts.get(of)
        if known is not None and self._affords(step):
            self._ask(Step(step.purpose, Tokens(known[1]), step.answer), known[0], self._go_on)

    def _cancel(self) -> None:
        """Leave midway through a prompt, watch the server, ask the same prompt again."""
        step = wants_cancel(self._seen, self._left())
        if step is None:
            self._notes.append(said("cancel: not tried; prompts are read too fast to leave midway"))
            return
        if not self._affords(step):
            return
        expected = outlook(Step(Purpose.MEASURE, step.depth, Tokens(0)), self._seen)
        text, _ = self._prompt(step)
        early = (expected.seconds if expected else 1.0) * 0.4
        reply = self._ask(step, text, lambda sign: self._go_on(sign) and sign.seconds < early)
        if not reply.cancelled:
            self._notes.append(said("cancel: the prompt was read before it could be taken back"))
            return
        self._prompts[Purpose.CANCEL] = (text, step.depth)
        if self._target.shows_work:
            self._idle = idle_after(self._endpoint, self._world, early * 3 + 5, self._left())
        else:  # if it reads on, it must have ended before the next request tells by its time what is in the cache
            self._world.pause(min(early * 2 + 1, max(0.0, self._left())))
        self._again(Step(Purpose.AFTER_CANCEL, step.depth, Tokens(1)), Purpose.CANCEL)

    def _prompt(self, step: Step) -> tuple[str, int]:
        """Return a prompt of about the step's tokens with a new head, and its words."""
        head, words = self._world.head(), self._calibration.words_for(step.depth)
        seed = step.depth  # the same words behind each new head: what a cache would like to reuse
        text = prompt_text(head, words, seed)
        for _ in range(_TRIES if self._target.counts_tokens else 0):
            tokens = self._endpoint.count(text)
            if abs(tokens - step.depth) <= max(4, _CLOSE * step.depth):
                break
            self._calibration.learn(words, tokens)
            words = max(1, round(words * step.depth / max(1, tokens)))
            text = prompt_text(head, words, seed)
        return text, words

    def _ask(self, step: Step, text: str, watch: Watch) -> Reply:
        allowed = self._allowed()
        if allowed <= 0:
            raise BenchError(said("no time is left; allow more with --max-seconds"))
        doing = (
            said("{purpose}: {depth:,} tokens", purpose=step.purpose.value, depth=step.depth)
            if step.depth
            else step.purpose.value
        )
        self._tell(doing)
        reply = self._endpoint.ask(text, step.answer, allowed, self._telling(doing, watch))
        self._seen.append(Observation(step.purpose, step.depth, step.run, reply))
        return reply

    def _telling(self, doing: str, watch: Watch) -> Callable[[Sign], bool]:
        def told(sign: Sign) -> bool:
            self._tell(doing)
            return watch(sign)

        return told

    def _go_on(self, _sign: Sign) -> bool:
        return self._left() > 0

    def _affords(self, step: Step) -> bool:
        """Whether the time left should pay for a step; if not, that is said."""
        expected, left = outlook(step, self._seen), self._left()
        if expected is None or expected.fits(left):
            return left > 0
        deepest = max((item.depth for item in self._seen if item.purpose is Purpose.MEASURE), default=None)
        self._notes.append(stop_words(step, expected, left, deepest))
        if step.purpose is Purpose.MEASURE and step.run == 0:
            self._refused = step.depth  # whatever is deeper needs more
        return False

    def _overflow(self, step: Step, reply: Reply) -> None:
        self._refused = step.depth
        context = reply.overflow[1] if reply.overflow else None
        served = said(": it serves {context:,} tokens", context=context) if context else ""
        self._notes.append(said("depth {depth:,} refused as too long{served}", depth=step.depth, served=served))

    def _cut_short(self, step: Step) -> None:
        why = "--timeout" if self._left() > 0 else "--max-seconds"
        self._refused = step.depth
        self._notes.append(said("depth {depth:,} taken back unfinished: {why} was over", depth=step.depth, why=why))

    def _left(self) -> float:
        return self._wanted.seconds - (self._world.clock() - self._began)

    def _allowed(self) -> float:
        return min(self._wanted.timeout or self._wanted.seconds, self._left())

    def _tell(self, doing: str) -> None:
        spent = self._world.clock() - self._began
        done = sum(item.depth + (item.reply.written or 0) for item in self._seen)
        to_go = self._to_go()
        whole = spent + to_go if to_go is not None else None
        self._world.tell(doing, spent / whole if whole else min(1.0, done / max(1, self._plan.tokens)), to_go)

    def _to_go(self) -> float | None:
        """Seconds that the steps to come should take, never more than are left."""
        asked = {(item.purpose, item.depth, item.run) for item in self._seen}
        coming = [s for s in self._plan.steps if (s.purpose, s.depth, s.run) not in asked]
        expected = [outlook(step, self._seen) for step in coming]
        if not self._seen or any(item is None for item in expected):
            return None
        return min(self._left(), sum(item.seconds for item in expected if item is not None))

    def _result(self, *, interrupted: bool = False, failed: str | None = None) -> BenchResult:
        points = points_of(self._seen, self._target.latency)
        fits = fits_of(points.prefill, points.decode)
        return BenchResult(
            target=self._target,
            plan=self._plan,
            rows=rows_of(self._seen),
            fits=fits,
            load=self._load,
            cache=cache_behaviour(self._seen, fits.prefill),
            cancel=cancel_behaviour(self._seen, fits.prefill, self._idle),
            notes=tuple(dict.fromkeys((*self._plan.notes, *self._notes, *points.notes, *unsteady(self._seen)))),
            seconds=Seconds(self._world.clock() - self._began),
            tokens=_spent(self._seen),
            full_context=self._whole_context(fits, points),
            client_timed=points.client_timed,
            interrupted=interrupted,
            failed=failed,
            dry=self._dry,
            expected=None if (to_go := self._to_go()) is None or not self._dry else Seconds(to_go),
        )

    def _whole_context(self, fits: Fits, points: Points) -> tuple[Tokens, Seconds, Range | None] | None:
        context = self._target.server.context
        if context is None or fits.prefill is None or fits.prefill.b <= 0:
            return None
        seconds = prefill_seconds(fits.prefill, context)
        return context, seconds, prefill_range(points.prefill, fits.prefill, context)


def _spent(seen: list[Observation]) -> Tokens:
    """Tokens read and written; of a cancelled prompt nothing is known but its size."""
    read = sum(item.reply.prompt_tokens or item.depth for item in seen if item.reply.overflow is None)
    return Tokens(read + sum(item.reply.written or 0 for item in seen))


def bench(endpoint: Endpoint, wanted: Wanted, world: World, *, dry: bool = False) -> BenchResult:
    """Return the result of a run, or of a look ahead. Raises BenchError, and ValueError for an impossible plan."""
    run = Bench(endpoint, wanted, world)
    return run.look() if dry else run.run()
