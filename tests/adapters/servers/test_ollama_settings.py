from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama.eras import era
from truelimit.adapters.servers.ollama.models import by_model
from truelimit.adapters.servers.ollama.settings import Background, settings
from truelimit.domain.limits import SetBy
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Definition, Engine, ServerSettings
from truelimit.units import GIB, Tokens


def given_by(basis: Basis = Basis.SPECIFIED, **values: str) -> dict[str, Known[str]]:
    return {name: Known(value, f"file: {name}", basis) for name, value in values.items()}


def model(architecture: str, num_ctx: int | None = None, **parameters: object) -> Definition:
    header = ModelHeader("file", Basis.MEASURED, architecture)
    known = None if num_ctx is None else Known(Tokens(num_ctx), "file", Basis.REPORTED)
    return Definition(f"{architecture}:x", "file", header, num_ctx=known, parameters=parameters)


def of(version: str | None, variables: env.Environment, *models: Definition, tier: int | None = None) -> ServerSettings:
    known = None if tier is None else Known(Tokens(tier), "log: default_num_ctx", Basis.REPORTED)
    return settings(variables, Background(version, era(version), known, models))[0]


def test_each_variable_has_value_and_place() -> None:
    found = of(
        "0.16.1",
        given_by(
            OLLAMA_CONTEXT_LENGTH="65536", OLLAMA_NUM_PARALLEL="3", OLLAMA_KV_CACHE_TYPE="q8_0",
            OLLAMA_FLASH_ATTENTION="1", OLLAMA_LOAD_TIMEOUT="10m", OLLAMA_KEEP_ALIVE="-1",
        ),
        tier=262144,
    )  # fmt: skip
    assert found.default_context == Known(65536, "file: OLLAMA_CONTEXT_LENGTH", Basis.SPECIFIED)
    assert found.default_context_set_by is SetBy.SERVER_ENVIRONMENT
    assert found.tier_context is not None
    assert found.tier_context.value == 262144
    assert (found.parallel and found.parallel.value, found.kv_type and found.kv_type.value) == (3, "q8_0")
    assert found.kv_type_v == found.kv_type
    assert found.flash_attention
    assert found.flash_attention.value
    assert found.load_timeout
    assert found.load_timeout.value == 600
    assert found.keep_alive
    assert found.keep_alive.value > 10**9


def test_defaults_name_the_version_that_they_are_of() -> None:
    found = of("0.11.4", {}, model("llama"))
    assert found.default_context == Known(4096, "default of Ollama 0.11.4: num_ctx", Basis.SPECIFIED)
    assert found.default_context_set_by is SetBy.SERVER_DEFAULT
    assert found.parallel
    assert found.kv_type
    assert found.load_timeout
    assert found.keep_alive
    assert (found.parallel.value, found.kv_type.value) == (1, "f16")
    assert (found.load_timeout.value, found.keep_alive.value) == (300, 300)
    assert found.batch
    assert found.batch.value == 512


def test_a_context_of_zero_means_the_tier() -> None:
    found = of("0.16.1", given_by(Basis.REPORTED, OLLAMA_CONTEXT_LENGTH="0"), tier=32768)
    assert found.default_context
    assert (found.default_context.value, found.default_context_set_by) == (32768, SetBy.SERVER_DEFAULT)


def test_without_tier_and_log_the_default_is_missing_not_guessed() -> None:
    found, missing = settings({}, Background("0.16.1", Engine.OLLAMA_RUNNER))
    assert found.default_context is None
    assert any("accelerators' memory" in item.why for item in missing)


@pytest.mark.parametrize(
    ("version", "value", "set_by"),
    [
        ("0.11.4", "4096", SetBy.SERVER_DEFAULT),
        ("0.11.4", "8192", SetBy.SERVER_ENVIRONMENT),
        ("0.16.1", "4096", SetBy.SERVER_ENVIRONMENT),
        ("0.0.0", "4096", SetBy.SERVER_DEFAULT),
        ("0.0.0", "4097", SetBy.SERVER_ENVIRONMENT),
    ],
)
def test_a_log_prints_the_default_as_if_it_were_set(version: str, value: str, set_by: SetBy) -> None:
    found = of(version, given_by(Basis.REPORTED, OLLAMA_CONTEXT_LENGTH=value))
    assert found.default_context
    assert (str(found.default_context.value), found.default_context_set_by) == (value, set_by)


def test_slots_chosen_by_memory_are_missing() -> None:
    found, missing = settings(given_by(OLLAMA_NUM_PARALLEL="0"), Background("0.9.6", Engine.OLLAMA_RUNNER))
    assert found.parallel is None
    assert any(item.fact == "parallel slots of Ollama" for item in missing)


def test_flash_attention_of_the_runner_is_said_only_where_all_models_agree() -> None:
    alike = of("0.16.1", {}, model("qwen3moe"), model("gemma3"))
    mixed, missing = settings({}, Background("0.16.1", Engine.OLLAMA_RUNNER, None, [model("qwen3moe"), model("llama")]))
    assert alike.flash_attention
    assert alike.flash_attention.value
    assert alike.flash_attention.basis is Basis.ASSUMED
    assert mixed.flash_attention is None
    assert any("flash attention" in item.fact for item in missing)


def test_each_model_has_its_own_flash_attention_and_batch() -> None:
    models = [model("qwen3moe", 131_072), model("llama"), model("llama", num_batch=64)]
    background = Background("0.16.1", Engine.OLLAMA_RUNNER, None, models)
    found = [by_model(item, {}, background, ServerSettings()) for item in models]
    assert [item.flash_attention.value for item in found if item.flash_attention] == [True, False, False]
    assert [item.batch.value for item in found if item.batch] == [512, 512, 64]
    later = Background("0.33.0", Engine.LLAMA_SERVER, None, models)
    parallel = ServerSettings(
        default_context=Known(Tokens(4096), "", Basis.SPECIFIED), parallel=Known(2, "", Basis.SPECIFIED)
    )
    assert [item.batch.value for item in (by_model(m, {}, later, parallel) for m in models) if item.batch] == [
        2048, 1024, 64,
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "size"), [("0", 0), ("1024", GIB), ("x", 8 * GIB)])
def test_the_prompt_cache_of_llama_server(value: str, size: int) -> None:
    found = of("0.31.0", given_by(LLAMA_ARG_CACHE_RAM=value))
    assert found.prompt_cache
    assert found.prompt_cache.value == size


def test_a_prompt_cache_without_limit_is_missing() -> None:
    found, missing = settings(given_by(LLAMA_ARG_CACHE_RAM="-1"), Background("0.31.0", Engine.LLAMA_SERVER))
    assert found.prompt_cache is None
    assert any("no limit" in item.why for item in missing)


@given(
    st.dictionaries(st.sampled_from(sorted(env.NAMES)), st.text(max_size=12)),
    st.sampled_from(["0.9.0", "0.16.1", "0.31.0", "?"]),
)
@hypothesis_settings(deadline=None)
def test_any_values_give_settings_or_missing_facts(values: dict[str, str], version: str) -> None:
    found = of(version, given_by(**values))
    for known in (found.default_context, found.parallel, found.load_timeout, found.keep_alive, found.prompt_cache):
        assert known is None or known.value >= 0
