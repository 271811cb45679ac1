"""Use cases, one file a verb, and the ports that the edges must offer."""
