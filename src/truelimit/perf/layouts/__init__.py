"""Rules that turn a model's header into the layout of its cache: one file per kind of attention or state."""
