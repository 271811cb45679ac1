"""Which prompts, which depths, when to stop, and what the measured times mean: pure."""
