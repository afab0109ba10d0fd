"""A page in headless Chromium, driven as a person would: real clicks and keys, all requests and errors noted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
KEYS = {"Enter": (13, "\r"), "Space": (32, " ")}


class Page:
    """A page that has loaded; `requests` are the addresses it asked for, `errors` what went wrong in it."""

    def __init__(self, tab: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._tab, self._loop = tab, loop
        self.requests: list[str] = []
        self.errors: list[str] = []

    def evaluate(self, script: str) -> Any:
        """Value of an expression in the page; what it throws is an AssertionError here."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Click with the mouse in the middle of an element."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}});"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key on what has the focus."""
        code, text = KEYS[key]
        pressed = {"key": text if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        self._send("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self._send("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def write(self, selector: str, text: str) -> None:
        """Write into a field in the place of what is there."""
        self.evaluate(f"document.querySelector({selector!r}).focus(); document.querySelector({selector!r}).select()")
        self._send("Input.insertText", text=text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list."""
        script = f"(() => {{ const e = document.querySelector({selector!r}); e.value = {value!r};"
        self.evaluate(script + "e.dispatchEvent(new Event('change', {bubbles: true})); return e.value; })()")

    def open(self, file: Path) -> None:
        """Go to a file and wait for it."""
        events = {
            "Network.requestWillBeSent": lambda params: self.requests.append(params["request"]["url"]),
            "Runtime.exceptionThrown": lambda params: self.errors.append(str(params["exceptionDetails"])),
            "Log.entryAdded": lambda params: self.errors.append(params["entry"]["text"]),
        }
        for event, note in events.items():
            self._tab.subscribe(event, _noting(note))
            self._send(f"{event.split('.')[0]}.enable")
        self._send("Page.enable")
        self._wait(self._load(file.as_uri()))

    async def _load(self, address: str) -> None:
        loaded = self._tab.subscribe_once("Page.loadEventFired")
        await self._tab.send_command("Page.navigate", {"url": address})
        await asyncio.wait_for(loaded, timeout=120)

    def _send(self, command: str, **params: Any) -> Any:
        answer = self._wait(self._tab.send_command(command, params))
        assert "error" not in answer, answer
        return answer["result"]

    def _wait(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(what)


@contextmanager
def opened(file: Path) -> Iterator[Page]:
    """Open a file in a browser of its own."""
    from choreographer import Browser

    loop = asyncio.new_event_loop()
    browser = Browser(path=CHROMIUM, headless=True)
    loop.run_until_complete(browser.open())
    try:
        page = Page(loop.run_until_complete(browser.create_tab("about:blank")), loop)
        page.open(file)
        yield page
    finally:
        loop.run_until_complete(browser.close())
        loop.close()


def _noting(note: Any) -> Any:
    async def handle(message: dict[str, Any]) -> None:
        note(message["params"])

    return handle
