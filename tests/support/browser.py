"""A real browser without a driver package: Chromium headless, spoken to over two pipes in its own protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SILENCE = 60  # s
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
    "--force-color-profile=srgb", "--font-render-hinting=none",
)  # fmt: skip


def found() -> str | None:
    """Return the program of a browser on this machine: TRUELIMIT_BROWSER, else the usual names, else None."""
    named = os.environ.get("TRUELIMIT_BROWSER")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One page: what it asked of the network, what it said on its console, and what scripts find in it."""

    process: subprocess.Popen[bytes]
    reading: int
    writing: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    rest: bytes = b""
    number: int = 0

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and return its result. Raises AssertionError with the browser's own words."""
        self.number += 1
        message: dict[str, object] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer.get("result", {}))
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.reading], [], [], SILENCE)
            assert ready, f"the browser is silent for {SILENCE} s"
            part = os.read(self.reading, 1 << 20)
            assert part, "the browser has gone"
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(line))

    def open(self, url: str, width: int, *, scheme: str = "light", script: bool = True) -> None:
        """Load a page at a width, light or dark, and wait until it is there."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """Return what a script gives."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def asked(self) -> list[str]:
        """Return all addresses that the page asked for."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """Return what the page said on its console, and the browser about it."""
        kinds = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"])[:400] for event in self.events if event.get("method") in kinds]

    def picture(self, path: Path) -> None:
        """Save the whole page as it is seen."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip: Mapping[str, float] = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": min(size["height"], 15000),
            "scale": 1,
        }
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def paper(self, path: Path) -> None:
        """Save the page as it is printed, as PDF."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"]))


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """Yield a page of a browser with an empty profile in this folder; the browser ends with it."""
    program = found()
    assert program, "there is no browser"
    to_read, from_us = os.pipe()
    from_it, to_write = os.pipe()
    command = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
    arguments = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", command, *arguments], pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_read)
    os.close(to_write)
    item = Page(process, from_it, from_us)
    try:
        _attach(item)
        yield item
    finally:
        process.terminate()
        process.wait(30)
        os.close(from_us)
        os.close(from_it)


def _attach(item: Page) -> None:
    targets = item.call("Target.getTargets")["targetInfos"]
    target = next(info["targetId"] for info in targets if info["type"] == "page")
    item.session = item.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        item.call(f"{domain}.enable")
