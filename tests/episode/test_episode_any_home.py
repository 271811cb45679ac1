"""Homes put together at random: whatever is in them, no law of a report is broken."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.episode_home import BASE, CODER, FEB, NOON, SEP, Call, EpisodeHome, at, entry
from support.episode_logs import curve, gin, load_b, load_c, reading, start, truncating
from support.episode_report import Report, doctor, fix, spoken
from support.episode_scenes import llama_server, long_text

ERRORS = (
    None,
    "fetch failed",
    "Request timed out.",
    "This operation was aborted",
    "LLM idle timeout (300s): no response from model",
    "400 request (146760 tokens) exceeds the available context size (131072 tokens), try increasing it",
    'Ollama API error 500: {"error": "model runner has unexpectedly stopped, this may be due"}',
    'Ollama API error 500: {"error": "model requires more system memory (34.4 GiB) than is available (17.7 GiB)"}',
    'Ollama API error 503: {"error": "server busy, please try again.  maximum pending requests exceeded"}',
    "something odd",
)
CARDS: tuple[dict[str, Any], ...] = (
    {},
    {"total": "12.0 GiB", "system": "16.0 GiB", "chip": "NVIDIA GeForce RTX 3060", "library": "CUDA", "tier": 4096},
    {"total": "24.0 GiB", "chip": "NVIDIA GeForce RTX 4090", "library": "CUDA", "tier": 32_768},
    {"total": "21.3 GiB", "system": "32.0 GiB", "tier": 4096},
)


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_no_law_is_broken(seed: int) -> None:
    pick = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = EpisodeHome(Path(folder))
        arguments = _fill(home, pick)
        report = doctor(home, *arguments)
        _words_agree_with_the_facts(report)
        _plan_stays_within_memory(report, fix(home, *arguments))
        assert spoken(home, *arguments)


def _fill(home: EpisodeHome, pick: random.Random) -> list[str]:
    version = pick.choice([FEB, SEP, "2026.4.2", "2026.6.1", None])
    model, api = pick.choice([CODER, BASE, "qwen3-coder-30b:v-32k"]), pick.choice(["ollama", "openai-completions"])
    if pick.random() < 0.9:
        home.coder(pick.choice([None, 4096, 32_768, 131_072, 262_144]), CODER if model == BASE else model)
    provider = pick.choice(["ollama", "ollama", "local", "llama-server"])
    address = f"http://127.0.0.1:{11434 if provider == 'ollama' else 8080}" + ("" if api == "ollama" else "/v1")
    defaults = {"timeoutSeconds": pick.choice([60, 300, 600, 1800, 3600])} if pick.random() < 0.5 else {}
    if version == FEB and pick.random() < 0.2:
        defaults["contextTokens"] = 65_536
    home.openclaw(
        _entries(model, version, pick),
        version=version,
        primary=f"{provider}/{model}",
        api=api,
        provider=provider,
        base_url=address,
        provider_more={"timeoutSeconds": pick.choice([60, 300, 900])} if version == SEP and pick.random() < 0.4 else {},
        defaults=defaults,
    )
    write = home.store if version == SEP else home.transcript
    write(_calls(pick), model=model, api=api, provider=provider)
    return _logs(home, pick)


def _entries(model: str, version: str | None, pick: random.Random) -> list[dict]:
    found = [entry("other", 40_000)] if pick.random() < 0.3 else []
    if pick.random() < 0.8:
        window = pick.choice([None, 8192, 32_768, 65_536, 100_000, 131_072, 200_000, 262_144, 524_288])
        own = entry(model, window, pick.choice([None, 8192, 16_384, 120_000]))
        if version == SEP and pick.random() < 0.5:
            own["contextTokens"] = pick.choice([16_384, 131_072, 262_144])
        if version == SEP and pick.random() < 0.3:
            own["params"] = {"num_ctx": pick.choice([32_768, 262_144])}
        found.append(own)
    return found


def _calls(pick: random.Random) -> list[Call]:
    calls: list[Call] = []
    moment = NOON
    for number in range(pick.randrange(6)):
        error, seconds = pick.choice(ERRORS), pick.choice([0.2, 20, 47, 137, 300.2, 301.9, 605, 908.02, 1223])
        counted = pick.choice([0, 20, 4096, 9000, 16_386, 32_768, 65_538, 131_072, 146_760])
        stop = "aborted" if error and pick.random() < 0.15 else None
        text = pick.choice(["hello", long_text(140_000)])
        again = number > 0 and pick.random() < 0.4
        calls.append(Call(moment, seconds, counted, 0 if error else 50, error, stop, text, again))
        moment = at(pick.choice([0.5, 3, 60, 500]), calls[-1].end)
    return calls


def _logs(home: EpisodeHome, pick: random.Random) -> list[str]:
    arguments: list[str] = []
    if pick.random() < 0.6 and (home.models / "blobs").exists():
        slots, context = pick.choice([1, 1, 4]), pick.choice([4096, 32_768, 131_072, 262_144])
        card, old = pick.choice(CARDS), pick.random() < 0.5
        version = pick.choice(["0.11.4", "0.14.0", "0.16.2", "0.24.0"] if old else ["0.30.4", "0.33.0"])
        load = load_b if old else load_c
        home.ollama_log(
            start(version, parallel=slots, **card),
            load(home.blob, context, parallel=slots),
            [truncating(at(7), 146_760, context)] * (pick.random() < 0.3),
            [gin(at(302), pick.choice([200, 499, 500, 503]), pick.choice(["5m2s", "30.1s", "1m40s"]))],
            reading(1, 60_000, curve(0.001, 2e-8, 60_000), context=context, total=(60_000, 96.0)),
        )
    if pick.random() < 0.3:
        size, slots = pick.choice([8192, 131_072, 524_288]), pick.choice([1, 4])
        home.file("own.log", llama_server(size, slots, unified=pick.random() < 0.5))
        arguments += ["--log", str(home.root / "own.log")]
    if pick.random() < 0.4:
        arguments += ["--machine", pick.choice(["mac-studio-m2-ultra-64", "rtx-4090", "dgx-spark"])]
    return arguments


def _words_agree_with_the_facts(report: Report) -> None:
    failed = [item for item in report.incidents if item["cause"] != "cancelled"]
    assert not (failed and report.sentence.startswith("Nothing is wrong")), report.sentence
    for ladder in report.data["ladders"]:
        binding = ladder["context"]["binding"]
        codes = {item["code"] for item in report.data["findings"] if ladder["model"].endswith(f"/{item['model']}")}
        if binding is not None and binding["kind"] == "physical":
            assert "CTX001" not in codes, "a physical limit is called a configured one"


def _plan_stays_within_memory(report: Report, plan: dict[str, Any]) -> None:
    assert all(item["applicability"] == "safe" for item in plan["fixes"]), "an unsafe fix needs --unsafe"
    for ladder in report.data["ladders"]:
        fits = [rung["value"] for rung in ladder["context"]["rungs"] if rung["name"] == "memory-fit"]
        for definition in plan["definitions"]:
            if fits and ladder["model"].endswith(f"/{definition['from']}"):
                assert definition["parameters"]["num_ctx"] <= fits[0]
