"""This machine for every verb: read from the system, its devices found in the table, its measurement added."""

from __future__ import annotations

from dataclasses import replace

from truelimit.app.ports import Deadline, Evidence, Places


def read(places: Places, deadline: Deadline) -> Evidence:
    """Return this machine as the system tells of it, with its accelerators and what was measured of it."""
    if places.isolated:
        return Evidence()
    from truelimit.adapters.host.read import read_machine

    found = read_machine(places, deadline)
    if found.machine is None:
        return found
    from truelimit.adapters.host.measured import kept
    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.app.measurement import with_measurement
    from truelimit.tables.identify import identified

    return replace(found, machine=with_measurement(identified(found.machine), kept(data_dir())))
