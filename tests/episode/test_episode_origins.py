"""Why a wrong window is what it is: the rivals of the label, each with the evidence that names it and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.episode_home import BASE, CODER, LABEL, NATIVE, NOON, SEP, Call, EpisodeHome, entry
from support.episode_logs import load_b, load_c, start
from support.episode_report import Report, doctor, fix
from support.episode_scenes import V1, era_b, february

BIG = "qwen3-coder-30b:v-262k"


def _added(plan: dict) -> str:
    (change,) = plan["files"]
    return "\n".join(line[1:] for line in change["diff"].splitlines() if line.startswith("+ "))


def _origin(report: Report, model: str = "") -> str:
    found = [f for f in report.data["findings"] if f["code"] == "CTX001" and model in f["model"]]
    assert len(found) == 1, report.codes
    assert found[0]["fix"]["applicability"] == "safe"
    assert found[0]["origin"] not in {item["origin"] for item in found[0]["excluded"]}
    return found[0]["origin"]


def test_the_launcher_wrote_it(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder(None)
    home.openclaw(
        [entry(BASE, LABEL, 16_384)],
        primary=f"ollama/{BASE}",
        base_url=V1,
        provider_more={"apiKey": "ollama-local"},
    ).ollama_log(*era_b(home))
    report = doctor(home)
    assert report.binding() == (LABEL, "launcher", "configured")
    assert _origin(report) == "launcher-constant"
    assert any("ollama launch" in text for text in fix(home)["warnings"])


def test_the_launcher_and_a_label_that_says_the_same(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder()
    home.openclaw([entry(max_tokens=16_384)], base_url=V1, provider_more={"apiKey": "ollama-local"})
    report = doctor(home.ollama_log(*era_b(home)))
    assert _origin(report) == "launcher-constant"


@pytest.mark.parametrize(
    "made",
    [{"max_tokens": 8192}, {"cost": {"input": 1, "output": 0, "cacheRead": 0, "cacheWrite": 0}, "max_tokens": 16_384}],
    ids=["another maxTokens", "another cost"],
)
def test_one_mark_less_is_not_the_launcher(tmp_path: Path, made: dict) -> None:
    home = EpisodeHome(tmp_path).coder()
    home.openclaw([entry(**made)], base_url=V1, provider_more={"apiKey": "ollama-local"})
    report = doctor(home.ollama_log(*era_b(home)))
    assert _origin(report) == "name-label"
    excluded = {item["origin"]: item["reason"] for item in report.finding("CTX001")["excluded"]}
    assert "not Ollama's launcher" in excluded["launcher-constant"]


@pytest.mark.parametrize("name", [BASE, "qwen3-coder-30b:v-128k"], ids=["plain", "a label that says the same"])
def test_discovered_by_february(tmp_path: Path, name: str) -> None:
    home = EpisodeHome(tmp_path).coder(None, "qwen3-coder-30b:v-128k")
    home.openclaw([], primary=f"ollama/{name}", api="ollama").ollama_log(start(), load_b(home.blob, 128_000))
    report = doctor(home)
    assert report.binding() == (128_000, "agent-default", "configured")
    assert _origin(report) == "discovered-default"
    added = _added(fix(home))
    assert '"contextWindow": 262144' in added
    assert f'"id": "{name}"' in added
    assert "contextTokens" not in added, "February refuses a key that it does not know"


def test_listing_one_model_hides_others_that_are_discovered(tmp_path: Path) -> None:
    """Two models on the server: a listed one stops the discovery of the other, so a person must say so first."""
    home = EpisodeHome(tmp_path).coder(None)
    home.other_model("devstral:24b")
    home.openclaw([], primary=f"ollama/{BASE}", api="ollama").ollama_log(*era_b(home))
    made = doctor(home).finding("CTX001")["fix"]
    assert made["applicability"] == "unsafe"
    assert any("devstral:24b" in step for step in made["steps"])


def test_filled_in_by_february(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder(None)
    home.openclaw([entry(BASE, None)], primary=f"ollama/{BASE}", api="ollama").ollama_log(*era_b(home))
    report = doctor(home)
    assert report.binding() == (200_000, "agent-default", "configured")
    assert report.rung("request")["value"] == 200_000
    assert _origin(report) == "fallback-constant"
    assert '"contextWindow": 262144' in _added(fix(home))


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434", V1], ids=["native", "/v1"])
def test_borrowed_from_the_first_model(tmp_path: Path, url: str) -> None:
    home = EpisodeHome(tmp_path).coder(None)
    home.model(BIG, NATIVE, parent=BASE)
    api = "openai-completions" if url == V1 else "ollama"
    home.openclaw([entry()], primary=f"ollama/{BIG}", base_url=url, api=api).ollama_log(*era_b(home))
    report = doctor(home)
    assert report.binding(model=BIG)[0] == LABEL
    assert report.binding(model=BIG)[2] == "configured", "the label is in another model's name"
    assert _origin(report, BIG) == "sibling-inheritance"
    added = _added(fix(home))
    assert f'"id": "{BIG}"' in added, "a model of its own entry borrows no more"


def test_capped_by_september(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder(LABEL)
    home.openclaw([], version=SEP, primary=f"ollama/{CODER}", api="ollama")
    home.ollama_log(start("0.33.0"), load_c(home.blob, 32_768))
    report = doctor(home)
    assert report.binding() == (32_768, "agent-default", "configured")
    assert report.rung("request")["value"] == 32_768
    assert _origin(report) == "agent-cap"
    added = _added(fix(home))
    for key in ("contextWindow", "contextTokens", "num_ctx"):
        assert f'"{key}": 262144' in added, "the three numbers of September must agree"


def test_capped_by_a_key_of_february(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder(NATIVE, "qwen3-coder:30b-big")
    home.openclaw(
        [entry("qwen3-coder:30b-big", NATIVE)],
        primary="ollama/qwen3-coder:30b-big",
        api="ollama",
        defaults={"contextTokens": 65_536},
    ).ollama_log(*era_b(home))
    report = doctor(home)
    assert report.binding() == (65_536, "agent-config", "configured")
    assert report.rung("request")["value"] == NATIVE, "the cap does not lower what is sent"
    assert _origin(report) == "agent-cap"
    assert '"contextTokens": 262144' in _added(fix(home))


@pytest.mark.parametrize("window", [100_000, LABEL], ids=str)
def test_somebody_chose_it(tmp_path: Path, window: int) -> None:
    """A number without a label is a choice: it is said that more would fit, and nothing is called wrong."""
    home = february(tmp_path, window=window, model=BASE, log=era_b)
    report = doctor(home)
    assert report.binding() == (window, "agent-config", "configured")
    assert "CTX001" not in report.codes
    note = report.finding("CTX005")
    assert (note["severity"], note["origin"]) == ("note", "user-config")


def test_a_label_in_the_definition_only(tmp_path: Path) -> None:
    """The agent believes the native context; the definition's label holds the server lower: its origin is told."""
    home = february(tmp_path, window=NATIVE, api="openai-completions", base_url=V1, log=era_b)
    report = doctor(home)
    assert report.binding() == (LABEL, "server-definition", "label")
    assert report.finding("CTX001")["origin"] == "name-label"
    assert report.finding("CTX002")["origin"] == "name-label"


