"""Estimates: pure functions from a model, settings and rates to bytes and seconds."""
