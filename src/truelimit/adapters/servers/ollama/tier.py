"""The default context by memory tier (from 0.15.5): from the log's own line, its devices, or the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama import eras
from truelimit.adapters.servers.ollama.machine_from_log import total_vram
from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known

if TYPE_CHECKING:
    from truelimit.adapters.files.server_log import ServerLog
    from truelimit.domain.server import Server
    from truelimit.units import Tokens


def tier_of_log(log: ServerLog | None, version: str | None, variables: env.Environment) -> Known[Tokens] | None:
    """Return the tier context that the log states, or that follows from its devices where the version has tiers."""
    if log is None:
        return None
    if log.tier is not None:
        return Known(log.tier.default_context, f"{log.tier.where}: default_num_ctx", Basis.REPORTED)
    total = total_vram(log, _overhead(variables)) if eras.has_tiers(version) else None
    return None if total is None else Known(eras.tier(total.value), total.where, Basis.DERIVED)


def with_tier(server: Server, machine: Machine) -> Server:
    """Return the server with the tier context that the machine's memory gives, where nothing told it.

    For a server on this machine whose log is out of reach (a service's log is in the journal). Unified memory counts
    with its usable share, as Metal's working set does.
    """
    version = server.version.value if server.version else None
    if server.settings.tier_context is not None or not eras.has_tiers(version) or not machine.pools:
        return server
    unified = machine.pool(PoolKind.UNIFIED)
    pools = [unified] if unified else [pool for pool in machine.pools if pool.kind is PoolKind.VRAM]
    total = sum((pool.usable or pool.capacity).value for pool in pools)
    where = pools[0].capacity.where if pools else said("no accelerator in this machine")
    found = Known(eras.tier(total), where, Basis.DERIVED)
    default = server.settings.default_context or found
    return replace(server, settings=replace(server.settings, tier_context=found, default_context=default))


def _overhead(variables: env.Environment) -> int:
    """Return OLLAMA_GPU_OVERHEAD in bytes, which Ollama takes off each accelerator."""
    given = variables.get(env.GPU_OVERHEAD)
    return int(given.value) if given and given.value.isdecimal() and len(given.value) < 16 else 0
