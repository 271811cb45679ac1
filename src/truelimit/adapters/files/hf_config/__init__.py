"""Reads a model as Hugging Face keeps it: config.json as a header with a GGUF's keys, and its safetensors files."""

from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.adapters.files.hf_config.folder import read_model_folder
from truelimit.adapters.files.hf_config.read import header_of_config
from truelimit.adapters.files.hf_config.remote import is_config_url, read_remote_model

__all__ = ["HfConfigError", "header_of_config", "is_config_url", "read_model_folder", "read_remote_model"]
