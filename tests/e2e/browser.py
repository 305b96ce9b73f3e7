# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium for one test, driven over a pipe by the DevTools protocol; the standard library is enough."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

CHROMIUM = shutil.which("chromium")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--hide-scrollbars",
          "--remote-debugging-pipe")


class Browser:
    """One page. `requests` are the addresses it asked for, `complaints` its errors, warnings and policy violations."""

    def __init__(self):
        self.requests, self.complaints = [], []
        self._directory = tempfile.mkdtemp(prefix="farewell-chromium-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place_pipes():
            # First out of the way: each of the two may be where the other has to go.
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]
            for fd, place in zip(high, (3, 4)):
                os.dup2(fd, place)

        self._log = open(os.path.join(self._directory, "log"), "w+", encoding="utf-8")
        self._process = subprocess.Popen([CHROMIUM, *_FLAGS, f"--user-data-dir={self._directory}", "about:blank"], pass_fds=(3, 4),
                                         preexec_fn=place_pipes, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                         env=dict(os.environ, HOME=self._directory), start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number, self._session, self._loaded = b"", 0, None, False
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def close(self):
        # The whole of its session, and nothing else: it has helpers of its own.
        try:
            os.killpg(self._process.pid, 9)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._log.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _receive(self, end):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError("Chromium does not answer")
            part = os.read(self._read, 1 << 16)
            if not part:
                self._log.seek(0)
                raise AssertionError(f"Chromium has ended:\n{self._log.read()}")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(parameters["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(json.dumps(parameters["entry"]))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog: " + parameters["message"])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def _call(self, method, parameters=None, limit=60.0):
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters or {}}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._write, json.dumps(call).encode() + b"\0")
        end = time.monotonic() + limit
        while True:
            answer = self._receive(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def open(self, path):
        self._loaded = False
        self._call("Page.navigate", {"url": "file://" + path})
        end = time.monotonic() + 60
        while not self._loaded:
            self._note(self._receive(end))
        self.settle()

    def settle(self):
        """Two frames later everything is drawn that was asked for."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def evaluate(self, expression):
        result = self._call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def look(self, width, height=900, scheme="light", media="", scale=1):
        """The size of the window, and what its user prefers."""
        self._call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False})
        self._call("Emulation.setEmulatedMedia", {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.settle()

    def mouse(self, kind, x, y, **more):
        self._call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def click(self, x, y, count=1):
        for number in range(1, count + 1):
            self.mouse("mousePressed", x, y, button="left", clickCount=number)
            self.mouse("mouseReleased", x, y, button="left", clickCount=number)
        self.settle()

    def drag(self, begin, end):
        self.mouse("mouseMoved", *begin)
        self.mouse("mousePressed", *begin, button="left", clickCount=1)
        self.mouse("mouseMoved", *end, button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)
        self.settle()

    def key(self, key, **more):
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", {"type": kind, "key": key, **more})
        self.settle()

    def type_text(self, text):
        self._call("Input.insertText", {"text": text})
        self.settle()

    def screenshot(self, path, whole=True):
        image = self._call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def print_pages(self):
        """A PDF of the page as it would be printed."""
        return base64.b64decode(self._call("Page.printToPDF", {"printBackground": True})["data"])
