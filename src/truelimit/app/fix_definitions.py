"""Model definitions on a server: made from an existing base, with a copy of what they replace, and taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from truelimit.app.fix_ports import DefinitionServer, FixError, ServerError
from truelimit.app.fix_receipt import DefinitionStep, Step, StepState
from truelimit.domain.message import said


class Log(Protocol):
    """Where states are written down before acting."""

    def advance(self, index: int, step: Step) -> None:
        """Write a step's new state down durably."""
        ...

    def acted(self, index: int, step: Step) -> None:
        """Tell that the effect is there."""
        ...


def create_definition(log: Log, index: int, step: DefinitionStep, server: DefinitionServer) -> None:
    """Create the definition and check what the server made of it. Raises ServerError.

    A base that does not exist is refused here: the server would start a download instead.
    """
    if server.digest(step.base) is None:
        raise ServerError(
            said("{server}: {base} does not exist there; nothing is made from it", server=step.server, base=step.base)
        )
    if server.digest(step.name) != step.old_digest:
        raise ServerError(
            said("{server}: {step} changed since the plan was made; examine again", server=step.server, step=step.name)
        )
    if step.backup is not None:
        _keep_copy(log, index, step, step.backup, server)
    step = replace(step, state=StepState.STARTED)
    log.advance(index, step)
    server.create(step.name, step.base, step.parameters)
    log.acted(index, step)
    _check_created(step, server)
    log.advance(index, replace(step, state=StepState.DONE, new_digest=server.digest(step.name)))


def revert_definition(step: DefinitionStep, server: DefinitionServer, *, force: bool = False) -> None:
    """Take the definition back: delete it, or put the copy of what it replaced in its place; safe to repeat.

    Raises ServerError when the server fails, FixError when somebody else changed the definition and not ``force``.
    """
    current = server.digest(step.name)
    if step.new_digest is not None and current not in {None, step.new_digest, step.old_digest} and not force:
        raise FixError(changed_definition_text(step))
    if step.backup is None:
        if current is not None:
            server.delete(step.name)
        return
    if current != step.old_digest:
        _put_back(step, step.backup, server)
    if server.digest(step.backup) is not None:
        server.delete(step.backup)


def changed_definition_text(step: DefinitionStep) -> str:
    """Return what to say of a definition that somebody changed since."""
    return said(
        "{step} on {server} was changed by somebody else since this fix; undo would lose that change. "
        "Copy it under another name first, or run undo with --force",
        step=step.name,
        server=step.server,
    )


def _keep_copy(log: Log, index: int, step: DefinitionStep, backup: str, server: DefinitionServer) -> None:
    step = replace(step, state=StepState.COPYING)
    log.advance(index, step)
    server.copy(step.name, backup)
    log.acted(index, step)
    if server.digest(backup) != step.old_digest:
        raise ServerError(
            said(
                "{server}: the copy of {step} under {backup} is not the same; nothing was changed",
                server=step.server,
                step=step.name,
                backup=backup,
            )
        )


def _check_created(step: DefinitionStep, server: DefinitionServer) -> None:
    """Believe nothing: read the definition back, values and types."""
    if server.digest(step.name) is None:
        raise ServerError(
            said("{server}: said that {step} was made, but it is not there", server=step.server, step=step.name)
        )
    held = server.parameters(step.name)
    for key, value in step.parameters.items():
        given = held.get(key)
        if given != value or isinstance(given, bool) or not isinstance(given, int):
            raise ServerError(
                said(
                    "{server}: {step} holds {key} = {given!r} instead of {value}",
                    server=step.server,
                    step=step.name,
                    key=key,
                    given=given,
                    value=value,
                )
            )


def _put_back(step: DefinitionStep, backup: str, server: DefinitionServer) -> None:
    if server.digest(backup) is None:
        if step.state is StepState.COPYING:
            return
        raise FixError(
            said(
                "{server}: {backup}, the copy of {step}, is gone; the definition cannot be put back",
                server=step.server,
                backup=backup,
                step=step.name,
            )
        )
    server.copy(backup, step.name)
    if server.digest(step.name) != step.old_digest:
        raise ServerError(
            said(
                "{server}: {step} was put back, but is not what it was; its copy stays as {backup}",
                server=step.server,
                step=step.name,
                backup=backup,
            )
        )
