"""The proof of a fix: the same rules again, the agent's own validator, and one live probe of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from truelimit.app.fix_ports import DefinitionServer, FixError, FixPorts, NotAskedError, OnStep, nothing
from truelimit.app.fix_receipt import Receipt, ReceiptState
from truelimit.domain.diagnosis import Diagnosis
from truelimit.domain.findings import Severity
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
        return f"{self.name}: {self.outcome}: {self.text}"


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
        on_step(f"proof {check}")
    return Proof(tuple(checks), _noted(receipt, tuple(checks), ports))


def _checks(plan: FixPlan, ports: FixPorts, bound: float) -> Iterator[Check]:
    yield _guarded("agent's own validator", lambda: _validated(ports))
    yield _guarded("the same rules again", lambda: _diagnosed(plan, ports))
    for probe in plan.probes:
        name = f"context of {probe.model}"
        check = _guarded(name, lambda probe=probe: _served(probe, ports.servers(probe.server)))  # type: ignore[misc]
        yield check
        if probe.long_prompt is not None and check.outcome is not Outcome.FAILED:
            name = f"prompt beyond the old limit of {probe.model}"
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
    still = [f"{code} on {model}" for code, model in plan.resolves if (code, model) in present]
    fresh = _new_failures(plan, after)
    if still or fresh:
        parts = [*(f"{text} is still there" for text in still), *(f"{text} is new" for text in fresh)]
        return Outcome.FAILED, "; ".join(parts)
    lost = [item.fact for item in after.missing if item.fact not in plan.missing_before]
    if lost:
        return Outcome.NOT_PROVEN, f"the findings are gone, but so are facts: {', '.join(dict.fromkeys(lost))}"
    gone = ", ".join(dict.fromkeys(code for code, _ in plan.resolves))
    return Outcome.PASSED, f"{gone} gone, nothing new fails"


def _new_failures(plan: FixPlan, after: Diagnosis) -> list[str]:
    """Return what fails now and did not before; a failure that only follows its model to the new name is no new one."""
    failing = {(item.code, item.model) for item in after.findings if item.severity is Severity.FAILS}
    known = {code for code, _ in plan.failing_before} - {code for code, _ in plan.resolves}
    names = {change.name for change in plan.definitions}
    return [
        f"{code} on {model}"
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
        return Outcome.FAILED, f"loaded without an error, but the server does not list {probe.model} in memory"
    name, context = found
    if context != probe.context:
        return Outcome.FAILED, f"the server reports {context:,} tokens, not {probe.context:,}"
    if probe.native is not None and probe.native < context:
        return Outcome.FAILED, (
            f"the server reports the {context:,} tokens that it was asked for, but the model was trained for "
            f"{probe.native:,}: it serves no more than that"
        )
    alias = "" if name == probe.model else f" (listed as {name}, which shares its model file)"
    trained = f", of {probe.native:,} that the model was trained for" if probe.native is not None else ""
    return Outcome.PASSED, f"the server reports {context:,} tokens{trained}{alias}"


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
            return Outcome.PASSED, f"the server read {tokens:,} tokens in one prompt; the old limit was {old:,}"
        return Outcome.NOT_PROVEN, f"the server counted {tokens:,} tokens, not more than the old limit of {old:,}"
    why = "its time is unknown" if probe.seconds is None else f"it would take about {probe.seconds:,.0f} s"
    refusal = server.refusal(probe.model, probe.context + probe.context // 8 + 512, probe.request_context)
    if refusal is None or refusal.context is None:
        return (
            Outcome.NOT_PROVEN,
            f"a prompt of {wanted:,} tokens was not sent: {why}, and this server cannot count only",
        )
    if refusal.context < probe.context:
        return (
            Outcome.FAILED,
            f"the server refuses prompts above {refusal.context:,} tokens, not above {probe.context:,}",
        )
    return Outcome.PASSED, (
        f"counted without reading ({why}): the server refuses only above {refusal.context:,} tokens; "
        f"the old limit was {old:,}"
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
        return replace(receipt, proof=(*receipt.proof, "the receipt could not be written"))
    return receipt
