"""Many people's recorded work: written to Parquet by each, counted by DuckDB or Spark through one set of questions."""
