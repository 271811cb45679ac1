"""A bounded trace like an agent's against a real llama-server, replayed: what was recorded must come out again.

Once from the rates that the server's log shows in the end, as a verdict has them, and once, to compare, from those that
it showed before the trace began: that one is a prediction, and what else the machine does in between is in its errors.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from support.real_llama_server import RealServer, real_llama_server
from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.servers.http import HttpTrouble, post_json
from truelimit.adapters.servers.llama_server.client import LlamaServerClient
from truelimit.adapters.servers.llama_server.from_log import server_of
from truelimit.app.ports import Deadline
from truelimit.app.replay_stacks import at_context, terms_of
from truelimit.app.replay_walls import Walls
from truelimit.domain.estimates import Tier
from truelimit.domain.facts import Facts
from truelimit.domain.provenance import Basis
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.limits.stacks import stacks
from truelimit.limits.view import StackView, view
from truelimit.units import Seconds, Tokens
from truelimit.workload.confusion import Confusion, confusion
from truelimit.workload.legs import replay_legs, work_of
from truelimit.workload.options import Leg
from truelimit.workload.stack import Outcome, ReplayStack

pytestmark = pytest.mark.real
CONTEXT, ATTEMPTS, ANSWER = 6144, 2, 12
SOME, MANY = 2000, 5600  # tokens: read in two attempts of the wall, and in more than two


def text(session: str, tokens: int) -> str:
    """A prompt of about so many tokens (the model's tokenizer splits numbers into digits), each session its own."""
    return f"Session {session}. " + " ".join(
        f"{session} box {n % 97} holds {n % 89} pears." for n in range(tokens // 11)
    )


@dataclass(slots=True)
class Agent:
    """Asks one request at a time in each session, with a wall for each attempt, and writes down what came of it."""

    url: str
    wall: float
    records: list[WorkRequest] = field(default_factory=list)

    def ask(self, session: str, tokens: int) -> None:
        prompt = text(session, tokens)
        counted = post_json(f"{self.url}/tokenize", {"content": prompt}, Deadline(30), timeout=30)
        size = len(counted["tokens"])  # type: ignore[index, call-overload]
        first: str | None = None
        for attempt in range(ATTEMPTS):
            record = self._attempt(session, prompt, size, f"{len(self.records)}-{session}-{tokens}-{attempt}", first)
            self.records.append(record)
            if record.ending is not Ending.TIMED_OUT:
                return
            first = first or record.id

    def _attempt(self, session: str, prompt: str, size: int, name: str, first: str | None) -> WorkRequest:
        begun, clock = datetime.now(UTC), time.monotonic()
        ending, output = Ending.TIMED_OUT, None
        try:
            found = LlamaServerClient(self.url, Deadline(self.wall)).complete(prompt, ANSWER)
            ending, output = (Ending.OVERFLOW if found.refused else Ending.DONE), found.written
        except HttpTrouble:
            pass
        took = Seconds(time.monotonic() - clock)
        tokens = Tokens(size)
        made = WorkRequest(name, "test", "trace", session, "smollm2", begun, tokens, output_tokens=output)
        return replace(made, duration=took, ending=ending, retry_of=first, private=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_llama_server(tmp_path_factory.mktemp("replay"), context=CONTEXT, slots=1, cache_ram=0) as running:
        yield running


def warmed_up(server: RealServer) -> None:
    """Two prompts that no wall ends: enough for the log to tell rates."""
    client = LlamaServerClient(server.url, Deadline(300))
    for name, tokens in (("shallow", 500), ("deep", 2400)):
        client.complete(text(name, tokens), 24)


def seen_by_the_doctor(server: RealServer) -> StackView:
    """What the doctor sees now: its rates come from the log."""
    found, _ = server_of(read_server_log(server.log), with_files=True)
    cache = found.settings.prompt_cache
    assert cache is not None, "the log tells of --cache-ram 0"
    assert (cache.value, cache.basis) == (0, Basis.REPORTED)
    (stack,) = stacks(Facts(servers=(found,)))
    return view(stack)


def stack_of(seen: StackView, wall: float) -> ReplayStack:
    walls = Walls(total=wall, attempts=ATTEMPTS, resumes=True)
    built = at_context(seen.stack, "smollm2", CONTEXT, terms_of(seen, MANY, walls))
    assert built.stack is not None, built.unknown
    assert built.reading is not None
    assert built.reading.tier is Tier.THIS_STACK, "measured by its own log, not estimated"
    return built.stack


def cold(stack: ReplayStack, tokens: int) -> float:
    return stack.prefill_a * tokens + stack.prefill_b * tokens**2 / 2


def trace(agent: Agent) -> None:
    """Two conversations that grow in turn, two that overlap, one beyond the window, two longer than the wall."""
    for session, tokens in (("a", 300), ("a", 500), ("a", 700), ("b", 300), ("b", 500), ("a", 800), ("a", 900)):
        agent.ask(session, tokens)
    other = threading.Thread(target=agent.ask, args=("b", 600))
    other.start()
    time.sleep(0.2)
    agent.ask("c", 300)
    other.join()
    for session, tokens in (("d", 9000), ("c", 500), ("e", SOME), ("e", SOME + 300), ("f", MANY), ("c", 700)):
        agent.ask(session, tokens)


def replayed(records: list[WorkRequest], stack: ReplayStack) -> Confusion:
    work = work_of(records)
    run = replay_legs(work, (Leg(stack),))
    for item, code, seconds in zip(work.asked, run.outcome.tolist(), run.seconds.tolist(), strict=True):
        print(
            f"{item.session} {item.prompt_tokens:>6} {item.ending:<9} {item.duration or 0:7.2f} s, "
            f"replayed {Outcome(code).name:<9} {seconds:7.2f} s"
        )
    return confusion(work.asked, run)


def test_a_real_trace_comes_out_of_its_replay(server: RealServer) -> None:
    warmed_up(server)
    before = seen_by_the_doctor(server)
    wall = 0.65 * cold(stack_of(before, math.inf), SOME)
    agent = Agent(server.url, wall)
    trace(agent)
    predicted = replayed(agent.records, stack_of(before, wall))
    found = replayed(agent.records, stack_of(seen_by_the_doctor(server), wall))
    for name, item in (("predicted", predicted), ("from its log", found)):
        print(f"{name}: wall {wall:.1f} s; {item.agreed} of {item.judged} agree; off by {item.median} / {item.p90}")
    assert {ending for ending, _, _ in found.counts} == {Ending.DONE, Ending.OVERFLOW, Ending.TIMED_OUT}
    assert found.judged == found.agreed == 15
    assert found.median is not None
    assert found.median <= 0.25