def test_the_number_of_the_definition_is_not_blamed_on_the_agents_label(tmp_path: Path) -> None:
    """The agent's window is the label's number, but a lower one in the definition binds: somebody set that."""
    home = february(tmp_path, num_ctx=32_768, api="openai-completions", base_url=V1, log=lambda h: [start()])
    report = doctor(home)
    assert report.binding() == (32_768, "server-definition", "configured")
    assert "CTX001" not in report.codes
    assert report.finding("CTX002")["origin"] == "user-config"


def test_json5_with_comments_survives(tmp_path: Path) -> None:
    home = february(tmp_path, window=100_000, model=BASE, log=era_b)
    file = home.root / ".openclaw" / "openclaw.json"
    text = file.read_text(encoding="utf-8")
    json.loads(text)
    file.write_text(text.replace('"contextWindow": 100000', "contextWindow: 100000, // mine"), encoding="utf-8")
    (change,) = fix(home, "--only", "CTX005")["files"]
    assert "+            contextWindow: 262144, // mine" in change["diff"]


def test_september_sends_a_num_ctx_that_nobody_believes(tmp_path: Path) -> None:
    """params.num_ctx below the believed window: the request binds, and it is the user's number."""
    made = entry(BASE, NATIVE, params={"num_ctx": 65_536})
    home = EpisodeHome(tmp_path).coder(None)
    home.openclaw([made], version=SEP, primary=f"ollama/{BASE}", api="ollama").store(
        [Call(NOON, 20, 9000, 100)], model=BASE
    )
    home.ollama_log(start("0.33.0"), load_c(home.blob, 65_536))
    report = doctor(home)
    assert report.binding() == (65_536, "request", "configured")
    assert report.finding("CTX002")["origin"] == "user-config"
    assert '"num_ctx": 262144' in _added(fix(home))


def test_september_believes_a_label_and_sends_nothing(tmp_path: Path) -> None:
    """An explicit contextWindow over native Ollama sends no num_ctx: the server gives its own default."""
    home = EpisodeHome(tmp_path).coder(None, CODER)
    home.openclaw([entry()], version=SEP, primary=f"ollama/{CODER}", api="ollama")
    home.ollama_log(start("0.33.0", tier=32_768, total="24.0 GiB"), load_c(home.blob, 32_768))
    report = doctor(home)
    assert report.rung("request") is None
    assert report.binding() == (32_768, "server-default", "configured")
    believes = report.finding("CTX002")
    assert believes["origin"] == "server-default"
    assert believes["calculation"]["result"] == LABEL - 32_768


def test_september_believes_less_than_the_server_gives(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder(None, CODER)
    home.openclaw([entry()], version=SEP, primary=f"ollama/{CODER}", api="ollama")
    report = doctor(home.ollama_log(start("0.33.0"), load_c(home.blob, NATIVE)))
    assert report.binding() == (LABEL, "agent-config", "label")
    assert _origin(report) == "name-label"
    plan = fix(home)
    assert plan["definitions"] == [], "the server gives it all already"
    assert '"contextWindow": 262144' in _added(plan)
