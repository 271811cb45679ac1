"""llama.cpp's server: what runs at an address, and what its log tells."""
