"""The proof of a fix: the same rules again, the agent's own validator, and one live probe of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.app.fix_ports import DefinitionServer, FixError, FixPorts, NotAskedError, OnStep, nothing
from truelimit.app.fix_receipt import Receipt, ReceiptState
from truelimit.domain.findings import Severity
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import joined, said

if TYPE_CHECKING:
    from truelimit.domain.diagnosis import Diagnosis
    from truelimit.fixes.change import FixPlan, Probe

LOAD_SECONDS = 300.0
"""A load may take this long: Ollama itself gives up a stalled load after 5 minutes."""


class Outcome(StrEnum):
    """What a check of the proof says. NOT_PROVEN is no failure: it could not be had, and the text says why."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PROVEN = "not-proven"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the proof, with what was seen."""

    name: str
    outcome: Outcome
    text: str

    def __str__(self) -> str:
        """Return one line."""
        return said("{name}: {outcome}: {text}", name=self.name, outcome=self.outcome, text=self.text)


@dataclass(frozen=True, slots=True)
class Proof:
    """All checks, and the receipt with their outcome in it."""

    checks: tuple[Check, ...]
    receipt: Receipt

    @property
    def holds(self) -> bool:
        """Whether no check failed."""
        return all(check.outcome is not Outcome.FAILED for check in self.checks)

    @property
    def complete(self) -> bool:
        """Whether every check passed."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)


def prove(
    plan: FixPlan, receipt: Receipt, ports: FixPorts, *, bound_seconds: float = 120.0, on_step: OnStep = nothing
) -> Proof:
    """Return the proof of an applied plan; it never raises for what the world does.

    ``bound_seconds`` is the longest that the long prompt may take by the known rate; a longer one is only counted.
    """
    checks: list[Check] = []
    for check in _checks(plan, ports, bound_seconds):
        checks.append(check)
        on_step(said("proof {check}", check=check))
    return Proof(tuple(checks), _noted(receipt, tuple(checks), ports))


def _checks(plan: FixPlan, ports: FixPorts, bound: float) -> Iterator[Check]:
    yield _guarded(said("agent's own validator"), lambda: _validated(ports))
    yield _guarded(said("the same rules again"), lambda: _diagnosed(plan, ports))
    for probe in plan.probes:
        name = said("context of {model}", model=probe.model)
        check = _guarded(name, lambda probe=probe: _served(probe, ports.servers(probe.server)))  # type: ignore[misc]
        yield check
        if probe.long_prompt is not None and check.outcome is not Outcome.FAILED:
            name = said("prompt beyond the old limit of {model}", model=probe.model)
            yield _guarded(name, lambda probe=probe: _read(probe, ports.servers(probe.server), bound))  # type: ignore[misc]


def _guarded(name: str, look: Callable[[], tuple[Outcome, str]]) -> Check:
    try:
        outcome, text = look()
    except NotAskedError as error:
        return Check(name, Outcome.NOT_PROVEN, str(error))
    except (FixError, OSError) as error:
        return Check(name, Outcome.FAILED, str(error))
    return Check(name, outcome, text)


def _validated(ports: FixPorts) -> tuple[Outcome, str]:
    result = ports.validate_config()
    if not result.ran or result.ok is None:
        return Outcome.NOT_PROVEN, result.text
    return (Outcome.PASSED if result.ok else Outcome.FAILED), result.text


def _diagnosed(plan: FixPlan, ports: FixPorts) -> tuple[Outcome, str]:
    """The fixed findings are gone, nothing new fails, and they are not gone merely because a fact is missing now."""
    after = ports.diagnose_again()
    present = {(item.code, item.model) for item in after.findings}
    still = [
        said("{code} on {model}", code=code, model=model) for code, model in plan.resolves if (code, model) in present
    ]
    fresh = _new_failures(plan, after)
    if still or fresh:
        parts = [
            *(said("{text} is still there", text=text) for text in still),
            *(said("{text} is new", text=text) for text in fresh),
        ]
        return Outcome.FAILED, joined("; ", parts)
    lost = [item.fact for item in after.missing if item.fact not in plan.missing_before]
    if lost:
        return Outcome.NOT_PROVEN, said(
            "the findings are gone, but so are facts: {lost}", lost=joined(", ", dict.fromkeys(lost))
        )
    gone = ", ".join(dict.fromkeys(code for code, _ in plan.resolves))
    return Outcome.PASSED, said("{gone} gone, nothing new fails", gone=gone)


def _new_failures(plan: FixPlan, after: Diagnosis) -> list[str]:
    """Return what fails now and did not before; a failure that only follows its model to the new name is no new one."""
    failing = {(item.code, item.model) for item in after.findings if item.severity is Severity.FAILS}
    known = {code for code, _ in plan.failing_before} - {code for code, _ in plan.resolves}
    names = {change.name for change in plan.definitions}
    return [
        said("{code} on {model}", code=code, model=model)
        for code, model in sorted(failing - set(plan.failing_before))
        if not (code in known and any(model == name or model.endswith(f"/{name}") for name in names))
    ]


def _served(probe: Probe, server: DefinitionServer) -> tuple[Outcome, str]:
    """Load with an empty prompt, then ask the server what it has in memory: its word, not ours.

    A server keeps one copy of a model file, and lists it under the name that loaded it: if that is another name
    (it may even be deleted since), the file is unloaded once and loaded under ours.
    """
    server.load(probe.model, probe.request_context, LOAD_SECONDS)
    found = _listed(probe, server)
    if found is None:
        server.unload(probe.model)
        server.load(probe.model, probe.request_context, LOAD_SECONDS)
        found = _listed(probe, server)
    if found is None:
        return Outcome.FAILED, said(
            "loaded without an error, but the server does not list {model} in memory", model=probe.model
        )
    name, context = found
    if context != probe.context:
        return Outcome.FAILED, said(
            "the server reports {context:,} tokens, not {context2:,}", context=context, context2=probe.context
        )
    if probe.native is not None and probe.native < context:
        return Outcome.FAILED, said(
            "the server reports the {context:,} tokens that it was asked for, but the model was trained for "
            "{native:,}: it serves no more than that",
            context=context,
            native=probe.native,
        )
    alias = "" if name == probe.model else said(" (listed as {name}, which shares its model file)", name=name)
    trained = (
        said(", of {native:,} that the model was trained for", native=probe.native) if probe.native is not None else ""
    )
    return Outcome.PASSED, said(
        "the server reports {context:,} tokens{trained}{alias}", context=context, trained=trained, alias=alias
    )


def _listed(probe: Probe, server: DefinitionServer) -> tuple[str, int] | None:
    """Return name and context under which the model is in memory: its own, else an alias with the right context."""
    loaded = server.loaded()
    if probe.model in loaded:
        return probe.model, loaded[probe.model]
    return next(((name, loaded[name]) for name in probe.aliases if loaded.get(name) == probe.context), None)


def _read(probe: Probe, server: DefinitionServer, bound: float) -> tuple[Outcome, str]:
    """Read a real prompt longer than the old limit where its time is known and short; else have the server count."""
    old, wanted = probe.old_limit or 0, probe.long_prompt or 0
    if probe.seconds is not None and probe.seconds <= bound:
        tokens = server.read_prompt(probe.model, wanted, probe.request_context, bound * 2 + 30)
        if tokens > old:
            return Outcome.PASSED, said(
                "the server read {tokens:,} tokens in one prompt; the old limit was {old:,}", tokens=tokens, old=old
            )
        return Outcome.NOT_PROVEN, said(
            "the server counted {tokens:,} tokens, not more than the old limit of {old:,}", tokens=tokens, old=old
        )
    why = (
        said("its time is unknown")
        if probe.seconds is None
        else said("it would take about {seconds:,.0f} s", seconds=probe.seconds)
    )
    refusal = server.refusal(probe.model, probe.context + probe.context // 8 + 512, probe.request_context)
    if refusal is None or refusal.context is None:
        return (
            Outcome.NOT_PROVEN,
            said(
                "a prompt of {wanted:,} tokens was not sent: {why}, and this server cannot count only",
                wanted=wanted,
                why=why,
            ),
        )
    if refusal.context < probe.context:
        return (
            Outcome.FAILED,
            said(
                "the server refuses prompts above {context:,} tokens, not above {context2:,}",
                context=refusal.context,
                context2=probe.context,
            ),
        )
    return Outcome.PASSED, said(
        "counted without reading ({why}): the server refuses only above {context:,} tokens; the old limit was {old:,}",
        why=why,
        context=refusal.context,
        old=old,
    )


def _noted(receipt: Receipt, checks: tuple[Check, ...], ports: FixPorts) -> Receipt:
    """Write the outcome into the receipt; a receipt that cannot be written is no reason to lose the proof."""
    proven = all(check.outcome is not Outcome.FAILED for check in checks)
    state = ReceiptState.PROVEN if proven else receipt.state
    receipt = replace(receipt, state=state, proof=tuple(str(check) for check in checks))
    try:
        with ports.receipts.locked():
            ports.receipts.save(receipt)
    except (FixError, OSError):
        return replace(receipt, proof=(*receipt.proof, said("the receipt could not be written")))
    return receipt
