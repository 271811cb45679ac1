from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from truelimit.adapters.servers.ollama import environment as env
from truelimit.adapters.servers.ollama.desktop import from_desktop
from truelimit.app.ports import Places
from truelimit.domain.provenance import Basis, Known


def test_the_shell_is_assumed_and_secrets_stay_out() -> None:
    places = Places(Path("/h"), environment={"OLLAMA_CONTEXT_LENGTH": "8192", "OLLAMA_API_KEY": "s3cret", "HOME": "/h"})
    assert env.from_shell(places) == {
        "OLLAMA_CONTEXT_LENGTH": Known("8192", "environment of this shell: OLLAMA_CONTEXT_LENGTH", Basis.ASSUMED)
    }


def test_systemd_units_are_read_in_order_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "ollama.service").write_text(
        '[Service]\nEnvironment="PATH=/bin"\nEnvironment=OLLAMA_NUM_PARALLEL=2\n', encoding="utf-8"
    )
    drop_ins = tmp_path / "ollama.service.d"
    drop_ins.mkdir()
    (drop_ins / "override.conf").write_text(
        '[Service]\n# Environment="OLLAMA_NUM_PARALLEL=9"\n'
        'Environment="OLLAMA_NUM_PARALLEL=4" "OLLAMA_CONTEXT_LENGTH=32768"\n'
        f"EnvironmentFile=-{tmp_path / 'absent'}\nEnvironmentFile={tmp_path / 'defaults'}\n",
        encoding="utf-8",
    )
    (tmp_path / "defaults").write_text("# x\nOLLAMA_KEEP_ALIVE='24h'\nTOKEN=s3cret\n", encoding="utf-8")
    found, missing = env.from_systemd(tmp_path)
    assert {name: known.value for name, known in found.items()} == {
        "OLLAMA_NUM_PARALLEL": "4",
        "OLLAMA_CONTEXT_LENGTH": "32768",
        "OLLAMA_KEEP_ALIVE": "24h",
    }
    assert found["OLLAMA_NUM_PARALLEL"].where == f"{drop_ins / 'override.conf'} (line 3): OLLAMA_NUM_PARALLEL"
    assert found["OLLAMA_NUM_PARALLEL"].basis is Basis.SPECIFIED
    assert missing == ()
    assert env.is_service(tmp_path)


def test_a_unit_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "ollama.service").mkdir()
    found, missing = env.from_systemd(tmp_path)
    assert found == {}
    assert "not a regular file" in missing[0].why
    assert not env.is_service(tmp_path / "nothing")


def test_an_unclosed_quote_in_a_unit_is_survived(tmp_path: Path) -> None:
    (tmp_path / "ollama.service").write_text('Environment="OLLAMA_NUM_PARALLEL=4\n', encoding="utf-8")
    assert env.from_systemd(tmp_path)[1] == ()


def test_an_earlier_source_wins() -> None:
    one, two = Known("1", "a", Basis.REPORTED), Known("2", "b", Basis.ASSUMED)
    assert env.merged({"X": one}, {"X": two, "Y": two}) == {"X": one, "Y": two}


def _database(path: Path, columns: str, row: tuple[object, ...]) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE settings ({columns})")
        database.execute(f"INSERT INTO settings VALUES ({', '.join('?' * len(row))})", row)


@pytest.mark.parametrize("folder", ["Library/Application Support/Ollama", "AppData/Local/Ollama"])
@pytest.mark.parametrize(
    ("context", "schema", "expected"), [(32768, 14, "32768"), (0, 14, None), (4096, 13, None), (4096, 14, "4096")]
)
def test_the_slider_of_the_desktop_app(
    tmp_path: Path, folder: str, context: int, schema: int, expected: str | None
) -> None:
    path = tmp_path / folder / "db.sqlite"
    _database(path, "id INTEGER, context_length INTEGER, schema_version INTEGER", (1, context, schema))
    found, missing, files = from_desktop(Places(tmp_path, isolated=True))
    known = found.get("OLLAMA_CONTEXT_LENGTH")
    assert (known.value if known else None) == expected
    assert missing == ()
    assert files == (str(path),)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["db.sqlite"]


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "Library" / "Application Support" / "Ollama" / "db.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    found, missing, _ = from_desktop(Places(tmp_path, isolated=True))
    assert found == {}
    assert "cannot be read" in missing[0].why


def test_a_database_that_never_ends_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "Library" / "Application Support" / "Ollama" / "db.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database, database:
        endless = "WITH RECURSIVE n(context_length) AS (SELECT 1 UNION ALL SELECT context_length + 1 FROM n)"
        database.execute(f"CREATE VIEW settings AS {endless} SELECT max(context_length) AS context_length FROM n")
    found, missing, _ = from_desktop(Places(tmp_path, isolated=True))
    assert found == {}
    assert missing


def test_windows_folder_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "Ollama" / "db.sqlite"
    _database(path, "context_length INTEGER", (65536,))
    places = Places(tmp_path, environment={"LOCALAPPDATA": str(tmp_path / "elsewhere")})
    assert from_desktop(places)[0]["OLLAMA_CONTEXT_LENGTH"].value == "65536"
