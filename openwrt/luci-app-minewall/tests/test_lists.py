"""The page of lists, in a browser, on canned answers."""

import unittest

import canned
from case import LISTS, PageCase

OWN = "/etc/minewall/lists/mine.block"


class Lists(PageCase):
    def serve_lists(self, **answers):
        self.lists = {"feeds": [canned.feed(), canned.feed(name="gone", entries=None, last_success=None, last_error="it can't be <b>fetched</b>")],
                      "own": [{"name": "mine.block", "entries": 1}]}
        self.serve(answers={"lists": lambda _: self.lists, **answers})
        self.router.files[OWN] = "pool.example\n"
        self.open(LISTS)

    def row(self, name):
        self.browser.wait(f"document.querySelector('[data-feed={name}]')")
        return self.browser.text(f"[data-feed={name}]")

    def test_feeds_with_entries_success_error_and_a_fetch_at_once(self):
        self.serve_lists(update_lists={"ok": True})
        self.assertIn("1200", self.row("pools"))
        self.assertIn("it can't be <b>fetched</b>", self.row("gone"))
        self.assertIn("never", self.row("gone"))
        self.browser.click("[data-feed=gone] [data-deed=update]")
        self.wait_for("Under way")
        self.assertEqual(self.calls_of("update_lists"), [{"name": "gone"}])
        self.lists["feeds"][1] = canned.feed(name="gone", entries=77)
        self.wait_for("77")

    def test_own_lists_are_edited_and_checked_in_place(self):
        replies = {"take_list": {"ok": False, "error": "mine.block: it is no list"}}
        self.serve_lists(take_list=lambda _: replies["take_list"])
        self.browser.evaluate("""(() => { const files = document.querySelector('.mw-own select');
            files.value = 'mine.block'; files.dispatchEvent(new Event('change')); })()""")
        self.browser.wait("document.querySelector('.mw-own textarea').value == 'pool.example\\n'")
        self.browser.evaluate("document.querySelector('.mw-own textarea').select()")
        self.browser.type("a.example\nb.example")
        self.browser.click(".mw-own [data-deed=save]")
        self.wait_for("it is no list")
        self.assertEqual(self.router.files["/etc/minewall/lists/.mine.block.new"], "a.example\nb.example\n")
        self.browser.wait("!document.querySelector('.mw-own [data-deed=save]').disabled")
        replies["take_list"] = {"ok": True, "text": "mine.block: 2 entries in 60 bytes"}
        self.browser.click(".mw-own [data-deed=save]")
        self.wait_for("2 entries in 60 bytes")
        self.browser.wait("!document.querySelector('.mw-own [data-deed=save]').disabled")
        self.browser.click(".mw-own [data-deed=delete]")
        self.wait_for("mine.block is gone.")
        self.assertEqual(self.calls_of("take_list")[-1], {"name": "mine.block", "remove": True})

    def test_a_name_without_a_policy_is_not_even_sent(self):
        self.serve_lists(take_list={"ok": True})
        self.browser.evaluate("document.querySelector('.mw-own input').focus()")
        self.browser.type("../mine.txt")
        self.browser.click(".mw-own [data-deed=save]")
        self.wait_for("The name ends in .block, .suspect or .allow.")
        self.assertEqual(self.calls_of("take_list"), [])

    def test_what_is_known_of_a_server(self):
        reply = {"ok": True, "subject": "pool.example", "policy": "block",
                 "reasons": [{"source": "list", "reason": "list 'mine.block' has <i>pool.example</i>"}]}
        replies = {"check": reply}
        self.serve_lists(check=lambda _: replies["check"])
        self.browser.evaluate("document.querySelector('input[placeholder=\"pool.example:3333\"]').focus()")
        self.browser.type(" pool.example ")
        self.browser.click("[data-deed=check]")
        self.wait_for("pool.example: blocked")
        self.wait_for("list 'mine.block' has <i>pool.example</i>")
        self.assertEqual(self.calls_of("check"), [{"target": "pool.example"}])
        self.browser.wait("!document.querySelector('[data-deed=check]').disabled")
        replies["check"] = {"ok": False, "error": "'x y' is no name"}
        self.browser.click("[data-deed=check]")
        self.wait_for("'x y' is no name")

    def test_suggestions_are_off_until_they_are_chosen(self):
        self.serve_lists(update_lists={"ok": True})
        self.browser.wait("document.querySelectorAll('[data-suggestion]').length == 2")
        self.assertNotIn("nocoin", self.config.read_text())
        self.browser.click("[data-suggestion=nocoin] [data-deed=add]")
        self.assertTrue(self.router.applied.wait(60))
        self.browser.wait("document.querySelectorAll('[data-suggestion]').length == 1")
        self.assertIn("config feed 'nocoin'\n\toption url 'https://raw.githubusercontent.com/hoshsadiq/adblock-nocoin-list/master/hosts.txt'\n"
                      "\toption policy 'suspect'\n", self.config.read_text())
        self.assertEqual(self.calls_of("update_lists"), [{"name": "nocoin"}])

    def test_who_may_only_look(self):
        self.serve_lists()
        self.leave()
        self.router.scopes = ("read",)
        self.open(LISTS)
        self.row("pools")
        self.assertEqual(self.count("button"), 1, "looking up is all")


if __name__ == "__main__":
    unittest.main()
