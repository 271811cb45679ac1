"""The command line: picks a verb, imports only that one."""

from __future__ import annotations

import sys

from truelimit import __version__

TYPE_CHECKING = (
    False  # not from typing, nor collections.abc: importing either costs more than all the rest of --version
)
if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "doctor": "find the limits that bind, explain every incident, say what would mend it",
    "fix": "show the plan of changes; --apply carries it out and proves it",
    "undo": "restore what a fix changed, to the byte",
    "plan": "what a model needs at a context: memory, and time where rates are known",
    "model": "what a model is: parameters, tensors, attention, cache, native context",
    "machines": "machines and accelerators: list, show with sources, compare; this machine measured",
    "bench": "measure prefill and decode of your own endpoint at several depths",
    "audit": "judge claims about speed, memory and price by arithmetic, published runs and dated tables",
    "advise": "which machine is worth its price for your work; or to keep what you have",
    "workload": "what your recorded work is: sizes, prefixes, classes, endings; reads only what is new",
    "verdict": "do you need hardware? your own work replayed on every option, in order of cost",
    "fleet": "what the work of many people is, and what it comes to on other stacks; DuckDB or Spark counts",
    "report": "the diagnosis as one HTML file with plots, in English or Hindi; or the plots alone as SVG and PNG",
    "cloud": "what providers' models offer: windows, prices, free tiers, and when they end",
    "explain": "the page of a rule",
    "collect": "write a bundle of evidence without secrets and prompt text, for another machine",
    "demo": "diagnose the bundled incident of 18 February 2026",
}

_WRITING = {"fix", "undo"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 nothing to say, 1 findings, 2 could not run."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["--version"], ["-V"]):
        print(f"truelimit {__version__}")
        return 0
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help())
        return 0 if arguments else 2
    verb = arguments[0]
    if verb not in VERBS:
        print(f"truelimit: there is no verb {verb!r}; there are: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    return _guarded(verb, arguments[1:]) if argv is not None else _alone(verb, arguments[1:])


def _alone(verb: str, arguments: list[str]) -> int:
    """Run a verb in a process of its own.

    What is read stays until the end, and next to none of it is garbage: looking for some after every 700 objects, and
    once more at the end, would be a fifth of a run.
    """
    import gc

    gc.set_threshold(100_000, 20, 20)
    try:
        return _guarded(verb, arguments)
    finally:
        gc.freeze()


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {text}" for verb, text in VERBS.items())
    return (
        "usage: truelimit VERB [options]\n\n"
        "Finds the true limit of a local language-model stack (context, time, memory), removes the false ones with a\n"
        "fix that it proves and can undo. Nothing leaves this machine.\n\n"
        f"{verbs}\n\n  truelimit VERB --help for the options of a verb; truelimit --version"
    )


def _guarded(verb: str, arguments: list[str]) -> int:
    """Run a verb; no traceback reaches the user unless TRUELIMIT_DEBUG is set."""
    from importlib import import_module

    try:
        return int(import_module(f"truelimit.cli.{verb}").run(arguments))
    except KeyboardInterrupt:
        left = "what was begun can be taken back: truelimit undo" if verb in _WRITING else "nothing was changed"
        print(f"\ntruelimit: interrupted; {left}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except Exception as error:
        if _debugging():
            raise
        print(f"truelimit: {type(error).__name__}: {error}", file=sys.stderr)
        print("This is a fault of truelimit. TRUELIMIT_DEBUG=1 shows where; please report it.", file=sys.stderr)
        return 2


def _debugging() -> bool:
    import os

    return bool(os.environ.get("TRUELIMIT_DEBUG"))


def _broken_pipe() -> int:
    """The reader of our output went away: no error, and no second one when Python flushes at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
