"""The command line: picks a verb, imports only that one."""

from __future__ import annotations

import sys

from truelimit import __version__
from truelimit.cli.speech import choose, english, tell
from truelimit.domain.message import said

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

HELP = """\
usage: truelimit VERB [options]

Finds the true limit of a local language-model stack (context, time, memory), removes the false ones with a
fix that it proves and can undo. Nothing leaves this machine.

{verbs}

  truelimit VERB --help for the options of a verb; truelimit --version"""
_WRITING = {"fix", "undo"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 nothing to say, 1 findings, 2 could not run."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["--version"], ["-V"]):
        print(f"truelimit {__version__}")
        return 0
    if wrong := choose(arguments):
        return _complain(wrong)
    try:
        return _spoken(arguments, alone=argv is None)
    finally:
        english()


def _spoken(arguments: list[str], alone: bool) -> int:
    if arguments[:1] == ["--lang"] or (arguments and arguments[0].startswith("--lang=")):
        arguments = arguments[1 + (arguments[0] == "--lang") :]
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help())
        return 0 if arguments else 2
    return _verb(arguments[0], arguments[1:], alone)


def _verb(verb: str, arguments: list[str], alone: bool) -> int:
    if verb not in VERBS:
        verbs = ", ".join(VERBS)
        return _complain(said("there is no verb {verb!r}; there are: {verbs}", verb=verb, verbs=verbs))
    return _alone(verb, arguments) if alone else _guarded(verb, arguments)


def _complain(what: str) -> int:
    print(f"truelimit: {tell(what)}", file=sys.stderr)
    return 2


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
    verbs = "\n".join(f"  {verb:<{width}}  {tell(said(text))}" for verb, text in VERBS.items())
    return tell(said(HELP, verbs=verbs))


def _guarded(verb: str, arguments: list[str]) -> int:
    """Run a verb; no traceback reaches the user unless TRUELIMIT_DEBUG is set."""
    from importlib import import_module

    try:
        return int(import_module(f"truelimit.cli.{verb}").run(arguments))
    except KeyboardInterrupt:
        undo, nothing = said("what was begun can be taken back: truelimit undo"), said("nothing was changed")
        left = said("interrupted; {left}", left=undo if verb in _WRITING else nothing)
        print(f"\ntruelimit: {tell(left)}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except Exception as error:
        if _debugging():
            raise
        print(f"truelimit: {type(error).__name__}: {error}", file=sys.stderr)
        fault = said("This is a fault of truelimit. TRUELIMIT_DEBUG=1 shows where; please report it.")
        print(tell(fault), file=sys.stderr)
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
