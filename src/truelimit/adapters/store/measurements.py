"""The kept measurements: ``measurements.jsonl`` in the data folder, one run a line, the latest last."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.store.data_dir import MEASUREMENTS as NAME
from truelimit.adapters.store.data_dir import data_dir
from truelimit.adapters.store.measurement_json import decode, encode, identified
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import counted, said
from truelimit.domain.provenance import Missing
from truelimit.units import KIB, MIB

if TYPE_CHECKING:
    from truelimit.domain.measurements import Measurement

_MOST_BYTES = 32 * MIB
_LONGEST_LINE = 512 * KIB


@dataclass(frozen=True, slots=True)
class Stored:
    """What the file holds, and what of it could not be read."""

    measurements: tuple[Measurement, ...] = ()
    missing: tuple[Missing, ...] = ()


class MeasurementStore:
    """Measurements under a data folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep the place (default: this program's data folder); it is made with the first measurement."""
        self.path = data_dir(folder) / NAME

    def add(self, *items: Measurement) -> tuple[Measurement, ...]:
        """Keep measurements, each once; return those that were new, with their ids. Raises BenchError."""
        from truelimit.adapters.store.lock import locked
        from truelimit.app.bench_ports import BenchError
        from truelimit.app.fix_ports import FixError

        marked = [identified(item) for item in items]
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.path.with_name(f".{NAME}.lock")):
                known = {item.id for item in self.all().measurements}
                new = tuple({item.id: item for item in marked if item.id not in known}.values())
                self._append("".join(encode(item) + "\n" for item in new))
        except FixError as error:
            raise BenchError(str(error)) from None
        except OSError as error:
            raise BenchError(
                said(
                    "{path}: cannot be written ({why}); set TRUELIMIT_DATA_DIR to a folder of yours",
                    path=self.path,
                    why=error.strerror or type(error).__name__,
                )
            ) from None
        return new

    def all(self) -> Stored:
        """Return what is kept, oldest first. Damaged lines are counted and stay in the file. Never raises."""
        if not self.path.is_file():
            return Stored()
        try:
            with self.path.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            return Stored(missing=(self._lacking(said("cannot be read ({strerror})", strerror=error.strerror)),))
        found, damaged = _decoded(data[:_MOST_BYTES])
        missing = []
        if damaged:
            left = counted("{count} damaged line is left out", "{count} damaged lines are left out", damaged)
            missing.append(self._lacking(left))
        if len(data) > _MOST_BYTES:
            missing.append(self._lacking(said("only the first {most:,} bytes are read", most=_MOST_BYTES)))
        return Stored(tuple(found), tuple(missing))

    def _lacking(self, reason: str) -> Missing:
        return Missing(said("measurements in {path}", path=self.path), reason)

    def _append(self, text: str) -> None:
        """Write whole lines at the end; a line that broke off before is closed first."""
        if not text:
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            if size:
                stream.seek(size - 1)
                text = text if stream.read(1) == b"\n" else "\n" + text
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())


def _decoded(data: bytes) -> tuple[list[Measurement], int]:
    found, damaged = [], 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            if len(line) > _LONGEST_LINE:
                raise ValueError("too long")
            found.append(decode(line.decode("utf-8")))
        except ValueError:
            damaged += 1
    return found, damaged


def measurements(folder: Path | None = None) -> tuple[Measurement, ...]:
    """Return all kept measurements, oldest first. Never raises: what is damaged is left out."""
    return MeasurementStore(folder).all().measurements
