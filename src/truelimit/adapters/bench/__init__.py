"""Endpoints as a benchmark asks them: streamed, timed at each part, taken back at any moment."""
