"""What OpenClaw keeps free of its window: for the answer, and before it compacts a conversation."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.adapters.agents.openclaw.used_models import UsedModel, positive
from truelimit.adapters.agents.openclaw.windows import Window
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

FEBRUARY_MAX_TOKENS = 8_192
RESERVE = 20_000
LIBRARY_RESERVE = 16_384
_COMPACTION = ("agents", "defaults", "compaction")


@dataclass(frozen=True, slots=True)
class Reserves:
    """Tokens kept for the answer and before compaction, what is left for a prompt, and whether compaction works."""

    output: Known[Tokens] | None
    compaction: Known[Tokens] | None
    prompt_budget: Known[Tokens] | None
    works: Known[bool] | None


def reserves_of(used: UsedModel, window: Window) -> Reserves:
    """Return the reserves of this version for a model and its window."""
    works = _works(used)
    if used.config.get(*_COMPACTION, "enabled") is False and not used.release.february:
        return Reserves(_output(used, window), None, None, works)
    reserve = _february(used) if used.release.february else _september(used, window)
    left = max(0, window.context.value - reserve.value)
    where = said(
        "{where}, less {reserve} tokens ({where2})",
        where=window.context.where,
        reserve=reserve.value,
        where2=reserve.where,
    )
    return Reserves(_output(used, window), reserve, Known(Tokens(left), where, Basis.DERIVED), works)


def _output(used: UsedModel, window: Window) -> Known[Tokens] | None:
    """Take maxTokens of entry, provider or catalogue; February fills in 8,192 and never exceeds the window."""
    value, where, basis = used.number("maxTokens"), str(used.place("maxTokens")), Basis.SPECIFIED
    provider = (*used.provider_path, "maxTokens")
    if value is None and not used.release.february and positive(used.config, *provider) is not None:
        value, where = positive(used.config, *provider), str(used.config.place(*provider))
    if value is None and used.generated is not None and used.generated.max_tokens is not None and not used.listed:
        value, where, basis = used.generated.max_tokens, f"{used.generated.where}.maxTokens", Basis.REPORTED
    if value is None and used.release.february:
        value, where = FEBRUARY_MAX_TOKENS, said("default in {label}", label=used.release.label)
    if value is None:
        return None
    if used.release.february and value > window.of_model.value:
        return Known(
            window.of_model.value,
            said("{where}, cut to the window by {label}", where=where, label=used.release.label),
            Basis.DERIVED,
        )
    return Known(Tokens(value), where, basis)


def _february(used: UsedModel) -> Known[Tokens]:
    """The library's 16,384 raised to compaction.reserveTokensFloor (20,000 unless set); a lower floor does nothing."""
    path = (*_COMPACTION, "reserveTokensFloor")
    floor = used.config.number(*path)
    if floor is None:
        return Known(Tokens(RESERVE), said("default in {label}", label=used.release.label), Basis.SPECIFIED)
    if floor <= LIBRARY_RESERVE:
        where = said("default of its agent library; {path} is below it", path=used.config.place(*path))
        return Known(Tokens(LIBRARY_RESERVE), where, Basis.SPECIFIED)
    return Known(Tokens(int(floor)), str(used.config.place(*path)), Basis.SPECIFIED)


def _september(used: UsedModel, window: Window) -> Known[Tokens]:
    """20,000 tokens, at most a quarter of the window (131,072 leaves 111,072; 65,536 leaves 49,152)."""
    quarter = window.context.value // 4
    rule = said("20,000 tokens, at most a quarter of the window")
    return Known(
        Tokens(min(RESERVE, quarter)),
        said("default in {label}: {rule}", label=used.release.label, rule=rule),
        Basis.SPECIFIED,
    )


def _works(used: UsedModel) -> Known[bool] | None:
    path = (*_COMPACTION, "enabled")
    if not used.release.february and used.config.get(*path) is False:
        return Known(False, str(used.config.place(*path)), Basis.SPECIFIED)
    if used.api != "ollama":
        return Known(True, used.release.label, Basis.SPECIFIED)
    native = used.release.native_compaction
    if native is None:
        return None
    text = (
        used.release.label
        if native
        else said('{label}: "No API provider registered for api: ollama"', label=used.release.label)
    )
    return Known(native, text, Basis.SPECIFIED)
