"""Runs the doctor on a home in this process, and holds what it says against the laws that hold for every report."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from dataclasses import dataclass
from typing import Any

from support.episode_home import SECRET, WORDS, EpisodeHome
from truelimit.cli.main import main
from truelimit.domain.calculation import evaluate

_BASES = {"measured", "reported", "specified", "derived", "assumed"}
_KINDS = {"physical", "configured", "label"}
_SET_BY = {
    "model", "server-definition", "server-environment", "server-default", "slot", "request", "agent-config",
    "agent-default", "launcher", "client-library", "proxy", "server-load", "machine",
}  # fmt: skip
_CAUSES = {
    "overflow", "truncation", "prefill-exceeds-wall", "load-exceeds-wall", "queue-exceeds-wall", "engine-crash",
    "out-of-memory", "cancelled", "unexplained",
}  # fmt: skip
_ORIGINS = {
    None, "name-label", "launcher-constant", "discovered-default", "fallback-constant", "sibling-inheritance",
    "agent-cap", "user-config", "server-default", "slots",
}  # fmt: skip
_CONFIG_CODES = ("CTX", "TIM", "CFG")
_FEB_ENTRY = {
    "id", "name", "api", "baseUrl", "reasoning", "input", "cost", "contextWindow", "maxTokens", "headers", "compat",
}  # fmt: skip
_FEB_PROVIDER = {"baseUrl", "apiKey", "auth", "headers", "authHeader", "api", "models"}
_FEB_DEFAULTS_ABSENT = {"llm"}
_SEP_ENTRY = _FEB_ENTRY | {
    "contextTokens", "params", "agentRuntime", "thinkingLevelMap", "mediaInput", "metadataSource",
}  # fmt: skip
_SEP_PROVIDER = _FEB_PROVIDER | {
    "timeoutSeconds", "maxTokens", "params", "injectNumCtxForOpenAICompat", "localService", "request", "baseURL",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What ``truelimit doctor --json`` said, and its exit code."""

    data: dict[str, Any]
    code: int
    text: str

    def ladder(self, model: str = "") -> dict[str, Any]:
        return next(item for item in self.data["ladders"] if model in item["model"])

    def binding(self, kind: str = "context", model: str = "") -> tuple[int, str, str]:
        """Return value, set_by and kind of the binding rung."""
        rung = self.ladder(model)[kind]["binding"]
        return rung["value"], rung["set_by"], rung["kind"]

    def rung(self, name: str, kind: str = "context", model: str = "") -> dict[str, Any] | None:
        return next((item for item in self.ladder(model)[kind]["rungs"] if item["name"] == name), None)

    @property
    def incidents(self) -> list[dict[str, Any]]:
        return self.data["incidents"]

    @property
    def only(self) -> dict[str, Any]:
        """The one incident there must be."""
        assert len(self.incidents) == 1, [(i["cause"], i["reasons"]) for i in self.incidents]
        return self.incidents[0]

    @property
    def codes(self) -> list[str]:
        return [item["code"] for item in self.data["findings"]]

    def finding(self, code: str) -> dict[str, Any]:
        found = [item for item in self.data["findings"] if item["code"] == code]
        assert found, f"{code} is missing among {self.codes}"
        return found[0]

    @property
    def hardware(self) -> str:
        return self.data["verdict"]["hardware"]

    @property
    def sentence(self) -> str:
        return self.data["verdict"]["sentence"]


def doctor(home: EpisodeHome, *arguments: str, laws: bool = True) -> Report:
    """Return the doctor's report on a home, held against the laws."""
    code, text = _run("doctor", "--home", str(home.root), *arguments, "--json")
    report = Report(json.loads(text), code, text)
    if laws:
        hold(report, home)
    return report


def fix(home: EpisodeHome, *arguments: str) -> dict[str, Any]:
    """Return the plan that ``truelimit fix`` shows for a home (nothing is applied)."""
    _, text = _run("fix", "--home", str(home.root), *arguments, "--json")
    return json.loads(text)["plan"]


def _run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    os.environ["TRUELIMIT_DEBUG"] = "1"
    try:
        with contextlib.redirect_stdout(out):
            code = main(list(arguments))
    finally:
        del os.environ["TRUELIMIT_DEBUG"]
    return code, out.getvalue()


def hold(report: Report, home: EpisodeHome) -> None:
    """Check every law of a report; the message of a failure names the law."""
    data = report.data
    assert data["schema"] == "truelimit.doctor/1"
    assert data["verdict"]["hardware"] in {"not-needed", "would-help", "needed", "unknown"}
    assert data["verdict"]["sentence"]
    for ladder in data["ladders"]:
        _ladders(ladder)
    for incident in data["incidents"]:
        _incident(incident)
    for finding in data["findings"]:
        _finding(finding, data["incidents"])
    for calc in _calculations(data):
        recompute(calc)
    for item in data["missing"]:
        assert item["fact"]
        assert item["why"]
    _nothing_leaks(report.text)
    if data["ladders"] or data["incidents"]:
        assert report.code == (1 if data["findings"] or data["incidents"] else 0)
    else:
        assert report.code == 2
    _fix_is_legal(home)


