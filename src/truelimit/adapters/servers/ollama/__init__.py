"""Ollama: its live API, its store on disk, its settings, its logs, and the client that fixes use."""
