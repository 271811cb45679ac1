"""Rules about context windows."""
