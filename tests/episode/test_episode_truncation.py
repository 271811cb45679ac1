"""Prompts that the server cuts in silence: the fingerprints of both engines, and the default that is too small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support.episode_home import BASE, CODER, NATIVE, NOON, Call, EpisodeHome, at
from support.episode_logs import gin, load_b, load_c, start, truncating
from support.episode_report import doctor, fix
from support.episode_scenes import V1, february

SMALL = 32_768


def _turns(*sizes: int) -> list[Call]:
    return [Call(at(60 * number), 20, input=size, output=200) for number, size in enumerate(sizes)]


def _v1(
    root: Path, calls: Sequence[Call], log: Callable[[EpisodeHome], Sequence], *, num_ctx: int | None = SMALL
) -> EpisodeHome:
    model = CODER if num_ctx else BASE
    return february(root, calls, model=model, num_ctx=num_ctx, api="openai-completions", base_url=V1, log=log)


@pytest.mark.parametrize(
    ("size", "engine", "words"),
    [
        (SMALL, lambda h: [start(), load_b(h.blob, SMALL)], "to the token"),
        (SMALL // 2 + 2, lambda h: [start("0.31.0"), load_c(h.blob, SMALL)], "half"),
        (SMALL - 1, lambda h: [start("0.30.4"), load_c(h.blob, SMALL)], ""),
    ],
    ids=["to 0.24: all of it", "from 0.30.11: half and 2", "0.30.0 to 0.30.8: one less"],
)
def test_the_count_betrays_the_cut(tmp_path: Path, size: int, engine: Callable, words: str) -> None:
    report = doctor(_v1(tmp_path, _turns(size, size, size, size), engine))
    incident = report.only
    assert incident["cause"] == "truncation"
    assert incident["prompt_tokens"] == size
    assert words in incident["reasons"][0]
    assert "4 answers" in " ".join(incident["reasons"])
    finding = report.finding("CTX002")
    assert finding["severity"] == "fails"
    assert finding["calculation"]["result"] == 131_072 - SMALL
    assert finding["incidents"] == [incident["id"]]
    assert report.binding() == (SMALL, "server-definition", "configured")
    (definition,) = fix(_v1(tmp_path / "2", [], engine))["definitions"]
    assert definition["parameters"] == {"num_ctx": NATIVE}


def test_the_log_tells_the_size_before_the_cut(tmp_path: Path) -> None:
    def log(home: EpisodeHome) -> list:
        return [
            start(),
            load_b(home.blob, SMALL),
            truncating(at(7), 50_000, SMALL),
            gin(at(20), 200, "20.1s"),
        ]

    incident = doctor(_v1(tmp_path, _turns(SMALL), log)).only
    assert (incident["cause"], incident["prompt_tokens"]) == ("truncation", 50_000)
    assert incident["calculation"]["result"] == 50_000 - SMALL


@pytest.mark.parametrize(
    ("log", "set_by"),
    [
        (lambda h: [start("0.14.0", tier=None), load_b(h.blob, 4096)], "server-default"),
        (lambda h: [start("0.16.2", tier=4096), load_b(h.blob, 4096)], "server-default"),
        (lambda h: [start("0.16.2", context=4096), load_b(h.blob, 4096)], "server-environment"),
    ],
    ids=["0.6.7 to 0.15.4", "a small tier", "OLLAMA_CONTEXT_LENGTH"],
)
@pytest.mark.parametrize("calls", [(), (4096, 4096, 4096)], ids=["before any call", "four turns at 4,096"])
def test_4096_under_the_agents_own_prompt(tmp_path: Path, log: Callable, set_by: str, calls: tuple) -> None:
    report = doctor(_v1(tmp_path, _turns(*calls), log, num_ctx=None))
    assert report.binding() == (4096, set_by, "configured")
    assert [item["cause"] for item in report.incidents] == ["truncation"] * bool(calls)
    if set_by == "server-default":
        finding = report.finding("CTX007")
        assert finding["severity"] == "fails"
        assert finding["calculation"]["result"] == 8_700 - 4096
        assert report.finding("CTX002")["origin"] == "server-default"
    else:
        assert report.finding("CTX002")["origin"] == "user-config"
    assert "CTX006" not in report.codes, "the agent's reserve is a part of its own window, not of the server's"


def test_a_conversation_that_grows_is_not_cut(tmp_path: Path) -> None:
    report = doctor(_v1(tmp_path, _turns(9000, 12_000, 20_000, 31_000), lambda h: [start(), load_b(h.blob, SMALL)]))
    assert report.incidents == []
    assert report.finding("CTX002")["severity"] == "degrades"


def test_a_full_answer_of_the_native_context_is_no_cut(tmp_path: Path) -> None:
    """A count below the served context proves nothing, whatever round number it is."""
    home = february(
        tmp_path,
        [Call(NOON, 20, input=131_072, output=10)],
        window=NATIVE,
        model=BASE,
        num_ctx=None,
        log=lambda h: [start(), load_b(h.blob, NATIVE)],
    )
    assert doctor(home).incidents == []
