"""Rates out of logs: measured before published, cached tokens never counted, a wall as a context."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.episode_home import NATIVE, NOON, Call, EpisodeHome, at, entry
from support.episode_logs import cancelled, curve, load_c, reading, start, timed
from support.episode_report import Report, doctor
from support.episode_scenes import era_c, idle_twice, llama_server, long_text, september
from support.server_log_text import LLAMA_LOGS

A, B = 0.001, 2e-8  # s/token, s/token^2: slower at the start than the published series, and steeper than none
WALL = 300


def _taken(tokens: int) -> float:
    return A * tokens + B * tokens**2 / 2


def _reads(*sizes: int) -> list[list[str]]:
    return [
        reading(task, size, curve(A, B, size), context=NATIVE, total=(size, _taken(size)), answer=(100, 3.0))
        for task, size in enumerate(sizes)
    ]


def _with(root: Path, *more: list[str]) -> EpisodeHome:
    """September's agent that met a wall of 300 s with about 240,000 tokens, an hour after other requests."""

    def log(home: EpisodeHome) -> list:
        return [start("0.33.0"), load_c(home.blob, NATIVE, when=at(-3600)), *more]

    calls = idle_twice(long_text(240_000))
    return september(root, calls, provider_more={"timeoutSeconds": WALL}, log=log)


def _wall_as_context(report: Report) -> tuple[float, dict]:
    calcs = [c for c in report.finding("TIM001")["calculations"] if "sqrt" in c["formula"]]
    assert calcs, "the wall is told as a context"
    return calcs[-1]["result"], {term["name"]: term for term in calcs[-1]["terms"]}


def test_measured_wins_over_published(tmp_path: Path) -> None:
    result, terms = _wall_as_context(doctor(_with(tmp_path, *_reads(8000, 20_000, 60_000))))
    assert terms["a"]["basis"] == "measured"
    assert terms["a"]["value"] == pytest.approx(A, rel=0.01)
    assert terms["b"]["value"] == pytest.approx(B, rel=0.01)
    assert result == pytest.approx((-A + (A**2 + 2 * B * WALL) ** 0.5) / B, rel=0.01)


def test_without_a_measured_reading_the_published_one_serves(tmp_path: Path) -> None:
    result, terms = _wall_as_context(doctor(_with(tmp_path)))
    assert terms["a"]["basis"] == "derived"
    assert result == pytest.approx(96_094, rel=0.01)


def test_a_cached_repeat_makes_no_rate(tmp_path: Path) -> None:
    """60,000 tokens of which 59,999 were cached, answered in 0.05 s: no reading of a million tokens a second."""
    repeat = reading(9, 60_000, [], context=NATIVE, cached=59_999, total=(1, 0.05), answer=(100, 3.0))
    result, terms = _wall_as_context(doctor(_with(tmp_path, *_reads(8000, 20_000, 60_000), repeat)))
    assert terms["a"]["value"] == pytest.approx(A, rel=0.01)
    assert result == pytest.approx((-A + (A**2 + 2 * B * WALL) ** 0.5) / B, rel=0.01)


def test_a_resumed_reading_counts_what_it_read_at_its_depth(tmp_path: Path) -> None:
    rest = reading(
        9, 60_000, curve(A, B, 60_000, cached=40_000), context=NATIVE, cached=40_000,
        total=(20_000, _taken(60_000) - _taken(40_000)),
    )  # fmt: skip
    _, terms = _wall_as_context(doctor(_with(tmp_path, *_reads(8000, 20_000), rest)))
    assert terms["a"]["value"] == pytest.approx(A, rel=0.02)
    assert terms["b"]["value"] == pytest.approx(B, rel=0.02)


def test_cached_tokens_of_a_transcript_are_not_read(tmp_path: Path) -> None:
    """usage: 500 tokens evaluated and 59,500 from the cache in 3 s is no rate of 20,000 tokens/s."""
    calls = [Call(NOON, 3, input=500, output=100, cache_read=59_500)]
    report = doctor(september(tmp_path, calls, log=era_c()))
    assert report.code == 0
    later = [replace(call, start=at(7200, call.start)) for call in idle_twice(long_text(240_000))]
    home = september(tmp_path / "2", [*calls, *later], provider_more={"timeoutSeconds": WALL}, log=era_c())
    result, _ = _wall_as_context(doctor(home))
    assert result == pytest.approx(96_094, rel=0.01)


@pytest.mark.parametrize(
    ("name", "native", "served"),
    [
        ("llama-server_b10434_disconnects_verbosity4.log", 8192, 4096),
        ("xllamacpp_b11549_verbosity4_load_and_request.log", 8192, 8192),
        ("llama-server_b10434_gemma3_verbosity4.log", 32_768, 1024),
        ("xllamacpp_b11549_fit_reduces_context.log", 262_144, 81_152),
        ("llama-server_b10434_default_verbosity3.log", None, 8192),
    ],
)
def test_the_ladder_of_a_recorded_log(tmp_path: Path, name: str, native: int | None, served: int) -> None:
    report = doctor(EpisodeHome(tmp_path), "--log", str(LLAMA_LOGS / name))
    assert report.binding()[0] == served
    rung = report.rung("native")
    assert (rung and rung["value"]) == native
    if native is not None and served < native:
        set_by = "server-default" if "fit" in name else "server-definition"
        assert report.binding()[1:] == (set_by, "configured")


def test_recorded_disconnects_are_no_failures_of_limits(tmp_path: Path) -> None:
    log = LLAMA_LOGS / "llama-server_b10434_disconnects_verbosity4.log"
    report = doctor(EpisodeHome(tmp_path), "--log", str(log))
    assert {item["cause"] for item in report.incidents} == {"cancelled"}
    assert report.codes == []
    assert report.hardware == "unknown", "nothing is known of the memory, and nothing failed"


def test_a_clients_wall_in_a_llama_servers_log(tmp_path: Path) -> None:
    """Two prompts of one size that end at 300 s within a batch: a timer. What it is as a context is told."""
    steps = [step for step in curve(A, B, 240_000) if step[1] < WALL]
    lines = [
        *llama_server(NATIVE),
        *timed(reading(0, 8000, curve(A, B, 8000), context=NATIVE, total=(8000, _taken(8000))), 10),
    ]
    for task, begin in ((1, 100), (2, 500)):
        lines += timed([*reading(task, 240_000, steps, context=NATIVE)], begin, WALL / (len(steps) + 3))
        lines += timed(cancelled(task, steps[-1][0]), begin + WALL + 0.5)
    home = EpisodeHome(tmp_path).openclaw(
        [entry("qwen3-coder-30b", NATIVE)],
        primary="llama-server/qwen3-coder-30b",
        provider="llama-server",
        base_url="http://127.0.0.1:8080/v1",
    )
    home.file("server.log", lines)
    report = doctor(home, "--log", str(home.root / "server.log"))
    incident = report.only
    assert (incident["cause"], incident["attempts"], incident["prompt_tokens"]) == ("prefill-exceeds-wall", 2, 240_000)
    result, terms = _wall_as_context(report)
    assert terms["a"]["basis"] == "measured"
    assert result == pytest.approx((-A + (A**2 + 2 * B * WALL) ** 0.5) / B, rel=0.02)
