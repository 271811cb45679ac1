"""OpenClaw, versions of February 2026 and of September 2026: configuration, sessions, logs."""
