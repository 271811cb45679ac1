"""Ways in which a file can be bad, and a run of the command line within a bound of time."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import threading
from collections.abc import Callable
from pathlib import Path

from truelimit.cli.main import main

Damage = Callable[[Path], None]


def run(*arguments: str, seconds: float = 10.0) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a verb; fail when it takes longer."""
    out, err = io.StringIO(), io.StringIO()
    ended: list[int | BaseException] = []

    def work() -> None:
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                ended.append(main(arguments))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert ended, f"truelimit {' '.join(arguments)[:200]} did not end within {seconds} s"
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return ended[0], out.getvalue(), err.getvalue()


def _content(content: bytes) -> Damage:
    return lambda path: (path.write_bytes(content), None)[1]


def _replaced(make: Callable[[Path], None]) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def _half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _spliced(path: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\0" * 4096 + content[middle + 100 :])


def _wide(path: Path) -> None:
    path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-16"))


def _surrogates(path: Path) -> None:
    path.write_bytes(re.sub(rb"[a-z](?=\")", rb"\\ud800", path.read_bytes()))


def _numbers(text: bytes) -> Damage:
    return lambda path: (path.write_bytes(re.sub(rb"\b\d{2,}\b", text, path.read_bytes())), None)[1]


CONTENT: dict[str, Damage] = {
    "empty": _content(b""),
    "zeros": _content(b"\0" * 5000),
    "not-utf8": _content(b"\xff\xfe\xfd" * 100),
    "binary": _content(bytes(range(256)) * 50),
    "deep-lists": _content(b"[" * 1_000_000),
    "deep-objects": _content(b'{"a":' * 300_000),
    "null": _content(b"null"),
    "list": _content(b"[]"),
    "number": _content(b"5"),
    "html": _content(b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>\n" * 20),
    "gguf-of-nonsense": _content(b"GGUF\x03\0\0\0" + b"\xff" * 64),
    "one-long-line": _content(b'{"type":"message","x":"' + b"y" * 20_000_000 + b'"}\n'),
    "a-million-entries": _content(b'{"models":[' + b'{"id":"m"},' * 300_000 + b'{"id":"m"}]}'),
    "half-written": _half,
    "spliced": _spliced,
    "utf-16": _wide,
    "lone-surrogates": _surrogates,
    "huge-numbers": _numbers(b"9" * 400),
    "floats-beyond-float": _numbers(b"1e999"),
    "nan": _numbers(b"NaN"),
    "negative": _numbers(b"-1"),
    "zero": _numbers(b"0"),
    "texts-for-numbers": _numbers(b'"131072"'),
    "null-for-numbers": _numbers(b"null"),
}
KIND: dict[str, Damage] = {
    "missing": _replaced(lambda path: None),
    "folder": _replaced(Path.mkdir),
}
if os.name != "nt":
    KIND |= {
        "dead-link": _replaced(lambda path: path.symlink_to(path.parent / "nowhere")),
        "link-to-itself": _replaced(lambda path: path.symlink_to(path)),
        "pipe": _replaced(os.mkfifo),
        "endless-device": _replaced(lambda path: path.symlink_to("/dev/zero")),
    }
NOT_TOLD = {"missing"}  # a file that is not there is no fault of its own

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_TEXT = re.compile(rb'"[^"\n]*"')
_NUMBERS = [
    b"0",
    b"-1",
    b"1e400",
    b"NaN",
    b"9" * 30,
    b'"x"',
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"0.0001",
    b"1e308",
    b"2147483648",
]
_TEXTS = [
    b'""', b"5", b"null", b'{"a":1}', b"[1]", rb'"\ud800"', rb'"\u0000"', b'"\x1b[31m"', b'"' + b"x" * 5000 + b'"',
    b'"../../../../etc/passwd"', b'"http://h:99999999"', b'"http://[bad"', b'"9999-12-31T23:59:59Z"',
    b'"0001-01-01T00:00:00+14:00"', b'"1969-12-31T23:59:59Z"',
]  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the content with one mutation: bytes, lines, numbers or texts changed, cut, doubled or moved."""
    if not content:
        return bytes(chance.randrange(10))
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            changed = bytearray(content)
            for _ in range(chance.choice([1, 3, 20])):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            return bytes(changed)
        case 1:
            return content[: chance.randrange(len(content))]
        case 2:
            return b"\n".join(lines[:at] + lines[at + 1 :])
        case 3:
            return b"\n".join(lines[:at] + [lines[at]] * chance.choice([2, 6]) + lines[at + 1 :])
        case 4:
            chance.shuffle(lines)
            return b"\n".join(lines)
        case 5:
            return _exchanged(content, _NUMBER, _NUMBERS, chance)
        case 6:
            return _exchanged(content, _TEXT, _TEXTS, chance)
    place = chance.randrange(len(content))
    return content[:place] + chance.randbytes(chance.choice([1, 50])) + content[place:]


def _exchanged(content: bytes, pattern: re.Pattern[bytes], values: list[bytes], chance: random.Random) -> bytes:
    found = list(pattern.finditer(content))
    for match in sorted(chance.sample(found, min(len(found), 3)), key=lambda item: -item.start()):
        content = content[: match.start()] + chance.choice(values) + content[match.end() :]
    return content
