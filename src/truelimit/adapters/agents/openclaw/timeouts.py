"""Every timer between OpenClaw and a model's first token, those without a key too, and how often a call is tried."""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.adapters.agents.openclaw.hosts import HostClass
from truelimit.adapters.agents.openclaw.used_models import UsedModel
from truelimit.domain.agent import ConfigPlace, Timeout
from truelimit.domain.limits import SetBy
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import HOUR, MINUTE, Seconds

_FETCH_WALL = 5 * MINUTE
_SDK_REQUEST = 10 * MINUTE
_FEBRUARY_RUN = 10 * MINUTE
_FEBRUARY_COMPACTION = 5 * MINUTE
_SEPTEMBER_RUN = 48 * HOUR
_SEPTEMBER_COMMAND = 10 * MINUTE
_SEPTEMBER_FETCH = 30 * MINUTE
_SEPTEMBER_COMPACTION = 3 * MINUTE
_LOCAL_SERVICE_MS = 120_000
_SELF_HOSTED_SILENCE = 5 * MINUTE
_CLOUD_SILENCE = 2 * MINUTE
_OPENAI_STYLE = ("openai-completions", "openai-responses")
_RUN = ("agents", "defaults", "timeoutSeconds")

_NO_KEY = said(
    "no key of this version moves it, and a longer agents.defaults.timeoutSeconds does not help: send fewer tokens, "
    "read them faster, keep the server's prefix cache warm, put a relay before the server that sends a byte early, "
    "or upgrade OpenClaw (the wall is gone from May 2026)"
)
_RAISE_PROVIDER = said("set the provider's timeoutSeconds above the longest prefill")


def timeouts_of(used: UsedModel) -> tuple[Timeout, ...]:
    """Return the timers that apply to the model's version, api and host; unlimited ones are left out."""
    timers = _february(used) if used.release.february else _september(used)
    return tuple(timers)


def attempts_of(used: UsedModel) -> tuple[Known[int] | None, Known[int] | None]:
    """Return how often a call that times out is tried in all, and how many of those no transcript shows."""
    if not used.release.february:
        where = said("{label}: same-model retries end 90 s after the first failure", label=used.release.label)
        return Known(2, where, Basis.SPECIFIED), Known(0, where, Basis.SPECIFIED)
    if used.api == "ollama":
        where = said("{label}: its agent library retries three times", label=used.release.label)
        return Known(4, where, Basis.SPECIFIED), Known(0, where, Basis.SPECIFIED)
    if used.api in _OPENAI_STYLE:
        where = said("OpenAI SDK in {label}: two retries inside one call", label=used.release.label)
        return Known(3, where, Basis.SPECIFIED), Known(2, where, Basis.SPECIFIED)
    return None, None


def _february(used: UsedModel) -> Iterator[Timeout]:
    label = used.release.label
    if used.release.fetch_wall:
        headers = said("Node fetch (undici) headersTimeout in {label}", label=label)
        body = said("Node fetch (undici) bodyTimeout in {label}", label=label)
        yield _fixed("node-fetch-headers", _FETCH_WALL, headers, "headers", _NO_KEY)
        yield _fixed("node-fetch-body", _FETCH_WALL, body, "idle", _NO_KEY)
    else:
        where = said("Node fetch in {label}, raised to 30 minutes in April 2026", label=label)
        yield _fixed("node-fetch-headers", _SEPTEMBER_FETCH, where, "headers", said("upgrade OpenClaw"), Basis.ASSUMED)
        yield _fixed("node-fetch-body", _SEPTEMBER_FETCH, where, "idle", said("upgrade OpenClaw"), Basis.ASSUMED)
    if used.api in _OPENAI_STYLE:
        where = said("OpenAI SDK request timeout in {label}", label=label)
        yield _fixed("openai-sdk-request", _SDK_REQUEST, where, "request", said("no key of this version moves it"))
    yield from _run(used, _FEBRUARY_RUN, said("the default of 10 minutes ends a slow turn with all its attempts"))
    where = said("default in {label} for one whole compaction", label=label)
    remedy = said("no key of this version moves it: compact earlier, by hand, at a smaller size")
    yield _fixed("compaction", _FEBRUARY_COMPACTION, where, "compaction", remedy)


def _september(used: UsedModel) -> Iterator[Timeout]:
    provider = _seconds(used, *used.provider_path, "timeoutSeconds")
    place = used.config.place(*used.provider_path, "timeoutSeconds")
    if provider is not None:
        remedy = said("remove the key: on this machine or network it can only create a wall")
        remedy = remedy if used.host is HostClass.LOCAL else _RAISE_PROVIDER
        known = Known(provider, str(place), Basis.SPECIFIED)
        yield Timeout("provider-headers", known, SetBy.AGENT_CONFIG, "headers", place, remedy)
        yield Timeout("provider-idle", known, SetBy.AGENT_CONFIG, "idle", place, remedy)
    else:
        yield from _fetch(used, place)
        yield from _watchdogs(used, place)
    yield from _run(used, _SEPTEMBER_RUN, "")
    yield from _command(used)
    yield from _compaction(used)
    yield from _local_service(used)


