"""Edges: one folder per outside thing."""
