"""The OpenClaw on this machine or under a given home: configuration and what it did."""

from __future__ import annotations

from dataclasses import replace

from truelimit.adapters.agents.openclaw.agent import read_agent
from truelimit.adapters.agents.openclaw.call_merge import merge_calls
from truelimit.adapters.agents.openclaw.log_lines import read_log_file
from truelimit.adapters.agents.openclaw.places import installations
from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.adapters.agents.openclaw.sessions import read_sessions
from truelimit.adapters.agents.openclaw.transcript import AGENT
from truelimit.app.ports import Deadline, Evidence, Places


def read(places: Places, deadline: Deadline) -> Evidence:  # noqa: ARG001 (the port gives it; no network is asked here)
    """Return every OpenClaw found, with its sessions, and what the session and log files hold that the user named.

    Never raises for what it finds. Nothing there gives empty evidence.
    """
    parts: list[Evidence] = []
    for index, place in enumerate(installations(places)):
        parts.append(read_agent(place, isolated=places.isolated))
        # The machine's temporary folder holds one log for all: it goes with the first.
        scope = places if index == 0 else replace(places, isolated=True)
        parts.append(_named(place.name, read_sessions(place.state_dir, scope)))
    parts += [read_session_file(path) for path in places.sessions]
    parts += [read_log_file(path) for path in places.logs]
    return _joined(parts, has_named_files=bool(places.sessions or places.logs))


def _named(name: str, evidence: Evidence) -> Evidence:
    """Give the sessions of a profile the name of its agent."""
    if name == AGENT:
        return evidence
    sessions = tuple(
        replace(session, agent=name, calls=tuple(replace(call, agent=name) for call in session.calls))
        for session in evidence.sessions
    )
    return replace(evidence, sessions=sessions)


def _joined(parts: list[Evidence], *, has_named_files: bool) -> Evidence:
    """Return the parts as one. The sessions of one installation alone hold each call once already."""
    sessions = tuple(session for part in parts for session in part.sessions)
    is_one = sum(bool(part.sessions) for part in parts) <= 1 and not has_named_files
    return Evidence(
        agents=tuple(agent for part in parts for agent in part.agents),
        sessions=sessions if is_one else merge_calls(sessions),
        servers=tuple(server for part in parts for server in part.servers),
        missing=tuple(dict.fromkeys(item for part in parts for item in part.missing)),
        examined=tuple(dict.fromkeys(item for part in parts for item in part.examined)),
    )
