"""A headless Chromium, spoken to by the Chrome DevTools Protocol over a pair of pipes."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# A loaded machine may take long; a condition that comes true ends the wait at once.
PATIENCE = 60
PROGRAMS = ("chromium-headless-shell", "chromium")


def program():
    """Path of the browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One browser process with one page."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="minewall-luci-browser-")
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()

        def take_pipes():
            # Above the two numbers that the protocol wants, so that neither overwrites the other.
            ends = os.dup2(from_us, 10), os.dup2(to_us, 11)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en",
             f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(to_us)
        self.out, self.inn = to_browser, from_browser
        self.numbers = itertools.count(1)
        self.buffer = b""
        self.session = None
        self.complaints = []
        page = self.first_page()
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.setCacheDisabled", cacheDisabled=True)

    def close(self):
        """Ends the process that was started here."""
        # No answer comes to this one.
        os.write(self.out, json.dumps({"id": next(self.numbers), "method": "Browser.close"}).encode() + b"\0")
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.inn)
        # Its children may still be writing their last.
        deadline = time.monotonic() + PATIENCE
        while os.path.exists(self.profile) and time.monotonic() < deadline:
            shutil.rmtree(self.profile, ignore_errors=True)
            time.sleep(0.05)

    def first_page(self):
        """What it opens by itself; it listens to us before."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target
            time.sleep(0.05)
        raise TimeoutError("the browser opens no page")

    def call(self, method, **params):
        """One command of the protocol, and its answer."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.inn], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.inn, 1 << 16)
            if not part:
                raise EOFError("the browser is gone")
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(line)
        self.note(message)
        return message

    def note(self, message):
        """Keeps what the page complains of: exceptions, errors on the console, failed requests, dialogs."""
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"dialog: {params['message']}")

    def open(self, url, width=1000, height=900):
        """Goes to `url` in a window of that many CSS pixels."""
        self.complaints.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState == 'complete' && location.href == " + json.dumps(url))

    def evaluate(self, expression):
        """Value of a JavaScript expression, or of the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def wait(self, condition):
        """Until the JavaScript expression is true."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self.evaluate(f"!!({condition})"):
                    return
            except RuntimeError:
                # The page is being replaced.
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"in vain: {condition}\n{self.text()}\n" + "\n".join(self.complaints))
            time.sleep(0.05)

    def text(self, selector="body"):
        """What a person reads there."""
        return self.evaluate(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText")

    def texts(self, selector):
        """The same of all that match."""
        return self.evaluate(f"Array.from(document.querySelectorAll({json.dumps(selector)}), e => e.innerText)")

    def click(self, selector):
        """A real click with the mouse on the middle of the element."""
        self.press(selector)
        self.release(selector)

    def press(self, selector):
        """The first half of a click."""
        self.wait(f"document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{ block: 'center' }})")
        self.mouse("mousePressed", selector)

    def release(self, selector):
        """The second half."""
        self.mouse("mouseReleased", selector)

    def mouse(self, kind, selector):
        place = self.evaluate(f"""(() => {{
            const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
        }})()""")
        self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def type(self, text):
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path, height=None):
        """The page as PNG, whole or the uppermost `height` CSS pixels."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
