"""The router's side of LuCI: files, menu, sessions with their rights, and ubus over HTTP.

The menu and the rights are read from the package's own files, as LuCI and rpcd read them. Calls of the
object `minewall` go to a plugin of rpcd's, run as rpcd runs it (`PLUGIN list`, `PLUGIN call METHOD` with
JSON on standard input), or to canned answers; `uci` is a model over one file.
"""

import fnmatch
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

APP = Path(__file__).resolve().parent.parent
MODEL = Path(__file__).resolve().parent / "model"
RESOURCES = "/luci-static/resources/"
PAGES = "/cgi-bin/luci/"
TYPES = {".js": "text/javascript", ".css": "text/css"}

# Of ubus.
OK, INVALID_ARGUMENT, METHOD_NOT_FOUND, NOT_FOUND, DENIED, UNKNOWN_ERROR = 0, 2, 3, 4, 6, 9
RPC_ACCESS_DENIED = -32002


class Uci:
    """One configuration file: sections with options and lists, no comments kept."""

    def __init__(self, path):
        self.path = Path(path)
        self.staged = None

    def read(self):
        sections = {}
        current = None
        for line in self.path.read_text().splitlines():
            words = re.findall(r"'([^']*)'|(\S+)", line.split("#")[0] if line.lstrip().startswith("#") else line)
            words = [quoted or bare for quoted, bare in words]
            match words:
                case ["config", kind, name]:
                    current = sections[name] = {".type": kind, ".name": name, ".anonymous": False}
                case ["option", name, value]:
                    current[name] = value
                case ["list", name, value]:
                    current.setdefault(name, []).append(value)
        return sections

    def values(self):
        return self.staged if self.staged is not None else self.read()

    def set(self, section, values):
        self.staged = self.values()
        self.staged.setdefault(section, {}).update(values)

    def add(self, kind, section):
        self.staged = self.values()
        self.staged[section] = {".type": kind, ".name": section, ".anonymous": False}

    def delete(self, section, options):
        """Options, or without any the whole section."""
        self.staged = self.values()
        for option in options:
            self.staged[section].pop(option, None)
        if not options:
            self.staged.pop(section)

    def apply(self):
        if self.staged is None:
            return
        lines = []
        for name, options in self.staged.items():
            lines.append(f"config {options['.type']} '{name}'")
            for option, value in options.items():
                if isinstance(value, list):
                    lines += [f"\tlist {option} '{item}'" for item in value]
                elif not option.startswith("."):
                    lines.append(f"\toption {option} '{value}'")
        self.path.write_text("\n".join(lines) + "\n")
        self.staged = None


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A browser that leaves a page drops its connections.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Router:
    """Serves on a free port of the loopback interface; `calls` lists every call of ubus."""

    def __init__(self, plugin=None, answers=None, config=None):
        self.plugin = plugin
        self.answers = answers or {}
        self.uci = Uci(config) if config else None
        self.calls = []
        # Contents of files, by path; what a page writes comes here.
        self.files = {}
        self.applied = threading.Event()
        self.rights = json.loads((APP / "root/usr/share/rpcd/acl.d/luci-app-minewall.json").read_text())
        self.menu = json.loads((APP / "root/usr/share/luci/menu.d/luci-app-minewall.json").read_text())
        self.scopes = ("read", "write")
        self.catalogue = {}
        self.server = Server(("127.0.0.1", 0), handler_of(self))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{PAGES}{path}"

    def may(self, kind, name, method=None, scopes=None):
        """Whether a group of the package grants it."""
        for group in self.rights.values():
            for scope in scopes or self.scopes:
                granted = group.get(scope, {}).get(kind, [])
                if name in granted and (method is None or method in granted[name]):
                    return True
        return False

    def call(self, name, method, arguments):
        """(code, answer) of a call of ubus."""
        self.calls.append((name, method, arguments))
        if name == "uci":
            if not self.may("uci", "minewall", scopes=("read",) if method == "get" else ("write",)) or (
                    method != "get" and "write" not in self.scopes):
                return DENIED, None
            return self.call_uci(method, arguments)
        if name == "file":
            return self.call_file(method, arguments)
        if not self.may("ubus", name, method):
            return None, None
        if method in self.answers:
            answer = self.answers[method]
            answer = answer(arguments) if callable(answer) else answer
            return (answer, None) if isinstance(answer, int) else (OK, answer)
        if not self.plugin:
            return NOT_FOUND, None
        return self.call_plugin(method, arguments)

    def call_file(self, method, arguments):
        path = arguments["path"]
        patterns = [pattern for group in self.rights.values() for scope in self.scopes
                    for pattern, granted in group.get(scope, {}).get("file", {}).items() if method in granted]
        if not any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
            return DENIED, None
        if method == "write":
            self.files[path] = arguments["data"]
            return OK, None
        return (OK, {"data": self.files[path]}) if path in self.files else (NOT_FOUND, None)

    def call_plugin(self, method, arguments):
        offered = json.loads(subprocess.run([*self.plugin, "list"], capture_output=True, check=True).stdout)
        if method not in offered:
            return METHOD_NOT_FOUND, None
        policy = offered[method]
        given = {key: value for key, value in arguments.items() if value is not None}
        # As rpcd has it: an argument that is not in the list, or of another type, is invalid.
        if any(type(policy.get(key)) is not type(value) for key, value in given.items()):
            return INVALID_ARGUMENT, None
        run = subprocess.run([*self.plugin, "call", method], input=json.dumps(given).encode(), capture_output=True)
        try:
            return OK, json.loads(run.stdout)
        except ValueError:
            return UNKNOWN_ERROR, None

    def call_uci(self, method, arguments):
        match method:
            case "get":
                return OK, {"values": self.uci.values()}
            case "set":
                self.uci.set(arguments["section"], arguments["values"])
            case "delete":
                self.uci.delete(arguments["section"], arguments.get("options", []))
            case "add":
                self.uci.add(arguments["type"], arguments["name"])
            case "apply":
                self.uci.apply()
                self.applied.set()
        return OK, None

    def page(self, path):
        """The HTML of one page of the menu, or of the overview."""
        env = {"sessionid": "0" * 32, "scriptname": PAGES.rstrip("/"), "resource": RESOURCES.rstrip("/"),
               "pollinterval": 1, "catalogue": self.catalogue, "tabs": []}
        if path == "admin/status/overview":
            folder = APP / "htdocs/luci-static/resources/view/status/include"
            env["view"] = "overview"
            env["includes"] = sorted(f"view.status.include.{file.stem}" for file in folder.glob("*.js"))
        else:
            node = self.menu.get(path)
            if not node or node["action"]["type"] != "view":
                return None
            parent = path.rsplit("/", 1)[0]
            groups = self.menu[parent]["depends"]["acl"]
            env["view"] = "view." + node["action"]["path"].replace("/", ".")
            env["nodespec"] = {"satisfied": True, "readonly": "write" not in self.scopes or
                               not any("write" in self.rights[group] for group in groups)}
            siblings = sorted((entry.get("order", 0), entry["title"], key) for key, entry in self.menu.items()
                              if key.startswith(parent + "/"))
            env["tabs"] = [{"title": title, "url": PAGES + key, "active": key == path} for _, title, key in siblings]
        page = (MODEL / "page.html").read_text()
        return page.replace("/*ENV*/", json.dumps(env).replace("</", "<\\/"))


def handler_of(router):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, body, kind, status=200):
            body = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            path = self.path.split("?")[0]
            if path.startswith(RESOURCES) and ".." not in path:
                name = path.removeprefix(RESOURCES)
                for folder in (APP / "htdocs/luci-static/resources", MODEL):
                    if (folder / name).is_file():
                        return self.answer((folder / name).read_bytes(), TYPES[Path(name).suffix])
            if path.startswith(PAGES):
                page = router.page(path.removeprefix(PAGES))
                if page:
                    return self.answer(page, "text/html")
            return self.answer("not found", "text/plain", 404)

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _session, name, method, arguments = request["params"]
            code, data = router.call(name, method, arguments)
            reply = {"jsonrpc": "2.0", "id": request["id"]}
            if code is None:
                reply["error"] = {"code": RPC_ACCESS_DENIED, "message": "Access denied"}
            else:
                reply["result"] = [code] if data is None else [code, data]
            return self.answer(json.dumps(reply), "application/json")

    return Handler
