"""Reads headers of safetensors files: names, shapes and bytes of tensors, without their numbers."""

from truelimit.adapters.files.safetensors.folder import read_folder, read_stored
from truelimit.adapters.files.safetensors.parse import SafetensorsError

__all__ = ["SafetensorsError", "read_folder", "read_stored"]
