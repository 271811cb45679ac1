"""A model at an address: config.json, and the bytes of its weights by index or header; bounded, without secrets."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from truelimit.adapters.files.hf_config import HfConfigError, is_config_url, read_remote_model
from truelimit.adapters.files.hf_config.remote import _page
from truelimit.adapters.files.safetensors import SafetensorsError
from truelimit.app.describe_model import describe
from truelimit.app.model import ModelWish
from truelimit.app.ports import Deadline
from truelimit.domain.provenance import Basis

CONFIG = json.dumps({
    "model_type": "qwen3", "head_dim": 64, "hidden_size": 256, "intermediate_size": 512,
    "max_position_embeddings": 4096, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
    "tie_word_embeddings": True, "vocab_size": 1000,
}).encode()  # fmt: skip
PARTS = {"a": "m.safetensors", "b": "m.safetensors"}
INDEX = json.dumps({"metadata": {"total_size": 2_500_000}, "weight_map": PARTS})
HEADER = json.dumps({"a": {"dtype": "BF16", "shape": [16, 8], "data_offsets": [0, 256]}}).encode()
SINGLE = len(HEADER).to_bytes(8, "little") + HEADER + bytes(10_000)


class Handler(BaseHTTPRequestHandler):
    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        path, wanted = self.path.partition("?")[0], self.headers.get("range")
        self.asked.append(f"{path} {wanted}" if wanted else path)
        if path.startswith("/moved"):
            self.send_response(302)
            self.send_header("location", path.removeprefix("/moved"))
            self.end_headers()
            return
        content = self.files.get(path)
        if content is None:
            self.send_error(404)
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted or "")
        body = content[int(match[1]) : int(match[2]) + 1] if match else content
        self.send_response(206 if match else 200)
        if match:
            self.send_header("content-range", f"bytes {match[1]}-{match[2]}/{len(content)}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@contextmanager
def server(**files: bytes) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    named = {f"/org/name/resolve/main/{name.replace('__', '.')}": content for name, content in files.items()}
    kind = type("Bound", (Handler,), {"files": named, "asked": asked})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


PATH = "/org/name/resolve/main/config.json"


def test_a_file_that_is_cut_off_says_how_much_it_lacks() -> None:
    for content, missing in ((SINGLE, 0), (SINGLE[: 8 + len(HEADER) + 100], 156)):
        with server(config__json=CONFIG, model__safetensors=content) as (base, _):
            header = read_remote_model(f"{base}{PATH}", Deadline(5.0)).header
        assert (header.file_bytes, header.missing_bytes) == (256, missing)


def test_the_index_tells_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(config__json=CONFIG, model__safetensors__index__json=INDEX.encode()) as (base, asked):
        found = read_remote_model(f"{base}{PATH}", Deadline(5.0))
    assert found.header.name == "org/name"
    assert found.stored is not None
    assert (found.stored.n_bytes, found.header.file_bytes) == (2_500_000, 2_500_000)
    assert len(asked) == 2, "nothing else is fetched"
    told = describe(found, ModelWish()).weights
    assert told is not None
    assert (told.value, told.basis) == (2_500_000, Basis.REPORTED)
    assert told.where.endswith("model.safetensors.index.json: total_size, for 2 tensors")


@pytest.mark.parametrize("size", [1, 100_000, 25_000_000, 2**62])
def test_an_index_whose_size_cannot_be_is_refused(size: int) -> None:
    index = json.dumps({"metadata": {"total_size": size}, "weight_map": PARTS}).encode()
    with server(config__json=CONFIG, model__safetensors__index__json=index) as (base, _):
        expected = (
            rf"index\.json: total_size is {size:,} bytes for 1,[\d,]+ parameters; expected 0\.1 to 16 bytes for each"
        )
        with pytest.raises(SafetensorsError, match=expected):
            read_remote_model(f"{base}{PATH}", Deadline(5.0))


def test_the_header_of_the_one_file_tells_the_size() -> None:
    with server(config__json=CONFIG, model__safetensors=SINGLE) as (base, asked):
        found = read_remote_model(f"{base}{PATH}", Deadline(5.0))
    assert found.stored is not None
    assert found.stored.n_bytes == 256
    assert asked[-2:] == [
        "/org/name/resolve/main/model.safetensors bytes=0-7",
        f"/org/name/resolve/main/model.safetensors bytes=8-{7 + len(HEADER)}",
    ]


def test_a_config_without_weights_and_behind_a_redirect() -> None:
    with server(config__json=CONFIG) as (base, _):
        found = read_remote_model(f"{base}/moved{PATH}", Deadline(5.0))
    assert found.stored is None
    assert found.header.file_bytes is None


def test_what_is_not_there_is_said_without_secrets() -> None:
    with server() as (base, _):
        url = base.replace("http://", "http://user:hunter2@") + PATH + "?token=hunter2"
        with pytest.raises(HfConfigError, match="there is no such file") as refused:
            read_remote_model(url, Deadline(5.0))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(HfConfigError, match="no usable answer") as refused:
        read_remote_model(url, Deadline(5.0))
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_too_large_is_left() -> None:
    with (
        server(config__json=b" " * (5 * 2**20)) as (base, _),
        pytest.raises(HfConfigError, match="more than 4,194,304"),
    ):
        read_remote_model(f"{base}{PATH}", Deadline(5.0))


def test_no_time_is_an_error_not_a_wait() -> None:
    with (
        server(config__json=CONFIG) as (base, _),
        pytest.raises(HfConfigError, match=r"time for it is over.*--network-seconds"),
    ):
        read_remote_model(f"{base}{PATH}", Deadline(0.0))


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("https://huggingface.co/Qwen/Qwen3-8B", "https://huggingface.co/Qwen/Qwen3-8B/resolve/main/config.json"),
        ("https://hf.co/a/b/tree/v2", "https://hf.co/a/b/resolve/v2/config.json"),
        ("https://huggingface.co/a/b/resolve/main/config.json", None),
        ("https://example.org/a/b", None),
        ("https://huggingface.co/a", None),
    ],
)
def test_the_page_of_a_model_leads_to_its_config(url: str, config: str | None) -> None:
    assert _page(url) == config


def test_addresses_of_other_files_are_no_configs() -> None:
    assert is_config_url("http://x/y/config.json")
    assert not is_config_url("http://x/y/model.gguf")
    assert not is_config_url("https://huggingface.co/a/b/resolve/main/model.gguf")
