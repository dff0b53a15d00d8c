"""apk 3's own file format, ADB: packages and indexes as `apk mkpkg` and `apk mkndx` write them.

A file is blocks (doc/apk-v3.5 of apk-tools, and its src/adb.h where that is silent), deflated as a whole. The
first holds a tree: values of 32 bits (4 for the type, 28 for a number or the place of what is too large for
that), objects and arrays being their number of slots and a value for each. What is written twice is stored
once. After it come signatures, and in a package a block for each file. All numbers are little-endian.
"""

import hashlib
import struct
import subprocess
import zlib

INDEX, PACKAGE = 0x78646E69, 0x676B6370  # schemas: 'indx', 'pckg'
TREE, SIGNATURE, DATA = range(3)  # blocks
INT, INT_32, BLOB_8, BLOB_16, BLOB_32, OBJECT = (kind << 28 for kind in (1, 2, 8, 9, 0xA, 0xE))
NULL = 0
VALUE = (1 << 28) - 1
ALIGNMENT = 8  # of blocks
SHA512 = 4  # among apk's digests
IDENTITY = 20  # bytes of a package's SHA-256

# Slots, from 1.
INFO = ("name", "version", "hashes", "description", "arch", "license", "origin", "maintainer", "url", "repo-commit",
        "build-time", "installed-size", "file-size", "provider-priority", "depends")
SCRIPTS = ("trigger", "pre-install", "post-install", "pre-deinstall", "post-deinstall", "pre-upgrade", "post-upgrade")


class Tree:
    """The first block, under construction."""

    def __init__(self):
        self.data = bytearray(8)  # version 0, and the root
        self.known = {}

    def store(self, data, alignment, shared=True):
        place = self.known.get(data)
        if place is None or place % alignment or not shared:
            self.data += bytes(-len(self.data) % alignment)
            place = len(self.data)
            self.data += data
            if shared:
                self.known[data] = place
        return place

    def number(self, value):
        if value < 1 << 28:
            return INT | value
        return INT_32 | self.store(struct.pack("<I", value), 4)

    def blob(self, data, shared=True):
        if isinstance(data, str):
            data = data.encode()
        if not data:
            return NULL
        for kind, width, form in ((BLOB_8, 1, "<B"), (BLOB_16, 2, "<H"), (BLOB_32, 4, "<I")):
            if len(data) < 1 << 8 * width:
                return kind | self.store(struct.pack(form, len(data)) + data, width, shared)
        raise ValueError("longer than a blob can be")

    def object(self, *values):
        """apk writes arrays as objects, too."""
        while values and values[-1] == NULL:
            values = values[:-1]
        if not values:
            return NULL
        return OBJECT | self.store(struct.pack(f"<{len(values) + 1}I", len(values) + 1, *values), 4)

    def root(self, value):
        struct.pack_into("<I", self.data, 4, value)

    def info(self, fields, hashes):
        """A package's: `fields` by the names of INFO. `hashes` gives that value once the others are written."""
        values = {}
        for name in INFO:
            value = fields.get(name)
            if name == "depends":
                named = {depend: self.object(self.blob(depend)) for depend in value or ()}
                values[name] = self.object(*(named[depend] for depend in sorted(named)))
            elif isinstance(value, int):
                values[name] = self.number(value)
            elif value:
                values[name] = self.blob(value)
        values["hashes"] = hashes()
        return self.object(*(values.get(name, NULL) for name in INFO))


def block(kind, *parts):
    """One block, with the padding after it."""
    length = 4 + sum(map(len, parts))
    return b"".join([struct.pack("<I", kind << 30 | length), *parts, bytes(-length % ALIGNMENT)])


def package(fields, entries, scripts, epoch, key=None):
    """A package: `fields` by the names of INFO, `scripts` by those of SCRIPTS, `entries` (path, mode, bytes or None
    for a folder, folders before what they hold), all of which belong to root. Signed if there is a `key` (PEM)."""
    folders = {"": (0o755, [])}
    for path, mode, data in entries:
        parent, _, name = path.rpartition("/")
        if data is None:
            folders[path] = (mode, [])
        else:
            folders[parent][1].append((name, mode, data))
    folders = sorted((path, mode, sorted(files)) for path, (mode, files) in folders.items())

    # All in mkpkg's order, so that the bytes are the same.
    tree = Tree()
    stored, identity = [], []

    def acl(mode):
        return tree.object(tree.number(mode), tree.blob("root"), tree.blob("root"))

    def hashes():
        for folder, mode, files in folders:
            contents = []
            for name, file_mode, data in files:
                text, digest = tree.blob(name), tree.blob(hashlib.sha256(data).digest())
                time, size = tree.number(epoch), tree.number(len(data))
                contents.append(tree.object(text, acl(file_mode), size, time, digest))
            text, owner = tree.blob(folder), acl(mode)
            stored.append(tree.object(text, owner, tree.object(*contents)))
        identity.append(tree.blob(bytes(IDENTITY), shared=False))
        return identity[0]

    info = tree.info(fields, hashes)
    paths = tree.object(*stored)
    tree.root(tree.object(info, paths, tree.object(*(tree.blob(scripts.get(name)) for name in SCRIPTS))))
    # The digest of the tree without it.
    place = (identity[0] & VALUE) + 1
    tree.data[place : place + IDENTITY] = hashlib.sha256(tree.data).digest()[:IDENTITY]
    contents = [block(DATA, struct.pack("<II", path, number), data)
                for path, (_, _, files) in enumerate(folders, 1)
                for number, (_, _, data) in enumerate(files, 1) if data]
    return file(PACKAGE, bytes(tree.data), key, contents)


def index(description, packages, key=None):
    """An index of `packages`: (fields by the names of INFO, bytes) of each."""
    tree = Tree()
    infos = []
    for fields, data in sorted(packages, key=lambda package: package[0]["name"]):
        digest = hashlib.sha256(tree_of(data)).digest()
        infos.append(tree.info(fields | {"file-size": len(data)}, lambda digest=digest: tree.blob(digest)))
    text = tree.blob(description)
    tree.root(tree.object(text, tree.object(*infos)))
    return file(INDEX, bytes(tree.data), key)


def tree_of(data):
    """The first block of a file of ours."""
    whole = zlib.decompress(data[4:], -15)
    (word,) = struct.unpack_from("<I", whole, 8)
    return whole[12 : 8 + (word & 0x3FFFFFFF)]


def file(schema, tree, key, contents=()):
    signatures = [block(SIGNATURE, sign(schema, tree, key))] if key else []
    whole = b"".join([struct.pack("<4sI", b"ADB.", schema), block(TREE, tree), *signatures, *contents])
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"ADBd" + deflater.compress(whole) + deflater.flush()


def sign(schema, tree, key):
    """Version 0 of a signature: version, digest, the key's identity, and what OpenSSL says of all that and the digest."""
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                            stdout=subprocess.PIPE).stdout
    head = struct.pack("<BB16s", 0, SHA512, hashlib.sha512(bare_key(public)).digest()[:16])
    signed = struct.pack("<I", schema) + head + hashlib.sha512(tree).digest()
    command = ["openssl", "dgst", "-sha512", "-sign", key]
    return head + subprocess.run(command, input=signed, check=True, stdout=subprocess.PIPE).stdout


def bare_key(public):
    """The point of a key on P-256, from its SubjectPublicKeyInfo (RFC 5480), which ends with it."""
    point = public[-65:]
    if len(public) != 91 or point[0] != 4:
        raise ValueError("not a key on P-256")
    return point
