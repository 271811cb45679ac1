"""Benchmarks: each module has ``main(arguments) -> int`` and prints ratios within one run, not bare times."""
