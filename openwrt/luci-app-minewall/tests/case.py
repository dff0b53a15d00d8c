"""What the tests of the pages have in common: one browser for all, a router of its own for each."""

import json
import re
import tempfile
import time
import unittest
from pathlib import Path

import canned
from browser import PATIENCE, Browser
from catalogue import literals
from router import APP, Router

DEFAULT_FILE = APP.parent / "minewall/files/minewall.conf"
STATUS = "admin/services/minewall/status"
SETTINGS = "admin/services/minewall/settings"
LISTS = "admin/services/minewall/lists"
OVERVIEW = "admin/status/overview"
PHONE = {"width": 360, "height": 740}


class PageCase(unittest.TestCase):
    """A test opens pages of `self.router` in `self.browser`."""

    browser = None

    @classmethod
    def setUpClass(cls):
        if PageCase.browser is None:
            PageCase.browser = Browser()
            unittest.addModuleCleanup(PageCase.close)

    @staticmethod
    def close():
        PageCase.browser.close()
        PageCase.browser = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="minewall-luci-")
        self.addCleanup(scratch.cleanup)
        self.config = Path(scratch.name) / "minewall"
        self.config.write_text(DEFAULT_FILE.read_text())
        # Parts of what the browser may complain of, now or when it gets to it.
        self.expected_complaints = []
        self.serve()

    def serve(self, **options):
        """A router with these answers, and nothing to tell but them."""
        answers = {"status": canned.status(), "hosts": {"hosts": []}, "events": {"events": []}}
        self.router = Router(answers={**answers, **options.pop("answers", {})}, config=self.config, **options)
        self.addCleanup(self.router.close)

    def open(self, page, **window):
        """Opens a page and waits until it is drawn, in its styles."""
        self.browser.open(self.router.url(page), **window)
        self.browser.wait("document.body.hasAttribute('data-ready')")
        self.browser.wait("Array.from(document.querySelectorAll('link[rel=stylesheet]')).every((link) => link.sheet)")

    def leave(self):
        """Away from the page; holds it to what every page has to keep."""
        parsed = self.browser.evaluate("L.parsed")
        strange = [text for text in parsed if not any(pattern.fullmatch(text) for pattern in TEMPLATES)]
        self.assertEqual(strange, [], "parsed as HTML, and not one of our own texts")
        unexpected = [text for text in self.browser.complaints
                      if not any(part in text for part in self.expected_complaints)]
        self.assertEqual(unexpected, [])
        self.browser.open("about:blank")

    def tearDown(self):
        if self.browser.evaluate("'L' in window"):
            self.leave()

    def wait_for(self, text):
        """Until the page says `text`."""
        self.browser.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def until(self, condition):
        """Until `condition()` is true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.05)

    def count(self, selector):
        return self.browser.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")

    def calls_of(self, method):
        """Arguments of all calls of a method of ours."""
        return [arguments for name, called, arguments in list(self.router.calls) if (name, called) == ("minewall", method)]


def template(text):
    """A pattern for what a text of ours may become when its places are filled with numbers and texts of ours."""
    return re.compile(re.sub(r"%(?:\d\\\$)?(?:\\\.\d)?[a-z]", r"[\\w /.,:%-]*", re.escape(text)), re.DOTALL)


# Ours, and the title of a dialog of the model's. Descriptions of numbers and lists are two of ours joined by a space.
TEMPLATES = [template(text) for text in [*literals(), "Save error"]]
TEMPLATES += [re.compile(f"{help.pattern} {end.pattern}", re.DOTALL) for help in TEMPLATES[:] for end in TEMPLATES[:]
              if any(part in end.pattern.replace("\\", "") for part in ("if empty", "If none is given"))]
