"""Agents, one folder each."""
