"""A node of Bitcoin's regtest that knows the first block and no other: all that ElectrumX asks for."""

import http.server
import json

HASH = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
HEADER = (
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    "dae5494dffff7f2002000000"
)
COINBASE = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054"
    "696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420"
    "666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61"
    "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
BLOCK = HEADER + "01" + COINBASE
ANSWERS = {
    "getblockcount": 0,
    "getblockhash": HASH,
    "getrawmempool": [],
    "getnetworkinfo": {"version": 250000, "relayfee": 0.00001},
    "estimatesmartfee": {"feerate": 0.0001, "blocks": 2},
}


def answer(request):
    """The answer to one request."""
    method, params = request["method"], request.get("params") or []
    number = request.get("id")
    if method == "getblock":
        verbose = len(params) > 1 and params[1]
        result = {"hash": HASH, "height": 0, "tx": [], "hex": BLOCK} if verbose else BLOCK
        return {"id": number, "result": result, "error": None}
    if method in ANSWERS:
        return {"id": number, "result": ANSWERS[method], "error": None}
    return {"id": number, "result": None, "error": {"code": -32601, "message": "Method not found"}}


class Node(http.server.BaseHTTPRequestHandler):
    """JSON-RPC over HTTP, single requests and batches."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_batch = isinstance(request, list)
        body = json.dumps([answer(part) for part in request] if is_batch else answer(request)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 18443), Node).serve_forever()
