"""Plans of change: edits, diff, conflicts, order. Pure."""
