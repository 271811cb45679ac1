"""Settings that Ollama decides for each model: flash attention by architecture, batch by context."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama import eras
from truelimit.adapters.servers.ollama.settings import Background, flash_attention_of
from truelimit.domain.provenance import Basis, Known

if TYPE_CHECKING:
    from truelimit.domain.server import Definition, ServerSettings


def by_model(
    definition: Definition, variables: env.Environment, background: Background, in_force: ServerSettings
) -> Definition:
    """Return the definition with its own flash attention and batch (in tokens; the physical batch is the same)."""
    return replace(
        definition,
        flash_attention=flash_attention_of(variables, background, definition),
        batch=_own_batch(definition) or _automatic_batch(definition, background, in_force),
    )


def _own_batch(definition: Definition) -> Known[int] | None:
    value = definition.parameters.get("num_batch")
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return Known(value, f"{definition.where}: num_batch", Basis.REPORTED)
    return None


def _automatic_batch(definition: Definition, background: Background, in_force: ServerSettings) -> Known[int] | None:
    context = definition.num_ctx or in_force.default_context
    slots = in_force.parallel.value if in_force.parallel else 1
    total = context.value * slots if context else None
    return eras.default_batch(background.version, background.engine, total)
