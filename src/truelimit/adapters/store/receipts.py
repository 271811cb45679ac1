"""The folder of receipts: ``receipts/<id>/journal.json`` and the original bytes of each file, for the user alone."""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.store.data_dir import RECEIPTS
from truelimit.adapters.store.durable import Fault, move_over, no_fault, sync_folder, write_new
from truelimit.adapters.store.lock import locked
from truelimit.adapters.store.receipt_json import decode, encode
from truelimit.app.fix_ports import FixError
from truelimit.domain.message import said
from truelimit.units import MIB

if TYPE_CHECKING:
    from truelimit.app.fix_receipt import Receipt

_JOURNAL = "journal.json"
_MODE = 0o600
_FOLDER_MODE = 0o700
_ID = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_MOST_BYTES = 4 * MIB


class ReceiptFolder:
    """The port Receipts under a data folder. ``fault`` is called before each act, for tests."""

    def __init__(self, data_dir: Path, fault: Fault = no_fault) -> None:
        """Keep the place; it is made when the first receipt is written."""
        self._folder = data_dir / RECEIPTS
        self._fault = fault

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the folder. Raises FixError when another run holds it."""
        _make(self._folder)
        return locked(self._folder / ".lock")

    def save(self, receipt: Receipt) -> None:
        """Write ``journal.json`` durably, in one instant. Raises FixError."""
        self._put(receipt.id, _JOURNAL, encode(receipt))

    def keep(self, receipt_id: str, name: str, data: bytes) -> None:
        """Write original bytes durably and read them back. Raises FixError."""
        if shutil.disk_usage(self._folder).free < len(data) + MIB:
            raise FixError(
                said(
                    "{folder}: less than 1 MiB of room is left on its disk; nothing is changed without a backup",
                    folder=self._folder,
                )
            )
        self._put(receipt_id, name, data)
        if self.kept(receipt_id, name) != data:
            raise FixError(
                said("{place}: the backup reads back otherwise than it was written", place=self.place(receipt_id))
            )

    def kept(self, receipt_id: str, name: str) -> bytes:
        """Return original bytes. Raises FixError."""
        return _read(self._path(receipt_id, name))

    def all(self) -> tuple[Receipt, ...]:
        """Return all receipts, oldest first. Raises FixError for a damaged one, naming it."""
        if not self._folder.is_dir():
            return ()
        names = sorted(item.name for item in self._folder.iterdir() if item.is_dir() and (item / _JOURNAL).is_file())
        return tuple(self._load(name) for name in names)

    def place(self, receipt_id: str) -> str:
        """Return the receipt's folder."""
        return str(self._folder / receipt_id)

    def _load(self, name: str) -> Receipt:
        path = self._folder / name / _JOURNAL
        try:
            receipt = decode(_read(path))
        except ValueError as error:
            raise FixError(
                said(
                    "{path}: {error}; move this folder away to go on (the originals lie in it)", path=path, error=error
                )
            ) from None
        if receipt.id != name:
            raise FixError(
                said("{path}: holds the receipt {found!r}, expected {name!r}", path=path, found=receipt.id, name=name)
            )
        return receipt

    def _path(self, receipt_id: str, name: str) -> Path:
        if not _ID.fullmatch(receipt_id) or not (_NAME.fullmatch(name) or name == _JOURNAL):
            raise FixError(said("{id!r}, {name!r}: not the name of a receipt", id=receipt_id, name=name))
        return self._folder / receipt_id / name

    def _put(self, receipt_id: str, name: str, data: bytes) -> None:
        path = self._path(receipt_id, name)
        staged = path.with_name(f".{name}.new")
        try:
            if not path.parent.is_dir():
                _make(path.parent)
                sync_folder(self._folder)
            write_new(staged, data, _MODE, fault=self._fault)
            move_over(staged, path, self._fault)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise FixError(said("{path}: cannot be written ({why})", path=path, why=why)) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)
    except OSError as error:
        raise FixError(
            said(
                "{folder}: cannot be made ({why}); set TRUELIMIT_DATA_DIR to a folder of yours",
                folder=folder,
                why=error.strerror or type(error).__name__,
            )
        ) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise FixError(said("{path}: cannot be read ({strerror})", path=path, strerror=error.strerror)) from None
    if len(data) > _MOST_BYTES:
        raise FixError(said("{path}: larger than {most:,} bytes, expected less", path=path, most=_MOST_BYTES))
    return data
