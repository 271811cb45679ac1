"""Rules about time and timeouts."""
