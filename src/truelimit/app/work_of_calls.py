"""Requests of the work from what the doctor has read: the agent's calls, and what incidents tell of failed ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from truelimit.domain.provenance import Basis
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Tokens
from truelimit.workload.endings import of_call, of_cause

if TYPE_CHECKING:
    from truelimit.domain.session import Call, Incident
    from truelimit.limits.view import StackView

_SAME = 2.0  # s: clocks of a transcript and of the incident made from it


def requests_of(views: Iterable[StackView]) -> list[WorkRequest]:
    """Return the calls of all stacks as requests. A size that is only assumed counts as not recorded."""
    return [_request(call, view) for view in views for call in view.calls]


def _request(call: Call, view: StackView) -> WorkRequest:
    known = call.prompt_tokens
    prompt = known.value if known is not None and known.basis is not Basis.ASSUMED else None
    return WorkRequest(
        _hash(call.where),
        call.agent,
        call.agent,
        _hash(call.session),
        view.route.ref if view.route else call.model,
        call.started or call.ended,
        prompt,
        call.cached_tokens,
        None,
        call.output_tokens,
        call.first_token,
        call.seconds,
        of_call(call),
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def with_incidents(requests: Sequence[WorkRequest], views: Iterable[StackView]) -> list[WorkRequest]:
    """Return the requests with what the doctor found out about failed and cut ones: their real size, their ending.

    A transcript does not hold the size of a prompt that was never answered; the server's log may.
    """
    found = [item for view in views for item in view.incidents if item.time is not None]
    by_second: dict[int, list[Incident]] = {}
    for incident in found:
        at = int(_stamp(incident.time))
        for second in range(at - int(_SAME), at + int(_SAME) + 1):
            by_second.setdefault(second, []).append(incident)
    return [_told(item, by_second) for item in requests] if found else list(requests)


def _told(item: WorkRequest, by_second: dict[int, list[Incident]]) -> WorkRequest:
    if item.time is None:
        return item
    at = _stamp(item.time)
    near = [one for one in by_second.get(int(at), ()) if abs(_stamp(one.time) - at) <= _SAME]
    if not near:
        return item
    incident = min(near, key=lambda one: abs(_stamp(one.time) - at))
    size = incident.prompt_tokens
    told = size.value if size is not None and size.basis is not Basis.ASSUMED else None
    ending = of_cause(incident.cause)
    return replace(
        item,
        prompt_tokens=Tokens(max(told or 0, item.prompt_tokens or 0)) or None,
        ending=item.ending if ending is Ending.UNKNOWN else ending,
    )


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
