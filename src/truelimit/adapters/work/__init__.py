"""The user's recorded work: a DuckDB file of request records, filled from transcripts, logs and tables."""
