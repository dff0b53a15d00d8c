"""Reads files of apk 3 for the tests, by apk's documentation (doc/apk-v3.5) and nothing of adb.py's.

Whatever is not as it is documented is an AssertionError: blocks in order, padding of zeroes, values inside the
tree, each file's digest, and a package's identity.
"""

import hashlib
import subprocess
import zlib

DEPENDENCY = ("name", "version", "match")
INFO = ("name", "version", "hashes", "description", "arch", "license", "origin", "maintainer", "url", "repo-commit",
        "build-time", "installed-size", "file-size", "provider-priority", ("depends", [DEPENDENCY]))
ACL = ("mode", "user", "group")
FILE = ("name", ("acl", ACL), "size", "mtime", "hash", "target")
FOLDER = ("name", ("acl", ACL), ("files", [FILE]))
SCRIPTS = ("trigger", "pre-install", "post-install", "pre-deinstall", "post-deinstall", "pre-upgrade", "post-upgrade")
SCHEMAS = {
    b"pckg": (("info", INFO), ("paths", [FOLDER]), ("scripts", SCRIPTS)),
    b"indx": ("description", ("packages", [INFO])),
}


def number(data, place, width=4):
    assert 0 <= place and place + width <= len(data), "outside"
    return int.from_bytes(data[place : place + width], "little")


def value(tree, word, schema):
    """What `word` stands for: a number, bytes, a list (of a schema in a list) or a dictionary (of a tuple)."""
    kind, rest = word >> 28, word & 0xFFFFFFF
    if isinstance(schema, (tuple, list)):
        if word == 0:
            return [] if isinstance(schema, list) else {}
        assert kind in (0xD, 0xE) and rest % 4 == 0, "neither array nor object"
        words = [number(tree, rest + 4 * slot) for slot in range(1, number(tree, rest))]
        if isinstance(schema, list):
            return [value(tree, word, schema[0]) for word in words]
        assert len(words) <= len(schema), "more fields than the schema has"
        named = [field if isinstance(field, tuple) else (field, None) for field in schema]
        return {name: value(tree, word, inner) for (name, inner), word in zip(named, words)
                if word or isinstance(inner, list)}
    if kind == 1:
        return rest
    if kind in (2, 3):
        return number(tree, rest, 4 * (kind - 1))
    assert kind in (8, 9, 10), f"a value of kind {kind}"
    width = {8: 1, 9: 2, 10: 4}[kind]
    assert rest % width == 0, "not aligned"
    length = number(tree, rest, width)
    assert rest + width + length <= len(tree), "outside"
    return bytes(tree[rest + width : rest + width + length])


class File:
    """A file: `kind` (b'pckg', b'indx'), `root` as dictionaries, `tree` (the first block's bytes), `signatures`, and
    of a package `files`, path to (mode, bytes), and `folders`, path to mode."""

    def __init__(self, data):
        assert data[:4] == b"ADBd", "not a deflated file of apk's"
        inflater = zlib.decompressobj(-15)
        whole = inflater.decompress(data[4:])
        assert inflater.eof and not inflater.unused_data, "cut short, or more behind it"
        assert whole[:4] == b"ADB."
        self.kind = whole[4:8]
        blocks, place = [], 8
        while place < len(whole):
            word = number(whole, place)
            length = word & 0x3FFFFFFF
            end = place + length
            assert 4 <= length and end <= len(whole), "a block is cut short"
            blocks.append((word >> 30, whole[place + 4 : end]))
            place = end + -length % 8
            assert not any(whole[end:place]) and place <= len(whole), "padding"
        kinds = [kind for kind, _ in blocks]
        assert kinds == sorted(kinds) and kinds.count(0) == 1, "blocks out of order"
        self.tree = blocks[0][1]
        assert self.tree[:4] == bytes(4), "another version"
        self.signatures = [block for kind, block in blocks if kind == 1]
        self.root = value(self.tree, number(self.tree, 4), SCHEMAS[self.kind])
        if self.kind == b"pckg":
            self.read_files([block for kind, block in blocks if kind == 2])
            self.check_identity()

    def read_files(self, blocks):
        self.folders, self.files, self.times, owners = {}, {}, set(), set()
        waiting = {(number(block, 0), number(block, 4)): block[8:] for block in blocks}
        assert list(waiting) == sorted(waiting) and len(waiting) == len(blocks), "files out of order"
        for place, folder in enumerate(self.root["paths"], 1):
            path = folder.get("name", b"").decode()
            self.folders[path] = folder["acl"]["mode"]
            owners.add((folder["acl"]["user"], folder["acl"]["group"]))
            for slot, file in enumerate(folder.get("files", ()), 1):
                data = waiting.pop((place, slot), b"")
                name = f"{path}/{file['name'].decode()}".lstrip("/")
                assert file["size"] == len(data) and file["hash"] == hashlib.sha256(data).digest(), name
                self.files[name] = file["acl"]["mode"], data
                self.times.add(file["mtime"])
                owners.add((file["acl"]["user"], file["acl"]["group"]))
        assert not waiting, "files that nothing names"
        assert owners == {(b"root", b"root")}

    def check_identity(self):
        """The first 20 bytes of the tree's SHA-256, calculated with zeroes in their place."""
        identity = self.root["info"]["hashes"]
        assert len(identity) == 20 and self.tree.count(identity) == 1
        assert hashlib.sha256(self.tree.replace(identity, bytes(20))).digest()[:20] == identity

    def is_signed_by(self, public, scratch):
        """Whether the key in the file `public` (PEM) has made a signature; `scratch` is a folder for one."""
        der = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout
        for signature in self.signatures:
            head = signature[:18]
            # Version 0, SHA-512, and of the key's: the end of its DER is the point on the curve.
            if head == b"\0\4" + hashlib.sha512(der[-65:]).digest()[:16]:
                signed = self.kind + head + hashlib.sha512(self.tree).digest()
                (scratch / "signature").write_bytes(signature[18:])
                verify = ["openssl", "dgst", "-sha512", "-verify", public, "-signature", scratch / "signature"]
                if subprocess.run(verify, input=signed, stdout=subprocess.DEVNULL).returncode == 0:
                    return True
        return False
