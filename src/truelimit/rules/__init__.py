"""Diagnoses: one file a rule, pure checks over a stack."""
