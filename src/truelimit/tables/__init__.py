"""Shipped data and its loader."""
