"""Finished objects to bytes. Computes nothing."""
