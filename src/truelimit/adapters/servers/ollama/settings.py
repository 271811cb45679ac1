"""Settings of a whole Ollama server: what was set, where, and the version's default where nothing was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama import eras
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition, Engine, ServerSettings
from truelimit.units import MIB, Bytes, Seconds, Tokens, parse_go_duration

T = TypeVar("T")
_FOREVER = Seconds(float(2**63 // 10**9))
_TRUE, _FALSE = {"1", "t", "true"}, {"0", "f", "false"}


@dataclass(frozen=True, slots=True)
class Background:
    """What the settings depend on: version, engine, the tier context, the models that the server holds."""

    version: str | None
    engine: Engine | None
    tier: Known[Tokens] | None = None
    definitions: Sequence[Definition] = ()


def settings(variables: env.Environment, background: Background) -> tuple[ServerSettings, tuple[Missing, ...]]:
    """Return the settings that hold, and those that could not be known. Raises nothing: bad values are missing."""
    missing: list[Missing] = []
    version, engine = background.version, background.engine
    context, set_by = _default_context(variables, background, missing)
    parallel = _parallel(variables, version, missing)
    kv_type = _read(variables, env.KV_CACHE_TYPE, _kv_type, missing) or eras.default_kv_type(version)
    batch = _batch(background, context, parallel)
    found = ServerSettings(
        default_context=context,
        default_context_set_by=set_by,
        tier_context=background.tier,
        parallel=parallel,
        unified_kv=eras.unified_kv(version, engine),
        kv_type=kv_type,
        kv_type_v=kv_type,
        flash_attention=_flash_attention(variables, background, missing),
        batch=batch,
        ubatch=batch,
        prompt_cache=_prompt_cache(variables, background, missing),
        load_timeout=_read(variables, env.LOAD_TIMEOUT, _duration, missing) or eras.default_load_timeout(version),
        keep_alive=_read(variables, env.KEEP_ALIVE, _duration, missing) or eras.default_keep_alive(version),
    )
    return found, tuple(missing)


def flash_attention_of(
    variables: env.Environment, background: Background, definition: Definition
) -> Known[bool] | None:
    """Return whether this model is run with flash attention: the variable, else the version's default for it."""
    architecture = definition.header.architecture if definition.header else None
    return _read(variables, env.FLASH_ATTENTION, _boolean, []) or eras.default_flash_attention(
        background.version, background.engine, architecture
    )


def _default_context(
    variables: env.Environment, background: Background, missing: list[Missing]
) -> tuple[Known[Tokens] | None, SetBy]:
    chosen = _read(variables, env.CONTEXT_LENGTH, _context, missing)
    if chosen is not None:
        is_default = chosen.basis is Basis.REPORTED and chosen.value in _defaults_that_logs_print(background.version)
        return chosen, SetBy.SERVER_DEFAULT if is_default else SetBy.SERVER_ENVIRONMENT
    default = eras.default_context(background.version) or background.tier
    if default is None:
        why = (
            said("it follows the accelerators' memory (from 0.15.5), and neither the log nor the machine tells that")
            if eras.has_tiers(background.version)
            else said("the version of Ollama is not known")
        )
        missing.append(
            Missing(said("default context of Ollama"), said("{why}; name the server's log with --log FILE", why=why))
        )
    return default, SetBy.SERVER_DEFAULT


def _defaults_that_logs_print(version: str | None) -> set[int]:
    """Return the contexts that a log prints although nobody set them: before the tiers, the version's default."""
    if eras.parse_version(version) is None:
        return {2048, 4096}
    default = eras.default_context(version)
    return {default.value} if default else set()


def _parallel(variables: env.Environment, version: str | None, missing: list[Missing]) -> Known[int] | None:
    chosen = _read(variables, env.NUM_PARALLEL, _positive, missing)
    default = eras.default_parallel(version)
    if chosen is None and default is None:
        why = said("the version of Ollama is not known")
        if eras.parse_version(version):
            why = said("Ollama {version} chooses it by memory; a load in its log tells it", version=version)
        missing.append(Missing(said("parallel slots of Ollama"), why))
    return chosen or default


def _flash_attention(variables: env.Environment, background: Background, missing: list[Missing]) -> Known[bool] | None:
    chosen = _read(variables, env.FLASH_ATTENTION, _boolean, missing)
    if chosen is not None:
        return chosen
    if background.engine is Engine.LLAMA_SERVER:
        return eras.default_flash_attention(background.version, background.engine, None)
    each = [flash_attention_of({}, background, item) for item in background.definitions if item.header]
    known = [item for item in each if item is not None]
    if known and len({item.value for item in known}) == 1:
        return known[0]
    why = (
        said("Ollama's own runner decides by the model's architecture")
        if known
        else said("version or model are not known")
    )
    missing.append(
        Missing(
            said("flash attention of Ollama for all models alike"), said("{why}; a load in its log tells it", why=why)
        )
    )
    return None


def _batch(background: Background, context: Known[Tokens] | None, parallel: Known[int] | None) -> Known[int] | None:
    """Return the batch of the model with the largest context: memory must hold for that one."""
    slots = parallel.value if parallel else 1
    contexts = [item.num_ctx.value for item in background.definitions if item.num_ctx]
    contexts += [context.value] if context else []
    total = max(contexts) * slots if contexts else None
    return eras.default_batch(background.version, background.engine, total)


def _prompt_cache(variables: env.Environment, background: Background, missing: list[Missing]) -> Known[Bytes] | None:
    if background.engine is Engine.LLAMA_SERVER and env.CACHE_RAM in variables:
        chosen = variables[env.CACHE_RAM]
        if chosen.value.strip() == "-1":
            missing.append(
                Missing(said("size of the prompt cache"), said("{where} is -1: it has no limit", where=chosen.where))
            )
            return None
        size = _read(variables, env.CACHE_RAM, _mebibytes, missing)
        if size is not None:
            return size
    return eras.default_prompt_cache(background.version, background.engine)


def _read(
    variables: env.Environment, name: str, parse: Callable[[str], T | None], missing: list[Missing]
) -> Known[T] | None:
    """Return the typed value of a variable; None when it is not set, or means "default", or is not understood."""
    given = variables.get(name)
    if given is None:
        return None
    try:
        value = parse(given.value)
    except ValueError as error:
        missing.append(
            Missing(name, said("{where}: {error}; Ollama then uses its default", where=given.where, error=error))
        )
        return None
    return None if value is None else Known(value, given.where, given.basis)


def _positive(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ValueError(said("not a whole number"))
    return int(text) or None


def _context(text: str) -> Tokens | None:
    value = _positive(text)
    return None if value is None else Tokens(value)


def _mebibytes(text: str) -> Bytes:
    return Bytes((_positive(text) or 0) * MIB)


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError(said("not true or false"))


def _duration(text: str) -> Seconds | None:
    """Return seconds; a negative duration means for ever, which Ollama keeps as its largest number."""
    try:
        seconds = parse_go_duration(text)
    except ValueError:
        raise ValueError(said("not a duration such as 5m or 300")) from None
    if not seconds <= _FOREVER:
        raise ValueError(said("not a duration such as 5m or 300"))
    return _FOREVER if seconds < 0 else seconds


def _kv_type(text: str) -> str | None:
    lowered = text.lower()
    if not lowered.isascii() or not lowered.replace("_", "").isalnum() or len(lowered) > 16:
        raise ValueError(said("not a cache type such as q8_0"))
    return lowered
