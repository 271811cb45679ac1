"""The two models as they are fitted: which runs, which costs, which priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.regression import CostsOf, Settings
from benchmarks.runs import Run
from benchmarks.silicon import chip_of
from truelimit.perf.rates.classes import backend_class, engine_class, family_class
from truelimit.perf.rates.costs import Costs
from truelimit.perf.rates.decode_parts import decode_costs
from truelimit.perf.rates.prefill_parts import batch_of, prefill_costs_of

_ENGINES = {"llama.cpp", "ik_llama.cpp", "llamafile", "ollama", "mlx", "vllm", "sglang", "trt-llm", "exllama"}

DECODE = Settings(
    {
        "weights/all": 1.0, "weights/backend": 0.15, "weights/chips": 0.2, "weights/family": 0.12,
        "weights/quantization": 0.3, "weights/quantization by backend": 0.05,
        "weights/quantization by family": 0.04, "weights/memory": 0.5, "weights/experts": 0.15,
        "weights/experts by backend": 0.1, "cache/all": 0.5, "cache/backend": 0.4, "cache/family": 0.3,
        "cache/flash attention": 0.5, "cache/type": 0.3, "cache/operations": 0.1, "cache/processor": 1.0,
        "cache/flash on a processor": 0.8,
        "layers/all": 1.0, "layers/backend": 0.7,
        "layers/family": 0.3, "layers/experts": 0.7, "layers/experts by backend": 0.4, "layers/states": 0.5,
        "layers/engine": 0.5, "layers/speed": 0.3, "overall/engine": 0.5, "overall/engine by backend": 0.3,
        "overall/engine by family": 0.15, "overall/mobile": 0.3, "overall/architecture": 0.1,
        "overall/architecture by backend": 0.08, "overall/split": 0.3, "overall/split by backend": 0.2,
        "nuisance/device": 0.05, "nuisance/device by backend": 0.03, "nuisance/device by engine": 0.15,
        "nuisance/2024": 0.05, "nuisance/guessed": 0.1,
    },
    # A core alone computes attention at 5.4 GFLOP/s while it writes (SmolLM2-135M, one thread, llama.cpp b11549, flash
    # attention), all together at some 60 % of that (assumed); processors have 6 to 18 GB/s a core. So bandwidth over
    # rate is 2 to 6: 0.4 beside the 0.6 of cache/all and the 0.17 of the backend. (Not fitted, but near: 5.5 GFLOP/s a
    # thread on a Ryzen 9 7950X, 3.5 times as fast without flash attention, in discussion 357 of ik_llama.cpp.)
    {
        "weights/all": 0.15, "layers/all": 3.7, "cache/operations": 1.0, "cache/processor": 0.2,
        "cache/flash on a processor": 0.4,
    },
    noise=0.08, others=0.05, huber=0.1,
)  # fmt: skip
PREFILL = Settings(
    {
        "products/all": 1.0, "products/backend": 0.8, "products/chips": 0.25, "products/family": 0.2,
        "products/quantization": 0.2, "products/quantization by backend": 0.15,
        "products/quantization by family": 0.3, "products/power": 0.12, "products/power by vendor": 0.2,
        "products/power of experts": 0.3,
        "products/experts": 0.5,
        "products/experts by backend": 0.4, "products/experts by family": 0.2,
        "attention/all": 1.0, "attention/backend": 0.6, "attention/family": 0.35, "attention/flash attention": 0.5,
        "attention/type": 0.3, "attention/processor": 1.0,
        "attention/flash on a processor": 1.0, "weights/all": 0.3, "weights/backend": 0.3,
        "layers/all": 0.5, "layers/backend": 0.7,
        "layers/experts": 0.7, "layers/states": 0.5, "layers/engine": 0.7, "overall/engine": 0.6,
        "overall/engine by backend": 0.4, "overall/engine by family": 0.3, "overall/mobile": 0.3,
        "overall/architecture": 0.1, "overall/architecture by backend": 0.1, "overall/split": 0.3,
        "overall/split by backend": 0.2, "nuisance/device": 0.15, "nuisance/device by backend": 0.12,
        "nuisance/device by engine": 0.2, "nuisance/2024": 0.2, "nuisance/guessed": 0.2,
    },
    {
        "products/power": 0.8, "products/power of experts": -0.3, "products/all": 1.3, "attention/all": 2.0,
        "layers/all": 4.6,
        # The same core reads at 28.9 GFLOP/s of attention, of the 120 to 360 that its share of the bandwidth counts as.
        "attention/flash on a processor": -1.5,
    },
    noise=0.1, huber=0.1, power=0.7, others=0.02, deep=1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """What is fitted: decode or prefill."""

    name: str
    test: str
    settings: Settings
    costs_of: CostsOf


def _decode(run: Run) -> Costs:
    return decode_costs(run.case, run.position)


def _prefill(run: Run) -> Costs:
    return prefill_costs_of(run.case, batch_of(run.case, run.tokens), run.position)


KINDS = (Kind("decode", "tg", DECODE, _decode), Kind("prefill", "pp", PREFILL, _prefill))


def fitted_runs(runs: Sequence[Run], kind: Kind) -> list[Run]:
    """Return the runs that a kind is fitted on."""
    return [run for run in runs if run.kind == kind.test and engine_class(run.engine) in _ENGINES]


def nuisances(run: Run) -> list[str]:
    """Return effects that are fitted beside but belong to nobody else: a device's own, an old build's."""
    chip, engine, backend = chip_of(run.device), engine_class(run.engine), run.case.backend
    own = [f"nuisance/device/{chip}", f"nuisance/device by backend/{chip} {backend}"]
    if engine != "llama.cpp":
        own.append(f"nuisance/device by engine/{run.device} {engine}")
    if run.date.startswith("2024"):
        own.append(f"nuisance/2024/{backend_class(run.case)}")
    if not run.known_shape:
        own.append(f"nuisance/guessed/{run.model}")
    return own


__all__ = ["KINDS", "Kind", "family_class", "fitted_runs", "nuisances"]
