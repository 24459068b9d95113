"""Chromium over the DevTools protocol: real key presses, emulated media, what the page requests."""

import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)
PATIENCE_S = 120
SHIFT = 8
CHECKS = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
KEYS = {  # name: (virtual key code, text it types)
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
    "End": (35, ""),
    "Home": (36, ""),
    "ArrowLeft": (37, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class Browser:
    """A headless Chromium that is spoken to over two pipes, which it expects at 3 and 4."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._out = (_above_4(end) for end in os.pipe())
        self._in, theirs_out = (_above_4(end) for end in os.pipe())

        def place_pipes() -> None:
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [program, *QUIET, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place_pipes,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._read, self._count = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The result of a command; events that arrive meanwhile are kept in `events`."""
        sent = self._send(method, session, params)
        while (answer := self._receive()).get("id") != sent:
            self._keep(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_for(self, method: str, session: str) -> None:
        """Until the next event of a kind."""
        while True:
            event = self._receive()
            self._keep(event)
            if event.get("method") == method and event.get("sessionId") == session:
                return

    def _send(self, method: str, session: str | None, params: dict[str, Any]) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._count

    def _keep(self, event: dict[str, Any]) -> None:
        """Note an event; a dialog is closed, since nothing else would go on."""
        self.events.append(event)
        if event.get("method") == "Page.javascriptDialogOpening":
            self._send("Page.handleJavaScriptDialog", event["sessionId"], {"accept": False})

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._in], [], [], deadline - time.monotonic())
            chunk = os.read(self._in, 1 << 16) if ready else b""
            if not chunk:
                raise AssertionError("the browser ended or says nothing")
            self._read += chunk
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)
        os.close(self._in)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Tab:
    """A page in the browser, 1280 pixels wide and light until told otherwise."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        browser.events.clear()
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(1280)
        self.emulate()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def open(self, page: Path) -> "Tab":
        """Load a file and wait until it is loaded; `checks` are at hand in it."""
        self.call("Page.navigate", url=page.as_uri())
        self._browser.wait_for("Page.loadEventFired", self._session)
        self.run(CHECKS)
        return self

    def resize(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def emulate(self, medium: str = "screen", scheme: str = "light", motion: str = "no-preference"):
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        said = [{"name": name, "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=medium, features=said)

    def press(self, *keys: str, shift: bool = False) -> None:
        """Press and release keys, as a person would."""
        for key in keys:
            code, text = KEYS.get(key, (ord(key[0].upper()), key))
            pressed = {"key": key, "windowsVirtualKeyCode": code, "modifiers": SHIFT * shift}
            down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
            self.call("Input.dispatchKeyEvent", **down, **pressed)
            self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def run(self, script: str) -> Any:
        """What an expression of ours evaluates to in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """What an expression evaluates to once that is true: some effects of a key come later."""
        deadline = time.monotonic() + 15
        while not (found := self.run(script)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def go_to(self, selector: str) -> None:
        """Press Tab until the focus is on the wanted control."""
        for _ in range(200):
            self.press("Tab")
            if self.run(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"Tab never comes to {selector}")

    def happenings(self) -> tuple[list[str], list[dict[str, Any]]]:
        """Every request but the page's own, and everything a script could have done or said."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        asked = self._events("Network.requestWillBeSent")
        urls = [one["request"]["url"] for one in asked]
        return urls[1:], self._events(*kinds, "Page.javascriptDialogOpening")

    def _events(self, *methods: str) -> list[dict[str, Any]]:
        self.run("0")  # all that happened before its answer has arrived with it
        return [e["params"] for e in self._browser.events if e.get("method") in methods]

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)


def _above_4(end: int) -> int:
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved
