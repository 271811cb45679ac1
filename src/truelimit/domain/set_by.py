"""Who sets limits."""

from __future__ import annotations

from enum import StrEnum


class SetBy(StrEnum):
    """Who set a limit."""

    MODEL = "model"
    SERVER_DEFINITION = "server-definition"
    SERVER_ENVIRONMENT = "server-environment"
    SERVER_DEFAULT = "server-default"
    SLOT = "slot"
    REQUEST = "request"
    AGENT_CONFIG = "agent-config"
    AGENT_DEFAULT = "agent-default"
    LAUNCHER = "launcher"
    CLIENT_LIBRARY = "client-library"
    PROXY = "proxy"
    SERVER_LOAD = "server-load"
    MACHINE = "machine"
