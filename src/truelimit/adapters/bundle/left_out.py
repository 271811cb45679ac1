"""The page in each bundle that says what is not in it."""

from __future__ import annotations

from collections.abc import Mapping

from truelimit.adapters.bundle.redact import Redactor

NAME = "WHAT-IS-LEFT-OUT.md"
_REPLACED = (
    "session names",
    "session keys",
    "agent names",
    "profile names",
    "host names",
    "names",
    "files",
    "runs",
    "traces",
    "devices",
    "texts of failures",
)

_PAGE = """# What is left out of this bundle

`truelimit collect` wrote it, for `truelimit doctor --home` on another machine. It was built from the facts that the
program's readers use; nothing was copied and then cleaned.

Not in it: what people and models wrote (prompts, answers, results of tools, summaries), system prompts and chat
templates, API keys and all other secrets, environment variables beside Ollama's limits, weights and vocabularies,
names of people, machines and folders, and everything that no reader of this version uses.

Kept as they are: names of models and of providers, numbers, times, known phrases of errors, names of chips.

## Counts

{left_out}
## Replaced by numbers, the same one everywhere

{replaced}"""


def page(redact: Redactor) -> str:
    """Return the page, in Markdown."""
    counts = _rows(dict(sorted(redact.left_out.items())))
    replaced = {name: redact.replaced(name) for name in _REPLACED if redact.replaced(name)}
    return _PAGE.format(left_out=counts, replaced=_rows(replaced))


def _rows(counts: Mapping[str, int]) -> str:
    return "".join(f"- {name}: {count:,}\n" for name, count in counts.items()) or "- nothing\n"
