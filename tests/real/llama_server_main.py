"""Runs a real llama-server (the engine of the package xllamacpp) until it is stopped.

Usage: llama_server_main.py MODEL PORT CONTEXT SLOTS [CACHE_RAM_MIB]. One thread each for reading and writing: more
threads than free cores make the engine wait for itself.
"""

from __future__ import annotations

import signal
import sys
import threading


def main(model: str, port: int, context: int, slots: int, cache_ram: int) -> None:
    """Start the server and wait for the signal that ends it."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = context
    params.n_parallel = slots
    params.n_batch = 256
    params.n_ubatch = 256
    params.cache_ram_mib = cache_ram
    params.verbosity = 4
    params.endpoint_metrics = True
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = xllamacpp.Server(params)
    print("ready", server.listening_address, flush=True)
    stop.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), int((*sys.argv[5:], "512")[0]))
