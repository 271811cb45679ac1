"""Files on disk: links followed, mode kept, refusals, and no half-written file ever."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from pathlib import Path

import pytest

from truelimit.adapters.store.config_files import LocalFiles
from truelimit.adapters.store.durable import move_over, sync_folder, write_new
from truelimit.app.fix_ports import FixError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs links, modes and owners of POSIX")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _file(folder: Path, data: bytes = b"old", mode: int = 0o640) -> Path:
    path = folder / "openclaw.json"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_stage_and_swap_replace_the_bytes_and_keep_the_mode(tmp_path: Path) -> None:
    path, files = _file(tmp_path), LocalFiles()
    before = files.inspect(str(path))
    assert (before.sha256, before.size, before.mode) == (_hash(b"old"), 3, 0o640 if os.name == "posix" else before.mode)
    files.stage(before, "x-new", b"new")
    assert files.staged(before, "x-new") == _hash(b"new")
    assert path.read_bytes() == b"old"
    files.swap(before, "x-new", before.sha256)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == before.mode
    assert [item.name for item in tmp_path.iterdir()] == ["openclaw.json"]
    assert files.staged(before, "x-new") is None
    files.discard(before, "x-new")


@POSIX
def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.mkdir()
    target = _file(real)
    link = tmp_path / "openclaw.json"
    link.symlink_to(target)
    files = LocalFiles()
    before = files.inspect(str(link))
    assert (before.file, before.target) == (str(link), str(target))
    files.stage(before, "x-new", b"new")
    files.swap(before, "x-new", before.sha256)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@POSIX
def test_a_link_put_in_place_of_the_target_is_not_followed(tmp_path: Path) -> None:
    path, files = _file(tmp_path), LocalFiles()
    before = files.inspect(str(path))
    files.stage(before, "x-new", b"new")
    other = tmp_path / "other"
    other.write_bytes(b"old")
    path.unlink()
    path.symlink_to(other)
    with pytest.raises(FixError, match="meanwhile"):
        files.swap(before, "x-new", before.sha256)
    assert other.read_bytes() == b"old"


def test_a_changed_or_missing_file_is_not_replaced(tmp_path: Path) -> None:
    path, files = _file(tmp_path), LocalFiles()
    before = files.inspect(str(path))
    files.stage(before, "x-new", b"new")
    path.write_bytes(b"other")
    with pytest.raises(FixError, match="changed by another program"):
        files.swap(before, "x-new", before.sha256)
    assert path.read_bytes() == b"other"
    path.unlink()
    with pytest.raises(FixError, match="changed by another program"):
        files.swap(before, "x-new", before.sha256)
    assert files.sha256(str(path)) is None


@POSIX
def test_what_must_not_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    files = LocalFiles()
    with pytest.raises(FixError, match="cannot be found"):
        files.inspect(str(tmp_path / "none.json"))
    path = _file(tmp_path, mode=0o440)
    with pytest.raises(FixError, match="marked read-only"):
        files.inspect(str(path))
    path.chmod(0o640)
    os.link(path, tmp_path / "second")
    with pytest.raises(FixError, match="2 names"):
        files.inspect(str(path))
    with pytest.raises(FixError, match="no ordinary file"):
        files.inspect(str(tmp_path))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(FixError, match="cannot be found"):
        files.inspect(str(loop))


@POSIX
def test_a_file_of_nix_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = _file(tmp_path)
    monkeypatch.setattr(Path, "resolve", lambda _self, strict=False: Path("/nix/store/abc/openclaw.json"))
    monkeypatch.setattr(Path, "stat", lambda _self, **_: os.stat(path))  # noqa: PTH116
    with pytest.raises(FixError, match="Nix"):
        LocalFiles().inspect("openclaw.json")


def test_a_full_disk_is_noticed_before_writing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from shutil import _ntuple_diskusage  # type: ignore[attr-defined]

    path = _file(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: _ntuple_diskusage(100, 100, 0))
    with pytest.raises(FixError, match="room"):
        LocalFiles().inspect(str(path))


def test_an_oversized_file_is_no_configuration(tmp_path: Path) -> None:
    path = _file(tmp_path, b"x" * (4 * 2**20 + 1))
    with pytest.raises(FixError, match="no configuration"):
        LocalFiles().read(str(path))
    with pytest.raises(FixError, match="cannot be read"):
        LocalFiles().read(str(tmp_path))


@pytest.mark.parametrize("act", ["write", "owner", "fsync"])
def test_a_failed_write_leaves_no_remnant(tmp_path: Path, act: str) -> None:
    def full(name: str, _path: Path) -> None:
        if name == act:
            raise OSError(errno.ENOSPC, "No space left on device")

    path, files = _file(tmp_path), LocalFiles(full)
    before = files.inspect(str(path))
    with pytest.raises(FixError, match=r"No space left.*was not touched"):
        files.stage(before, "x-new", b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["openclaw.json"]


def test_a_refused_replace_keeps_the_file(tmp_path: Path) -> None:
    def busy(name: str, _path: Path) -> None:
        if name == "replace":
            raise OSError(errno.EBUSY, "Device or resource busy")

    path, files = _file(tmp_path), LocalFiles(busy)
    before = files.inspect(str(path))
    files.stage(before, "x-new", b"new")
    with pytest.raises(FixError, match="cannot be replaced"):
        files.swap(before, "x-new", before.sha256)
    assert path.read_bytes() == b"old"


@POSIX
def test_an_owner_that_cannot_be_kept_stops_the_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def forbidden(_descriptor: int, _user: int, _group: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", forbidden)
    with pytest.raises(PermissionError):
        write_new(tmp_path / "x", b"data", 0o600, owner=(12345, 12345))
    assert not list(tmp_path.iterdir())


def test_a_remnant_of_an_earlier_run_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"half")
    write_new(path, b"whole", 0o600)
    assert path.read_bytes() == b"whole"
    move_over(path, tmp_path / "y")
    sync_folder(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["y"]
