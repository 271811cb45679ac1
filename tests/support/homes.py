"""Homes to examine, each by a name, with the options to examine it by and the exit code to expect."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.ollama_store import put_blob, put_model
from support.openclaw_config import write_home
from support.openclaw_store import SAMPLES, SEPTEMBER, build_store
from support.shapes.shape import shape
from truelimit.adapters.demo.stage import stage

FEBRUARY = SAMPLES / "2026.2.17"
LLAMA_LOG = SAMPLES.parent / "llamacpp" / "logs" / "llama-server_b10434_unified_kv_exhausted.log"
OLLAMA_LOG = SAMPLES.parent / "ollama-logs" / "era_c_0.33.0_composed.log"
TRANSCRIPT = FEBRUARY / "session-openai-completions-3x300s.jsonl"


@dataclass(frozen=True)
class Home:
    """How a home is made, which options name more, and the doctor's exit code."""

    make: Callable[[Path], list[str]]
    exit_code: int

    def arguments(self, home: Path) -> list[str]:
        """Make the home and return the doctor's arguments."""
        home.mkdir(parents=True, exist_ok=True)
        return ["--home", str(home), *self.make(home)]


def demo(home: Path) -> list[str]:
    stage(home)
    return []


def no_sessions(home: Path) -> list[str]:
    stage(home)
    shutil.rmtree(home / ".openclaw" / "agents")
    return []


def no_server_traces(home: Path) -> list[str]:
    stage(home)
    shutil.rmtree(home / ".ollama")
    return []


def september(home: Path) -> list[str]:
    write_home(home, (SEPTEMBER / "openclaw.json").read_text(encoding="utf-8"))
    for agent, sample in (("main", "overflow"), ("slow", "timeout")):
        store = home / ".openclaw" / "agents" / agent / "agent" / "openclaw-agent.sqlite"
        build_store(store, sample, wal=agent == "slow", pack=agent == "main").close()
    return []


def legacy_folder(home: Path) -> list[str]:
    config = json.loads(json.dumps({"models": {"providers": {}}}))
    config["agents"] = {"defaults": {"model": {"primary": "ollama/llama3.2:3b"}}}
    write_home(home, config, version="2026.1.20", folder=".clawdbot")
    return []


def store_alone(home: Path) -> list[str]:
    models = home / ".ollama" / "models"
    shape("llama-3-8b").write(home / "scratch.gguf")
    with (home / "scratch.gguf").open("rb") as file:
        blob = put_blob(models, file.read(400_000))  # the header and a little of the (absent) weights
    (home / "scratch.gguf").unlink()
    put_model(models, "llama3:8b", blob, size=16_060_522_496, parameters={"num_ctx": 65_536})
    return []


def llama_log(home: Path) -> list[str]:
    return ["--log", str(LLAMA_LOG)]


def ollama_log(home: Path) -> list[str]:
    return ["--log", str(OLLAMA_LOG)]


def transcript(home: Path) -> list[str]:
    return ["--session", str(TRANSCRIPT)]


def model_file(home: Path) -> list[str]:
    return ["--model-file", str(shape("qwen3-coder-30b-a3b", "Q4_K_M").write(home / "model.gguf"))]


def everything(home: Path) -> list[str]:
    september(home)
    return [*llama_log(home), *transcript(home), *model_file(home), "--machine", "mac-studio-m2-ultra-64"]


def empty(home: Path) -> list[str]:
    return []


HOMES = {
    "demo": Home(demo, 1),
    "no-sessions": Home(no_sessions, 1),
    "no-server-traces": Home(no_server_traces, 1),
    "september": Home(september, 1),
    "legacy-folder": Home(legacy_folder, 0),
    "store-alone": Home(store_alone, 1),
    "llama-log": Home(llama_log, 1),
    "ollama-log": Home(ollama_log, 1),
    "transcript": Home(transcript, 1),
    "model-file": Home(model_file, 0),
    "everything": Home(everything, 1),
    "empty": Home(empty, 2),
}
