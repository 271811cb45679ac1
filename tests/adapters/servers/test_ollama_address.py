from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.servers.ollama.address import url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":1234", "http://127.0.0.1:1234"),
        ("box", "http://box:11434"),
        ("box:80", "http://box:80"),
        ("http://box", "http://box:80"),
        ("https://box", "https://box:443"),
        ("https://box:11434/", "https://box:11434"),
        ("http://box/prefix", "http://box:80/prefix"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:7", "http://[::1]:7"),
        ("[::]:7", "http://[::1]:7"),
        ("box:99999", "http://box:11434"),
        ("box:x", "http://box:11434"),
        ('"box"', "http://box:11434"),
        ("http://user:secret@box:1", "http://box:1"),
    ],
)
def test_ollama_host_forms(host: str | None, url: str) -> None:
    assert url_of(host) == url


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_text_gives_some_address(text: str) -> None:
    assert "://" in url_of(text)
