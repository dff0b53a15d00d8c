"""A pool for real proxies to stand in front of: it knows CryptoNote's login and Zcash's subscription."""

import json
import socketserver

HASH = "4adf702bfa06ce7aca402261eee1fbe13619bf69ec5b52dbc4144fd3cda1250a"


class Pool(socketserver.StreamRequestHandler):
    """One session."""

    def say(self, **message):
        self.wfile.write((json.dumps(message) + "\n").encode())

    def handle(self):
        for line in self.rfile:
            try:
                message = json.loads(line)
            except ValueError:
                return
            number, method = message.get("id"), message.get("method")
            if method == "login":
                job = {"blob": HASH * 3, "job_id": "Q7r0kGzT", "target": "b88d0600"}
                self.say(id=number, jsonrpc="2.0", error=None, result={"id": "7c6b7a1a", "job": job, "status": "OK"})
            elif method == "mining.subscribe":
                self.say(id=number, error=None, result=[None, "7000b014"])
            elif method == "mining.authorize":
                self.say(id=number, error=None, result=True)
                self.say(id=None, method="mining.set_target", params=["0007" + "f" * 60])
                header = ["04000000", HASH, HASH, "00" * 32, "5e0f1a2b", "1f07ffff"]
                self.say(id=None, method="mining.notify", params=["1", *header, True])
            else:
                self.say(id=number, error=[20, "Other/Unknown", None], result=None)


class Server(socketserver.ThreadingTCPServer):
    """Every session in a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", 3333), Pool).serve_forever()
