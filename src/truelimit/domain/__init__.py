"""The nouns: frozen records without I/O that all other rooms speak in."""
