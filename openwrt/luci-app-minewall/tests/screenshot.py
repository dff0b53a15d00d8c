#!/usr/bin/env python3
"""Takes the pictures for README and guide, ../screenshot.png and ../screenshot-phone.png, of the status page on canned answers."""

import math
import time

import canned
from browser import Browser
from case import PHONE, STATUS
from router import APP, Router

HEIGHT = 1100


def main():
    hosts, events = canned.household()
    began = time.monotonic()

    def status(_):
        elapsed = time.monotonic() - began
        daemon = {**canned.DAEMON, "packets": int(81_234_567 + 420 * elapsed + 90 * math.sin(elapsed) * elapsed)}
        return canned.status(daemon=daemon)

    answers = {"status": status, "hosts": {"hosts": hosts}, "events": {"events": events},
               "allow": lambda arguments: {"ok": True, "value": arguments["host"]}}
    router = Router(answers=answers)
    browser = Browser()
    try:
        browser.open(router.url(STATUS), width=940, height=HEIGHT)
        browser.wait("document.querySelector('.mw-line')?.points.length >= 12")
        browser.evaluate("window.scrollTo(0, 0)")
        browser.screenshot(APP / "screenshot.png", height=HEIGHT)
        browser.open(router.url(STATUS), **PHONE)
        browser.wait("document.querySelectorAll('.mw-host').length == 3")
        browser.wait("Array.from(document.querySelectorAll('link[rel=stylesheet]')).every((link) => link.sheet)")
        browser.screenshot(APP / "screenshot-phone.png", height=PHONE["height"])
    finally:
        browser.close()
        router.close()


if __name__ == "__main__":
    main()
