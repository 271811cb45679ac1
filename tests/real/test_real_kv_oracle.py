"""A real llama.cpp engine as the judge: its own buffer sizes for models of true shape, without their weights.

The interpreter that has xllamacpp is named by TRUELIMIT_REAL_PYTHON (default: this one).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pytest

from support.shapes.shape import Shape, names, shape
from truelimit.perf.cache_layout import VERIFIED_ARCHITECTURES, layout_of
from truelimit.perf.compute_buffers import compute_buffer
from truelimit.perf.kv_cache import CacheSettings, kv_cache
from truelimit.perf.weights import weights
from truelimit.units import to_mib

PYTHON = os.environ.get("TRUELIMIT_REAL_PYTHON", sys.executable)
ORACLE = Path(__file__).with_name("kv_oracle.py")
ATTEMPTS = 8


@cache
def engine_missing() -> str:
    """Return why the engine cannot be asked, or nothing."""
    if sys.platform == "win32":
        return "files without weights need a file system with sparse files"
    found = subprocess.run([PYTHON, "-c", "import xllamacpp"], cwd=ORACLE.parent, capture_output=True, check=False)
    return "" if found.returncode == 0 else f"xllamacpp cannot be imported by {PYTHON} (set TRUELIMIT_REAL_PYTHON)"


@pytest.fixture(autouse=True)
def _engine() -> None:
    if reason := engine_missing():
        pytest.skip(reason)


@dataclass(frozen=True)
class Case:
    """Settings of one question."""

    cache: CacheSettings
    flash_attention: bool = True


CASES = {
    "long": Case(CacheSettings(32_768)),
    "four slots in one pool, q8_0": Case(CacheSettings(20_000, 4, True, "q8_0", "q8_0")),
    "three slots apart": Case(CacheSettings(65_536, 3, False, ubatch=1024)),
    "no flash attention": Case(CacheSettings(8192), flash_attention=False),
    "windows at full size": Case(CacheSettings(131_072, ubatch=2048, swa_full=True)),
    "two slots apart, no flash attention": Case(CacheSettings(32_768, 2, False, ubatch=256), flash_attention=False),
}


@dataclass(frozen=True)
class Answer:
    """What the engine printed, in MiB: one number a cache, a state and a compute buffer."""

    kv: tuple[float, ...]
    state: tuple[float, ...]
    compute: tuple[float, ...]


def ask(path: Path, case: Case) -> Answer:
    """Return the engine's sizes. Its log is cut short when it dies for want of weights: then it is asked again."""
    best = Answer((), (), ())
    for _ in range(ATTEMPTS):
        answer = _read(_run(path, case))
        best = max(best, answer, key=lambda found: (len(found.kv) + len(found.state), len(found.compute)))
        if best.compute:
            break
    return best


def _run(path: Path, case: Case) -> str:
    settings = json.dumps({**asdict(case.cache), "flash_attention": case.flash_attention})
    done = subprocess.run(
        [PYTHON, str(ORACLE), str(path), settings],
        cwd=path.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )
    return done.stderr + done.stdout


def _read(log: str) -> Answer:
    def all_of(pattern: str) -> tuple[float, ...]:
        return tuple(float(found) for found in re.findall(pattern, log))

    return Answer(
        all_of(r"llama_kv_cache: size =\s+([\d.]+) MiB"),
        all_of(r"(?:llama_memory_recurrent: size =|llama_dsv4_comp_state: .*layers = \d+, size =)\s+([\d.]+) MiB"),
        all_of(r"compute buffer size =\s+([\d.]+) MiB"),
    )


@pytest.fixture(scope="module", params=names())
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shape, Path]]:
    """Yield a shape and its file without weights."""
    found = shape(request.param)
    path = found.write(tmp_path_factory.mktemp("model") / f"{found.id}.gguf")
    yield found, path
    path.unlink()


@cache
def answers(path: Path) -> dict[str, Answer]:
    return {name: ask(path, case) for name, case in CASES.items()}


def _near(ours: float, theirs: tuple[float, ...]) -> bool:
    """Tell whether a sum in MiB equals the engine's numbers, each of which it rounded to the hundredth (in f32)."""
    return abs(ours - sum(theirs)) <= sum(0.005 + number * 2**-23 for number in theirs)


@pytest.mark.real
def test_kv_cache_and_state_are_the_engines_to_the_hundredth(model: tuple[Shape, Path]) -> None:
    found, path = model
    layout = layout_of(found.header())
    for name, answer in answers(path).items():
        case = CASES[name]
        ours = kv_cache(layout, case.cache, flash_attention=case.flash_attention)
        assert answer.kv or answer.state, f"{name}: the engine said nothing"
        assert _near(to_mib(ours.kv), answer.kv), f"{name}: ours {to_mib(ours.kv)}, engine {answer.kv}"
        assert _near(to_mib(ours.state), answer.state), f"{name}: ours {to_mib(ours.state)}, engine {answer.state}"


@pytest.mark.real
def test_compute_buffer_is_the_engines_where_the_formula_is_verified(model: tuple[Shape, Path]) -> None:
    found, path = model
    header = found.header()
    layout = layout_of(header)
    if compute_buffer(header, layout, CacheSettings(8192)).note:
        pytest.skip("no verified formula for this model")
    told = {name: answer for name, answer in answers(path).items() if answer.compute}
    assert len(told) >= len(CASES) - 1, "the engine said too little"
    for name, answer in told.items():
        case = CASES[name]
        ours = compute_buffer(header, layout, case.cache, flash_attention=case.flash_attention)
        within = 0.01 if case.flash_attention else 0.06
        assert to_mib(ours.size) == pytest.approx(max(answer.compute), rel=within), name


@pytest.mark.real
def test_every_architecture_that_is_called_verified_is_asked_here() -> None:
    asked = {shape(name).architecture for name in names()}
    assert asked == VERIFIED_ARCHITECTURES
    assert len(asked) >= 10


@pytest.mark.real
def test_a_file_of_true_shape_has_the_weights_of_the_model(tmp_path: Path) -> None:
    found = shape("qwen3-coder-30b-a3b", "Q4_K_M")
    path = found.write(tmp_path / "model.gguf")
    log = _run(path, CASES["long"])
    (said,) = re.findall(r"file size\s+=\s+([\d.]+) GiB", log)
    assert weights(found.header()).value / 2**30 == pytest.approx(float(said), abs=0.006)
