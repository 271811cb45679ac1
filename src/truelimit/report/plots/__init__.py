"""Plots of finished objects as SVG."""