def spoken(home: EpisodeHome, *arguments: str) -> str:
    """Return what the doctor says to a person, as text and as Markdown."""
    return "".join(_run("doctor", "--home", str(home.root), *arguments, *form)[1] for form in ((), ("--markdown",)))


def _ladders(ladder: dict[str, Any]) -> None:
    for kind in ("context", "time", "memory"):
        part = ladder[kind]
        for rung in [*part["rungs"], *part["overridden"], *([part["binding"]] if part["binding"] else [])]:
            assert rung["set_by"] in _SET_BY, rung
            assert rung["kind"] in _KINDS, rung
            assert rung["basis"] in _BASES, rung
            assert rung["where"], rung
            assert isinstance(rung["value"], int | float), rung
            assert rung["value"] > 0 or kind == "memory" or rung["bounds"] == "compaction", rung
        for rung in part["rungs"]:
            if rung["kind"] == "physical":
                assert rung["set_by"] in {"model", "machine"}, rung
    _lowest_binds(ladder["context"], {"prompt"})
    _lowest_binds(
        ladder["time"], {"headers", "first-event", "request", "run", "idle"}, may_skip={"idle", "first-event"}
    )
    memory = ladder["memory"]
    if memory["headroom_bytes"] is not None:
        assert memory["headroom_bytes"] == memory["pool_bytes"] - memory["total_bytes"]


def _lowest_binds(part: dict[str, Any], bounds: set[str], may_skip: frozenset[str] | set[str] = frozenset()) -> None:
    """No rung that surely bounds the same thing is lower than the binding one."""
    binding = part["binding"]
    if binding is None:
        return
    assert binding["name"] in [rung["name"] for rung in part["rungs"]], "the binding rung is not on the ladder"
    assert binding["bounds"] in bounds, binding
    sure = [rung["value"] for rung in part["rungs"] if rung["bounds"] in bounds - may_skip]
    assert all(binding["value"] <= value for value in sure), (binding, part["rungs"])


def _incident(incident: dict[str, Any]) -> None:
    assert incident["cause"] in _CAUSES, incident
    assert incident["explained"] == (incident["cause"] != "unexplained"), incident
    assert incident["attempts"] >= 1
    assert incident["attempts"] > incident["hidden_attempts"] >= 0
    assert incident["reasons"], incident
    if incident["prompt_tokens"] is not None:
        assert incident["prompt_tokens"] > 0
        assert incident["prompt_tokens_basis"] in _BASES
    engine = incident["cause"] in {"engine-crash", "out-of-memory"}
    for code in incident["findings"]:
        assert not (engine and code.startswith(_CONFIG_CODES)), f"{code} blames the configuration for a dead engine"


def _finding(finding: dict[str, Any], incidents: list[dict[str, Any]]) -> None:
    assert finding["origin"] in _ORIGINS
    assert finding["severity"] in {"fails", "degrades", "note"}
    assert finding["message"]
    known = {item["id"] for item in incidents}
    assert set(finding["incidents"]) <= known, finding
    if finding["fix"] is not None:
        assert finding["fix"]["applicability"] in {"safe", "unsafe", "manual"}
        assert finding["fix"]["edits"] or finding["fix"]["steps"], finding["fix"]
        if finding["fix"]["applicability"] == "safe":
            assert finding["fix"]["edits"], finding["fix"]


def _calculations(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if {"terms", "formula", "result", "unit"} <= value.keys() else []
        return own + [item for part in value.values() for item in _calculations(part)]
    return [item for part in value for item in _calculations(part)] if isinstance(value, list) else []


def recompute(calc: dict[str, Any]) -> None:
    """The printed formula over the printed terms gives the printed result; each term tells where it is from."""
    again = evaluate(calc["formula"], {term["name"]: term["value"] for term in calc["terms"]})
    assert math.isclose(again, calc["result"], rel_tol=1e-9, abs_tol=1e-9), calc
    assert calc["unit"]
    for term in calc["terms"]:
        assert term["unit"], term
        assert term["source"], term
        assert term["basis"] in _BASES, term


def _nothing_leaks(text: str) -> None:
    assert SECRET not in text, "a secret of the configuration came out"
    assert WORDS not in text, "words of a prompt came out"


def _fix_is_legal(home: EpisodeHome) -> None:
    """A plan writes only keys that this generation accepts, and definitions with whole numbers."""
    plan = fix(home)
    file = home.root / ".openclaw" / "openclaw.json"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    february = not any(f'"2026.{month}.' in text for month in range(5, 13))
    for change in plan["files"]:
        added = [line[1:].strip() for line in change["diff"].splitlines() if line.startswith("+") and line[1:2] != "+"]
        keys = {line.split(":")[0].strip().strip('"{, ') for line in added if ":" in line}
        allowed = _FEB_ENTRY | _FEB_PROVIDER if february else _SEP_ENTRY | _SEP_PROVIDER
        allowed = allowed | {"primary", "timeoutSeconds", "num_ctx", "contextTokens", "fallbacks", "model"}
        if february:
            allowed -= {"params", "num_ctx"}
        assert keys <= allowed, keys - allowed
        if february:
            assert not ("timeoutSeconds" in keys and '"providers"' in change["diff"]), change["diff"]
    for definition in plan["definitions"]:
        assert definition["from"], definition
        assert definition["name"] != definition["from"], definition
        assert all(type(value) is int for value in definition["parameters"].values())
