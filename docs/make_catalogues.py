"""Brings the catalogues of the reports up to date: extracts the messages, updates each language, compiles it.

python docs/make_catalogues.py            update and compile all
python docs/make_catalogues.py --new ml   begin a language
python docs/make_catalogues.py --check    fail where a message is not translated or a compiled file is old
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from truelimit.cli.main import HELP, VERBS
from truelimit.report.language_words import fixed_words

SOURCES = Path(__file__).parents[1] / "src" / "truelimit"
LOCALE = SOURCES / "locale"
SINGLE = {"drop", "gettext", "marked", "said"}  # drop: the kinds of things that a bundle leaves out
PLURAL = {"ngettext", "counted"}
_PLACE = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def messages() -> Catalog:
    """Return all messages of the rooms that speak to a person, in the order of their files."""
    found = Catalog(project="truelimit", charset="utf-8", fuzzy=False)
    for path in sorted(SOURCES.rglob("*.py")):
        where = [(path.relative_to(SOURCES).as_posix(), 0)]
        for message in _in_source(path.read_text(encoding="utf-8")):
            if _has_words(message):
                found.add(message, None, where)
    for word in (HELP, *VERBS.values(), *fixed_words()):
        found.add(word, None, [("fixed words", 0)])
    return found


def _in_source(text: str) -> Iterator[str | tuple[str, str]]:
    """Yield the literal messages of a source file in their order; Babel's own extraction misses nested calls."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in SINGLE and texts:
            yield texts[0]
        elif name in PLURAL and len(texts) > 1:
            yield texts[0], texts[1]


def _has_words(message: str | tuple[str, ...]) -> bool:
    """Whether there is anything to translate: ``{low} - {high}`` is the same everywhere, a full stop is not."""
    return any(letter.isalpha() for text in _texts(message) for letter in _PLACE.sub("", text)) or any(
        text.endswith(".") for text in _texts(message)
    )


def folder(tag: str) -> Path:
    """Return the folder of a language's catalogue."""
    return LOCALE / tag / "LC_MESSAGES"


def catalogue(tag: str) -> Catalog:
    """Return the catalogue of a language as it is written."""
    with (folder(tag) / "truelimit.po").open("rb") as file:
        return read_po(file, locale=tag, domain="truelimit")


def compiled(item: Catalog) -> bytes:
    """Return the catalogue as programs read it."""
    out = io.BytesIO()
    write_mo(out, item)
    return out.getvalue()


def lacking(item: Catalog) -> list[str]:
    """Return what is wrong with a catalogue: a message not translated, unsure, or with other names in braces."""
    return [f"{wrong}: {message.id!r}" for message in messages() if message.id and (wrong := _wrong(message, item))]


def _wrong(message: Message, item: Catalog) -> str:
    held = item.get(message.id)
    if held is None or not _texts(held.string) or not all(_texts(held.string)):
        return "not translated"
    if held.fuzzy:
        return "unsure"
    wanted = {name for text in _texts(message.id) for name in _places(text)}
    same = all(wanted - {"count"} <= _places(text) <= wanted for text in _texts(held.string))
    return "" if same else "other names in braces"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (str(value or ""),)


def _places(text: str) -> set[str]:
    import string

    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:  # a lone brace: a sentence without places
        return set()


def update(tag: str, *, new: bool = False) -> None:
    """Write the catalogue of a language anew with all messages, and compile it."""
    place = folder(tag)
    place.mkdir(parents=True, exist_ok=True)
    held = Catalog(locale=tag, domain="truelimit", project="truelimit", fuzzy=False) if new else catalogue(tag)
    held.update(messages(), no_fuzzy_matching=True, update_creation_date=False)
    held.header_comment = f"# truelimit in the language {tag}. Apache-2.0, as the program."
    held.project, held.version = "truelimit", "all"
    held.msgid_bugs_address = held.last_translator = held.language_team = "truelimit"
    with (place / "truelimit.po").open("wb") as file:
        write_po(file, held, width=100, ignore_obsolete=True, omit_header=False, include_lineno=False)
    (place / "truelimit.mo").write_bytes(compiled(catalogue(tag)))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--new", metavar="TAG")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.new:
        update(args.new, new=True)
    wrong = 0
    for tag in sorted(path.name for path in LOCALE.iterdir() if path.is_dir()):
        if args.check:
            lines = lacking(catalogue(tag))
            if (folder(tag) / "truelimit.mo").read_bytes() != compiled(catalogue(tag)):
                lines.append("truelimit.mo is not what truelimit.po gives: run make i18n")
            wrong += len(lines)
            print("\n".join(f"{tag}: {line}" for line in lines) or f"{tag}: all messages are translated")
        else:
            update(tag)
            print(f"{tag}: {len(lacking(catalogue(tag)))} messages to translate")
    return min(1, wrong)


if __name__ == "__main__":
    sys.exit(main())
