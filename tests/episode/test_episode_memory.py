"""Memory: slots that multiply or divide, cache types, attention, two models, and machines that are too small."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.episode_home import BASE, LABEL, NATIVE, NOON, Call, EpisodeHome, coder_header, entry
from support.episode_logs import load_b, load_c, start
from support.episode_report import Report, doctor, fix
from support.episode_scenes import M2_ULTRA, era_c, february, llama_server, september
from support.server_log_text import LLAMA_LOGS

GIB = 2**30


def _part(report: Report, name: str) -> float:
    rung = report.rung(name, "memory")
    assert rung is not None
    return rung["value"] / GIB


def _window_of(plan: dict) -> list[int]:
    """The windows that a plan writes."""
    lines = [line for change in plan["files"] for line in change["diff"].splitlines() if line.startswith("+ ")]
    found = [int(line.rpartition(":")[2].strip(" ,")) for line in lines if "contextWindow" in line]
    return found + [item["parameters"]["num_ctx"] for item in plan["definitions"]]


def test_ollama_allocates_the_context_for_each_slot(tmp_path: Path) -> None:
    home = february(tmp_path, log=lambda h: [start(parallel=4), load_b(h.blob, parallel=4)])
    report = doctor(home)
    assert _part(report, "kv-cache") == 48.0
    note = report.finding("SRV001")
    assert (note["origin"], note["calculation"]["result"]) == ("slots", pytest.approx(12.0))
    assert report.binding()[1:] == ("machine", "physical"), "four such caches do not fit in 48 GiB"
    assert "MEM004" in report.codes
    assert all(window <= report.binding()[0] for window in _window_of(fix(home)))


def _beside_a_server(root: Path, lines: list[str], window: int = LABEL) -> tuple[EpisodeHome, tuple[str, ...]]:
    home = EpisodeHome(root).openclaw(
        [entry("qwen3-coder-30b", window)],
        primary="llama-server/qwen3-coder-30b",
        provider="llama-server",
        base_url="http://127.0.0.1:8080/v1",
    )
    home.file("server.log", lines)
    model = home.root / "qwen3-coder-30b.gguf"
    model.write_bytes(coder_header())
    return home, ("--log", str(home.root / "server.log"), "--model-file", str(model), *M2_ULTRA)


def test_llama_server_divides_the_context_by_its_slots(tmp_path: Path) -> None:
    home, where = _beside_a_server(tmp_path, llama_server(LABEL, 4))
    report = doctor(home, *where)
    assert report.binding() == (LABEL // 4, "slot", "configured")
    assert report.rung("ctx-size")["value"] == LABEL
    slots = report.finding("SRV001")
    assert (slots["origin"], slots["calculation"]["result"]) == ("slots", LABEL)
    believes = report.finding("CTX002")
    assert believes["origin"] == "slots"
    assert believes["fix"]["applicability"] == "safe"
    assert _window_of(fix(home, *where)) == [LABEL // 4], "lowered to what is there until the server is restarted"


def test_the_agent_is_never_raised_before_its_server(tmp_path: Path) -> None:
    """Agent and slot agree on 32,768; more would fit, but only a restart of the server by hand gives it."""
    home, where = _beside_a_server(tmp_path, llama_server(LABEL, 4), window=LABEL // 4)
    report = doctor(home, *where)
    note = report.finding("CTX005")
    assert note["fix"]["applicability"] == "manual"
    assert any("--ctx-size" in step for step in note["fix"]["steps"])
    assert fix(home, *where)["files"] == []


def test_slots_that_share_one_cache_divide_nothing(tmp_path: Path) -> None:
    home, where = _beside_a_server(tmp_path, llama_server(LABEL, 4, unified=True))
    report = doctor(home, *where)
    assert report.binding()[0] == LABEL
    assert "SRV001" not in report.codes
    assert _part(report, "kv-cache") == 12.0


def test_a_context_above_the_native_one_by_the_log_alone(tmp_path: Path) -> None:
    log = LLAMA_LOGS / "xllamacpp_b11549_ctx_above_training.log"
    report = doctor(EpisodeHome(tmp_path), "--log", str(log))
    assert report.binding() == (8192, "model", "physical")
    assert report.rung("ctx-size")["value"] == 16_384
    assert report.finding("MEM001")["fix"]["applicability"] == "manual"


def test_ollama_clamps_to_the_native_context(tmp_path: Path) -> None:
    home = february(tmp_path, window=524_288, model=BASE, log=lambda h: [start(), load_b(h.blob, NATIVE)])
    report = doctor(home)
    assert report.binding() == (NATIVE, "model", "physical")
    assert "MEM001" in report.codes


def test_a_q8_0_cache(tmp_path: Path) -> None:
    home = february(
        tmp_path,
        window=NATIVE,
        model=BASE,
        log=lambda h: [start(kv="q8_0", flash="true"), load_b(h.blob, NATIVE, kv="q8_0")],
    )
    report = doctor(home)
    assert _part(report, "kv-cache") == 12.75
    assert "MEM002" not in report.codes


def test_flash_attention_that_the_load_says_is_off(tmp_path: Path) -> None:
    """The environment says nothing; how the model was loaded does: 16.5 GiB more at the full context."""
    home = february(
        tmp_path, window=NATIVE, model=BASE, log=lambda h: [start(), load_b(h.blob, NATIVE, flash="Disabled")]
    )
    report = doctor(home)
    assert _part(report, "compute-buffer") > 16
    assert {"MEM002", "MEM004"} <= set(report.codes)
    assert report.binding()[1:] == ("machine", "physical")


def test_conversations_that_the_prompt_cache_refused(tmp_path: Path) -> None:
    log = LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log"
    report = doctor(EpisodeHome(tmp_path), "--log", str(log))
    assert report.finding("MEM003")["severity"] == "degrades"
    assert report.code == 1


def test_a_pool_that_was_exhausted_by_the_log_alone(tmp_path: Path) -> None:
    log = LLAMA_LOGS / "llama-server_b10434_unified_kv_exhausted.log"
    report = doctor(EpisodeHome(tmp_path), "--log", str(log))
    assert report.only["cause"] == "overflow"
    assert "3 requests" in report.only["reasons"][0]
    assert report.binding() == (512, "server-definition", "configured")


@pytest.mark.parametrize(
    ("pool", "system", "chip", "library"),
    [
        ("21.3 GiB", "32.0 GiB", "Apple M1 Max", "Metal"),
        ("24.0 GiB", "64.0 GiB", "NVIDIA GeForce RTX 4090", "CUDA"),
    ],
    ids=["a Mac of 32 GB", "a card of 24 GiB"],
)
@pytest.mark.parametrize("window", [8192 * 4, LABEL], ids=["32,768", "131,072"])
def test_no_safe_fix_exceeds_the_memory(
    tmp_path: Path, pool: str, system: str, chip: str, library: str, window: int
) -> None:
    home = february(
        tmp_path,
        window=window,
        model=BASE,
        num_ctx=None,
        log=lambda h: [
            start(total=pool, system=system, chip=chip, library=library, tier=32_768),
            load_b(h.blob, window),
        ],
    )
    report = doctor(home)
    fits = report.rung("memory-fit")
    assert fits is not None
    assert 30_000 < fits["value"] < NATIVE
    for written in _window_of(fix(home)):
        need = 18.55e9 + written * 98_304
        assert need < float(pool.partition(" ")[0]) * GIB - 0.5 * GIB, (
            "weights and cache leave room for the driver's buffers"
        )
    if window == LABEL:
        assert report.binding() == (fits["value"], "machine", "physical")
        assert report.ladder()["memory"]["headroom_bytes"] < 0
        assert report.ladder()["memory"]["binding"] is not None
        assert "CTX001" not in report.codes, "a physical limit is never called a configured one"


def test_two_models_under_a_scheduler_that_expects_half(tmp_path: Path) -> None:
    def log(home: EpisodeHome) -> list:
        home.other_model("devstral:24b")
        return [start("0.33.0"), load_c(home.blob, NATIVE)]

    report = doctor(september(tmp_path / "two", log=log))
    note = report.finding("SRV002")
    assert (note["severity"], note["calculation"]["result"]) == ("note", pytest.approx(12.0))
    alone = doctor(september(tmp_path / "one", [Call(NOON, 20, 9000, 100)], log=era_c()))
    assert "SRV002" not in alone.codes, "two names of one file are one model"


def test_the_hosts_prompt_cache_counts_on_unified_memory(tmp_path: Path) -> None:
    report = doctor(september(tmp_path, log=era_c()))
    assert report.ladder()["memory"]["total_bytes"] / GIB > 41.6
    assert _part(report, "prompt-cache") == 8.0
