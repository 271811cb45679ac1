from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from truelimit.adapters.bundle import unpack
from truelimit.adapters.bundle.unpack import BundleError, packed, unpacked


def _zip(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_a_folder_comes_back_as_it_was_packed(tmp_path: Path) -> None:
    (tmp_path / "in" / ".openclaw").mkdir(parents=True)
    (tmp_path / "in" / ".openclaw" / "openclaw.json").write_text("{}", encoding="utf-8")
    packed(tmp_path / "in", tmp_path / "out.zip")
    with unpacked(tmp_path / "out.zip") as folder:
        kept = folder
        assert (folder / ".openclaw" / "openclaw.json").read_text(encoding="utf-8") == "{}"
    assert not kept.exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path


def test_the_folder_goes_away_after_an_error_too(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", **{".openclaw/x": "1"})
    seen: list[Path] = []

    def fail() -> None:
        with unpacked(path) as folder:
            seen.append(folder)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [item.exists() for item in seen] == [False]


def test_a_home_packed_within_a_folder_is_found(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", **{"evidence/.ollama/logs/server.log": "x"})
    with unpacked(path) as folder:
        assert (folder / ".ollama" / "logs" / "server.log").is_file()


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "C:/x", "C:x", "..\\x", "\\\\host\\share\\x", "a:stream"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "a.zip", **{name: "x"})
    with pytest.raises(BundleError, match="leads out"), unpacked(path):
        pass
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BundleError, match="link"), unpacked(tmp_path / "a.zip"):
        pass


def test_bytes_are_counted_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "LARGEST_BUNDLE", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"0" * 2_000_000)
    with pytest.raises(BundleError, match="larger"), unpacked(tmp_path / "a.zip"):
        pass


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_FILES", 1)
    with pytest.raises(BundleError, match="2 files"), unpacked(_zip(tmp_path / "a.zip", a="1", b="2")):
        pass


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"no zip"])
def test_what_is_no_zip_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BundleError, match="not a readable zip"), unpacked(tmp_path / "a.zip"):
        pass


def test_a_damaged_member_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(range(256)) * 64)
    data = bytearray(path.read_bytes())
    data[60:70] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(BundleError, match="not a readable zip"), unpacked(path):
        pass
