"""Claims: their words read, and judged against physics, published measurements and dated tables. Pure."""
