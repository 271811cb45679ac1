"""The bundled incident of 18 February 2026: a home folder in the recorded formats of the programs of that day."""
