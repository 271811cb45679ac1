"""What each stack will be once the window is raised: the numbers for a plan's outlook. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.findings import ConfigEdit, DefinitionEdit, Edit, Finding
from truelimit.domain.message import said
from truelimit.domain.provenance import Known
from truelimit.domain.server import ServerKind
from truelimit.fixes.outlook import Prospect
from truelimit.limits.need import memory_need
from truelimit.limits.pools import budget
from truelimit.limits.served import native_context
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.limits.view import StackView


def prospects(views: tuple[StackView, ...], findings: tuple[Finding, ...]) -> tuple[Prospect, ...]:
    """Return a prospect for each stack that a finding would give another context."""
    found = []
    for view in views:
        edits = [edit for item in findings if item.model == view.stack.model and item.fix for edit in item.fix.edits]
        context = _context(edits)
        if context is not None:
            found.append(_prospect(view, context))
    return tuple(found)


def _context(edits: list[Edit]) -> int | None:
    for edit in edits:
        if isinstance(edit, DefinitionEdit):
            return edit.parameters.get("num_ctx")
    windows = [e.value for e in edits if isinstance(e, ConfigEdit) and e.path[-1] in {"contextWindow", "contextTokens"}]
    return max((value for value in windows if isinstance(value, int)), default=None)


def _prospect(view: StackView, context: int) -> Prospect:
    need, pool = memory_need(view.stack, context), budget(view.stack)
    total = held = None
    if need is not None and pool is not None:
        value, held, _ = pool.tightest(need)
        total = Known(value, said("the memory estimate"), pool.headroom(need).basis)
    server, route, native = view.server, view.route, native_context(view.stack)
    sends = route is not None and route.request_context is not None
    binding = view.context.binding
    return Prospect(
        view.stack.model,
        Tokens(context),
        Tokens(context),
        prompt=_longest_prompt(view, context),
        old_limit=Tokens(int(binding.value)) if binding else None,
        prefill=view.prefill,
        timeouts=route.timeouts if route else (),
        memory_total=total,
        memory_pool=held,
        server=server.url if server and server.kind is ServerKind.OLLAMA else None,
        served_name=view.definition.name if view.definition else None,
        request_context=Tokens(context) if sends else None,
        aliases=view.definition.same_blob if view.definition else (),
        native=native.value if native else None,
    )


def _longest_prompt(view: StackView, context: int) -> Known[Tokens] | None:
    """The longest prompt that occurred and that the new context holds."""
    fitting = [size for size in view.prompts if size.value <= context]
    return max(fitting, key=lambda item: item.value, default=None)
