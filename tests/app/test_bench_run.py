"""A whole run against a simulated server in virtual time: order, bounds, stops, cancels, interrupts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from bench.bench_made import A, B, C, D, read_seconds, reply
from truelimit.app.bench import bench
from truelimit.app.bench_ports import BenchError, Sign, Watch, World
from truelimit.bench.nouns import Purpose, Reply, Target
from truelimit.bench.plan import Wanted
from truelimit.bench.result import BenchResult
from truelimit.domain.measurements import MeasuredModel, MeasuredServer
from truelimit.units import Seconds, Tokens

TICK = 0.05


@dataclass
class Simulated:
    """A server in virtual time, with one token a word. ``slow`` multiplies its times, ``context`` is really served."""

    context: int = 32768
    told_context: int | None = 32768
    slow: float = 1.0
    counts: bool = True
    stops: bool = True
    now: float = 0.0
    asked: list[tuple[str, int]] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    busy_until: float = 0.0
    looks: list[float] = field(default_factory=list)
    during: Callable[[int], None] = lambda _: None
    told: list[tuple[str, float, float | None]] = field(default_factory=list)
    unloads: int = 0
    can_unload: bool = False
    heads: int = 0

    @property
    def target(self) -> Target:
        context = None if self.told_context is None else Tokens(self.told_context)
        return Target(
            MeasuredServer("llama-server", "b1", "http://127.0.0.1:1", context=context),
            MeasuredModel("m"),
            counts_tokens=self.counts,
            tells_cached=True,
            shows_work=True,
            can_unload=self.can_unload,
            is_local=True,
        )

    def count(self, text: str) -> Tokens:
        return Tokens(len(text.split()))

    def ask(self, prompt: str, most_tokens: int, seconds: float, watch: Watch) -> Reply:
        words = prompt.split()
        tokens = len(words)
        self.asked.append((words[0], tokens))
        self.during(len(self.asked))
        if tokens + most_tokens > self.context:
            return Reply(overflow=(tokens, self.context), where="x")
        cached = self._cached(words)
        made = reply(tokens, cached=cached, wrote=most_tokens, factor=self.slow)
        begin = max(self.now, self.busy_until)
        spent = 0.0
        while spent < made.total_seconds + begin - self.now:
            spent += TICK
            if spent > seconds or not watch(Sign(Seconds(spent))):
                return self._left(words, spent, cached)
        self.now += made.total_seconds
        self.cached.append(prompt)
        return made

    def _cached(self, words: list[str]) -> int:
        best = 0
        for known in self.cached:
            other = known.split()
            same = next(
                (i for i, (a, b) in enumerate(zip(words, other, strict=False)) if a != b), min(len(words), len(other))
            )
            best = max(best, min(same, len(words) - 1))
        return best

    def _left(self, words: list[str], spent: float, cached: int) -> Reply:
        whole = read_seconds(len(words) - cached, cached) * self.slow
        done = int(len(words) * min(1.0, spent / whole)) if self.stops else len(words)
        self.cached.append(" ".join(words[:done]))
        self.now += spent
        self.busy_until = self.now if self.stops else self.now + max(0.0, whole - spent)
        return Reply(total_seconds=Seconds(spent), cancelled=True, where="x")

    def busy(self) -> bool:
        self.looks.append(self.now)
        return self.now < self.busy_until

    def unload(self) -> None:
        self.unloads += 1

    def load(self, seconds: float) -> Seconds:
        self.now += 3.0
        return Seconds(3.0)

    def world(self) -> World:
        def pause(seconds: float) -> None:
            self.now += seconds

        def head() -> str:
            self.heads += 1
            return f"head{self.heads}"

        return World(lambda: self.now, pause, head, lambda *a: self.told.append(a))

    def run(self, dry: bool = False, **wanted: object) -> BenchResult:
        return bench(self, Wanted(**wanted), self.world(), dry=dry)  # type: ignore[arg-type]


def test_a_run_finds_the_costs_of_the_server() -> None:
    server = Simulated()
    result = server.run()
    assert result.fits.prefill is not None
    assert result.fits.decode is not None
    assert result.fits.prefill.a == pytest.approx(A, rel=1e-6)
    assert result.fits.prefill.b == pytest.approx(B, rel=1e-6)
    assert result.fits.decode.c == pytest.approx(C, rel=0.001)
    assert result.fits.decode.d == pytest.approx(D, rel=0.05)
    assert [row.requests for row in result.rows] == [3, 3, 3]
    assert not result.partial
    assert result.full_context is not None
    assert result.full_context[1] == pytest.approx(read_seconds(32768))


def test_every_measured_prompt_has_a_head_that_nobody_has_sent() -> None:
    server = Simulated()
    server.run()
    heads = [head for head, _ in server.asked]
    repeated = {head for head in heads if heads.count(head) > 1}
    assert len(repeated) == 2, "the prompt asked again for the cache, and the one asked again after the cancel"


def test_prompts_have_the_size_they_should() -> None:
    server = Simulated()
    result = server.run()
    assert [row.prompt_tokens for row in result.rows] == [
        pytest.approx(depth, rel=0.011) for depth in (512, 4096, 16384)
    ]


def test_cache_and_cancel_are_told() -> None:
    result = Simulated().run()
    assert result.cache is not None
    assert result.cache.works
    assert result.cache.changed_head == 0
    assert result.cancel is not None
    assert result.cancel.stopped is True
    assert result.cancel.kept is not None
    assert 0 < result.cancel.kept.value < result.cancel.prompt


def test_a_server_that_reads_on_after_its_client_has_left_is_found() -> None:
    result = Simulated(stops=False).run()
    assert result.cancel is not None
    assert result.cancel.stopped is False


def test_the_server_is_never_looked_at_more_than_every_two_seconds() -> None:
    server = Simulated(stops=False, slow=3)
    server.run()
    gaps = [b - a for a, b in zip(server.looks, server.looks[1:], strict=False)]
    assert server.looks
    assert all(gap >= 2.0 for gap in gaps)


def test_the_stop_rule_keeps_the_run_within_its_time_and_says_where_it_stopped() -> None:
    server = Simulated(slow=10)
    result = server.run(seconds=Seconds(60.0))
    assert server.now <= 60.5
    assert max(row.depth for row in result.rows) == 4096
    assert any("stopped at depth 4,096; beyond it rates are extrapolated" in note for note in result.notes)
    assert result.fits.prefill is not None


def test_a_request_that_takes_longer_than_foreseen_is_taken_back_in_time() -> None:
    server = Simulated()

    def slower(number: int) -> None:
        server.slow = 1.0 if number < 4 else 100.0

    server.during = slower
    result = server.run(seconds=Seconds(30.0))
    assert server.now <= 30.5
    assert any("--max-seconds was over" in note for note in result.notes)
    assert result.fits.prefill is not None


def test_a_timeout_bounds_one_request() -> None:
    server = Simulated()
    result = server.run(timeout=Seconds(4.0))
    assert any("--timeout was over" in note for note in result.notes)
    assert max(row.depth for row in result.rows) == 4096


def test_a_context_smaller_than_told_ends_the_depths() -> None:
    result = Simulated(context=8192, told_context=None).run()
    assert [row.depth for row in result.rows] == [512, 4096]
    assert any("16,384 refused as too long: it serves 8,192 tokens" in note for note in result.notes)


def test_without_a_tokenizer_the_sizes_are_learned() -> None:
    result = Simulated(counts=False).run()
    assert [row.prompt_tokens for row in result.rows] == [
        pytest.approx(depth, rel=0.05) for depth in (512, 4096, 16384)
    ]


def test_an_interrupt_gives_what_there_is_marked_as_partial() -> None:
    server = Simulated()

    def interrupt(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt

    server.during = interrupt
    result = server.run()
    assert result.interrupted
    assert result.partial
    assert len(result.rows) == 2
    assert result.fits.prefill is not None


def test_an_error_after_the_first_measurement_leaves_a_partial_result() -> None:
    server = Simulated()

    def fail(number: int) -> None:
        if number == 5:
            raise BenchError("the connection broke")

    server.during = fail
    result = server.run()
    assert result.failed == "the connection broke"
    assert len(result.rows) == 2
    server.asked.clear()
    server.during = lambda _: (_ for _ in ()).throw(BenchError("at once"))
    with pytest.raises(BenchError, match="at once"):
        server.run()


def test_a_look_ahead_sends_one_small_prompt_and_foresees_the_time() -> None:
    server = Simulated()
    result = server.run(dry=True)
    assert len(server.asked) == 1
    assert server.asked[0][1] < 200
    assert result.dry
    assert result.expected is not None
    assert result.expected > 20
    assert result.fits.points == ()


def test_cold_loads_are_timed_where_the_server_can_unload() -> None:
    server = Simulated(can_unload=True)
    result = server.run(cold=True)
    assert server.unloads == 1
    assert result.load is not None
    assert (result.load.seconds, result.load.asked) == (3.0, True)
    other = Simulated().run(cold=True)
    assert other.load is None
    assert any("loads its model when it starts" in note for note in other.notes)


def test_progress_goes_forward_and_knows_what_is_left() -> None:
    server = Simulated()
    server.run()
    shares = [share for _, share, _ in server.told]
    assert all(0 <= share <= 1.000001 for share in shares)
    assert shares[-1] > 0.9
    etas = [eta for _, _, eta in server.told if eta is not None]
    assert etas
    assert all(0 <= eta <= 300 for eta in etas)


def test_tokens_are_bounded() -> None:
    server = Simulated()
    result = server.run(tokens_in_all=6000)
    assert sum(tokens for _, tokens in server.asked) <= 6000 + 200
    assert any("--max-tokens-total" in note for note in result.notes)


def test_nothing_is_measured_when_even_the_first_depth_takes_too_long() -> None:
    result = Simulated(slow=200).run(seconds=Seconds(40.0), depths=(4096,))
    assert result.rows == ()
    assert result.fits.prefill is None
    assert any("nothing was measured" in note for note in result.notes)


def test_a_warm_up_without_an_answer_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BenchError, match="--max-seconds"):
        Simulated(slow=1e6).run(seconds=Seconds(5.0))


def test_too_fast_to_cancel_is_said() -> None:
    result = Simulated(slow=0.001).run()
    assert result.cancel is None
    assert any("too fast" in note for note in result.notes)
    assert replace(result, interrupted=True).partial
    assert Purpose.CANCEL in {step.purpose for step in result.plan.steps}
