"""Asks a real llama.cpp engine how large its buffers would be for a model file without weights.

Run as a program by an interpreter that has xllamacpp: ``python kv_oracle.py MODEL SETTINGS`` with settings in JSON.
The model is loaded without allocating (no_alloc), so the engine prints its sizes within a second for a model of any
size. Without weights it cannot go on after that and may die: the caller reads what was printed, and asks again where
it was cut short.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time

ADDRESS_SPACE = 16 * 2**30


def main(model: str, settings: dict[str, object]) -> None:
    """Load the model without allocating; the engine's log goes to stderr."""
    _limit()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.verbosity = 4
    params.no_alloc = True
    params.fit_params = False
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.warmup = False
    params.no_extra_bufts = True
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_ctx = settings["context"]
    params.n_parallel = settings["slots"]
    params.kv_unified = settings["unified"]
    params.n_ubatch = settings["ubatch"]
    params.n_batch = max(2048, settings["ubatch"])
    params.swa_full = settings["swa_full"]
    params.cache_type_k = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{settings['kv_type_k'].upper()}")
    params.cache_type_v = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{settings['kv_type_v'].upper()}")
    if not settings["flash_attention"]:
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    with contextlib.suppress(Exception):
        xllamacpp.Server(params)
    # The engine's log is written by a thread of its own.
    time.sleep(0.1)
    os._exit(0)


def _limit() -> None:
    """Keep a failed run harmless where the system can: no core file, bounded address space."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