def _fetch(used: UsedModel, place: ConfigPlace) -> Iterator[Timeout]:
    """Node's own timers: 30 minutes or the run's budget, whichever is longer; none where the run is unlimited."""
    run = used.config.number(*_RUN)
    budget = _SEPTEMBER_RUN if run is None else run
    if budget == 0:
        return
    where = said("default in {label}: 30 minutes or the run's budget, whichever is longer", label=used.release.label)
    known = Known(Seconds(float(max(_SEPTEMBER_FETCH, budget))), where, Basis.SPECIFIED)
    yield Timeout("node-fetch-headers", known, SetBy.AGENT_DEFAULT, "headers", place, _RAISE_PROVIDER)
    yield Timeout("node-fetch-body", known, SetBy.AGENT_DEFAULT, "idle", place, _RAISE_PROVIDER)


def _watchdogs(used: UsedModel, place: ConfigPlace) -> Iterator[Timeout]:
    """Silence between chunks, and (OpenAI-style apis) silence between the headers and the first event."""
    if used.base_url is None and used.has_url:
        return
    label, cloud = used.release.label, used.host is HostClass.CLOUD
    ceiling = _CLOUD_SILENCE if cloud else _SELF_HOSTED_SILENCE
    if used.host is not HostClass.LOCAL:
        run = _seconds(used, *_RUN)
        silence = Seconds(float(min(ceiling, run) if run else ceiling))
        where = said("default in {label} for a host that it takes for {host}", label=label, host=used.host.value)
        known = Known(silence, where, Basis.SPECIFIED)
        yield Timeout("idle-watchdog", known, SetBy.AGENT_DEFAULT, "idle", place, _RAISE_PROVIDER)
    if used.api in _OPENAI_STYLE:
        where = said("default in {label}: from the response headers to the first event", label=label)
        known = Known(Seconds(float(ceiling)), where, Basis.SPECIFIED)
        remedy = said(
            "{raise_provider}; it matters only where the server sends headers before its first token",
            raise_provider=_RAISE_PROVIDER,
        )
        yield Timeout("first-event", known, SetBy.AGENT_DEFAULT, "first-event", place, remedy)


def _run(used: UsedModel, default: int, remark: str) -> Iterator[Timeout]:
    value, place = used.config.number(*_RUN), used.config.place(*_RUN)
    if value == 0 and not used.release.february:
        return
    remedy = said("raise agents.defaults.timeoutSeconds above all attempts of the longest prefill")
    if remark and value is None:
        remedy = said("{remedy}; {remark}", remedy=remedy, remark=remark)
    if value is not None and value > 0:
        known = Known(Seconds(float(value)), str(place), Basis.SPECIFIED)
        yield Timeout("agent-run", known, SetBy.AGENT_CONFIG, "run", place, remedy)
        return
    known = Known(Seconds(float(default)), said("default in {label}", label=used.release.label), Basis.SPECIFIED)
    yield Timeout("agent-run", known, SetBy.AGENT_DEFAULT, "run", place, remedy)


def _command(used: UsedModel) -> Iterator[Timeout]:
    """What ``openclaw agent`` waits for a turn through the gateway, where no key sets the run's time.

    Source: docs/cli/agent.md of 2026.9.6 ("belongs to this CLI command, not ordinary Gateway turns").
    """
    if used.config.number(*_RUN) is not None:
        return
    where = said("default of `openclaw agent` in {label}", label=used.release.label)
    known = Known(Seconds(float(_SEPTEMBER_COMMAND)), where, Basis.SPECIFIED)
    remedy = said(
        "only turns that the command `openclaw agent` starts through the gateway end here: give it --timeout SECONDS "
        "(0: none)"
    )
    yield Timeout("agent-command", known, SetBy.AGENT_DEFAULT, "command", used.config.place(*_RUN), remedy)


def _compaction(used: UsedModel) -> Iterator[Timeout]:
    path = ("agents", "defaults", "compaction", "timeoutSeconds")
    value, place = _seconds(used, *path), used.config.place(*path)
    known = Known(
        Seconds(float(_SEPTEMBER_COMPACTION)), said("default in {label}", label=used.release.label), Basis.SPECIFIED
    )
    known = known if value is None else Known(value, str(place), Basis.SPECIFIED)
    set_by = SetBy.AGENT_DEFAULT if value is None else SetBy.AGENT_CONFIG
    remedy = said("set agents.defaults.compaction.timeoutSeconds above the time to read the whole conversation")
    yield Timeout("compaction", known, set_by, "compaction", place, remedy)


def _local_service(used: UsedModel) -> Iterator[Timeout]:
    path = (*used.provider_path, "localService")
    if not used.config.has(*path):
        return
    value, place = used.config.number(*path, "readyTimeoutMs"), used.config.place(*path, "readyTimeoutMs")
    milliseconds = _LOCAL_SERVICE_MS if value is None or value <= 0 else value
    where = said("default in {label}", label=used.release.label) if milliseconds is not value else str(place)
    set_by = SetBy.AGENT_DEFAULT if milliseconds is not value else SetBy.AGENT_CONFIG
    known = Known(Seconds(milliseconds / 1000), where, Basis.SPECIFIED)
    yield Timeout("local-service-ready", known, set_by, "load", place, said("raise readyTimeoutMs above the load time"))


def _fixed(name: str, seconds: int, where: str, bounds: str, remedy: str, basis: Basis = Basis.SPECIFIED) -> Timeout:
    known = Known(Seconds(float(seconds)), where, basis)
    return Timeout(name, known, SetBy.CLIENT_LIBRARY, bounds, None, remedy)


def _seconds(used: UsedModel, *path: str | int) -> Seconds | None:
    value = used.config.number(*path)
    return Seconds(float(value)) if value is not None and value > 0 else None
