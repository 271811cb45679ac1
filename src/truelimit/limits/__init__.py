"""The ladders of context, time and memory, and the rung that binds."""
