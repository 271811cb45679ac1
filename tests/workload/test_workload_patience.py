"""Agents that share a server give up each at its own walls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truelimit.workload.columns import AGENTS, Columns, from_arrays
from truelimit.workload.replay import replay
from truelimit.workload.stack import AgentWalls, Outcome, ReplayStack

MANY = 1_000_000  # slots: nobody waits for another
SLOW = ReplayStack("slow", prefill_a=1 / 400, decode_c=1 / 50, first_wall=300.0, attempts=3, slots=MANY)
NONE = AgentWalls()


def work(prompts: list[float], who: list[int]) -> Columns:
    n = len(prompts)
    return from_arrays(
        1e9 * np.arange(1, n + 1, dtype=np.float64),
        np.arange(n, dtype=np.int32),
        np.array(prompts, dtype=np.float32),
        np.full(n, 100, dtype=np.float32),
        np.zeros(n, dtype=np.float32),
        np.zeros(n, dtype=bool),
        None,
        np.array(who, dtype=np.uint8),
    )


def walls(**known: AgentWalls) -> tuple[AgentWalls, ...]:
    return tuple(known.get(name.replace("-", "_"), NONE) for name in AGENTS)


def test_claude_code_misses_the_incident_by_six_seconds_and_pi_reads_it() -> None:
    # 146,760 tokens at 400 tok/s are 366.9 s: silence ends at 300 s, 360.5 s and 600 s
    who = [0, 1 + AGENTS.index("claude-code"), 1 + AGENTS.index("pi")]
    stack = replace(SLOW, agents=walls(claude_code=AgentWalls(360.5, attempts=11), pi=AgentWalls(600.0, attempts=4)))
    found = replay(work([146_760.0] * 3, who), stack)
    assert found.outcome.tolist() == [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.DONE]
    assert found.seconds.tolist() == pytest.approx([900.0, 11 * 360.5, 366.9 + 2.0])


def test_a_server_that_goes_on_lets_the_second_attempt_end() -> None:
    stack = replace(SLOW, resumes=True, agents=walls(claude_code=AgentWalls(360.5, attempts=11)))
    found = replay(work([146_760.0], [1]), stack)
    assert found.outcome.tolist() == [Outcome.DONE]
    assert found.seconds.tolist() == pytest.approx([368.9])


def test_the_limit_of_the_configured_agent_is_not_that_of_another() -> None:
    stack = replace(SLOW, prompt_limit=10_000, agents=walls())
    found = replay(work([20_000.0, 20_000.0], [0, 1]), stack)
    assert found.outcome.tolist() == [Outcome.OVERFLOW, Outcome.DONE]


@st.composite
def patience(draw: st.DrawFn) -> AgentWalls:
    wall = st.sampled_from([float("inf"), 60.0, 300.0, 900.0])
    return AgentWalls(draw(wall), draw(wall), draw(wall), draw(st.integers(1, 4)))


@given(
    st.lists(st.tuples(st.floats(1, 500_000), st.integers(0, 2)), min_size=1, max_size=20),
    st.lists(patience(), min_size=3, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_each_is_judged_as_if_the_stack_were_its_agents(
    asked: list[tuple[float, int]], each: list[AgentWalls], resumes: bool, cuts: bool
) -> None:
    own, *others = each
    base = replace(SLOW, resumes=resumes, cuts_silently=cuts, served_context=200_000)
    rows = work([prompt for prompt, _ in asked], [who for _, who in asked])
    shared = replay(rows, replace(_with(base, own), agents=(*others, *[NONE] * (len(AGENTS) - 2))))
    for number, wall in enumerate(each):
        alone = replay(rows, _with(base, wall))
        mine = rows.agent == number
        assert shared.outcome[mine].tolist() == alone.outcome[mine].tolist()
        assert shared.seconds[mine].tolist() == pytest.approx(alone.seconds[mine].tolist(), rel=1e-5)


def _with(stack: ReplayStack, wall: AgentWalls) -> ReplayStack:
    return replace(
        stack, first_wall=wall.first, total_wall=wall.total, run_wall=wall.run, attempts=wall.attempts, agents=()
    )


@pytest.mark.parametrize("reads_on", [0.0, 2048.0, float("inf")])
def test_who_gives_up_leaves_the_slot_to_the_next(reads_on: float) -> None:
    # Cline hangs up after 298.5 s of 1,000 s; who comes 10 s after it waits for what the server does then
    stack = replace(SLOW, slots=1, reads_on=reads_on, agents=walls(cline=AgentWalls(298.5)))
    rows = from_arrays(
        np.array([1000.0, 1010.0]), np.array([1, 2], dtype=np.int32), np.array([400_000.0, 400.0], dtype=np.float32),
        np.array([0.0, 0.0], dtype=np.float32), np.zeros(2, np.float32), np.zeros(2, bool), None,
        np.array([1 + AGENTS.index("cline"), 1 + AGENTS.index("codex")], dtype=np.uint8),
    )  # fmt: skip
    found = replay(rows, stack)
    assert found.outcome.tolist() == [Outcome.TIMED_OUT, Outcome.DONE]
    waits = {0.0: 298.5, 2048.0: 2048 * np.ceil(298.5 * 400 / 2048) / 400, float("inf"): 1000.0}[reads_on]
    assert found.seconds[1] == pytest.approx(waits - 10 + 1, rel=1e-4)
