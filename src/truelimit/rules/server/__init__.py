"""Rules about servers and engines."""
