"""Attacks by a registry's storage, as a directory and in a tar."""
import gzip
import json
import os

from attack import STORE, STORE_ARCHIVE, attack
from images import Store, config, digest, layer


def store(name, made, make, status=3, says="", *, in_tar=True, **more):
    """`make` gets a store with a good image in it."""
    def made_store():
        place = Store()
        place.image()
        make(place)
        place.finish()

    attack(f"store, {name}", STORE, made, made_store, then=(status, says), **more)
    if in_tar:
        more["only"] = [each for each in more.get("only", ["copy", "verify", "serve"]) if each in STORE_ARCHIVE]
        more["but"] = {way: end for way, end in more.get("but", {}).items() if way in STORE_ARCHIVE}
        attack(f"store in tar, {name}", STORE_ARCHIVE, made, made_store, then=(status, says), **more)


# Who looks at the good image, or at all, is told of the broken one.
LISTED = {way: (0, "is broken" if way != "serve" else "is not served") for way in ("ls", "inspect", "serve")}

for title, value in [
    ("parent", "sha256:../../../../../../../../outside/secret"), ("slash", "sha256:/etc/passwd"), ("algorithm", "../../..:" + "0" * 64), ("empty", ""),
    ("no digest", "x"), ("newline", "sha256:" + "0" * 64 + "\n" + "x" * 100), ("NUL", "sha256:" + "\0" * 64), ("escape", "sha256:\x1b[2J\u202e"), ("100 MB", "100 MB"),
    ("upper", "sha256:" + "A" * 64), ("nowhere", "sha256:" + "0" * 64),
]:
    def text(value=value):
        return b"0" * 100_000_000 if value == "100 MB" else value

    for part, path in [
        ("tag", "good/_manifests/tags/2/current"), ("revision", "good/_manifests/revisions/sha256/" + "0" * 64), ("layer", "good/_layers/sha256/" + "0" * 64),
    ]:
        store(
            f"{part} link {title}", f"a {part}'s link with {value[:40]!r} in it", lambda place, path=path, text=text: place.link(path, text()), 3,
            only=["verify"] if part != "tag" else ["copy", "verify"], in_tar=part == "tag" and title not in ("100 MB",),
        but={"ls": (0, "is broken")} if part == "tag" else {"verify": (0, "")} if (part, title) == ("layer", "nowhere") else {})

for title, name in [
    ("escape", "\x1b[2J\x1b]0;x\x07"), ("RTL", "\u202egnp"), ("newline", "a\nb"), ("space", "a b"), ("upper", "EVIL"), ("dots", "..."), ("long", "a" * 200), ("not UTF-8", b"\xff\xfe"),
]:
    def renamed(place, name=name):
        where = f"{place.base}/repositories".encode()
        os.rename(where + b"/good", where + b"/" + (name if isinstance(name, bytes) else name.encode()))

    store(f"repository {title}", f"a repository called {name!r:.40}", renamed, 0,
          "" if title == "long" else "no valid name", only=["ls", "serve"], but={"verify": (0, ""), "copy": (0 if title == "long" else 4, "")})

    def retagged(place, name=name):
        where = f"{place.base}/repositories/good/_manifests/tags".encode()
        os.rename(where + b"/1", where + b"/" + (name if isinstance(name, bytes) else name.encode()))

    store(f"tag {title}", f"a tag called {name!r:.40}", retagged, 0,
          "" if title == "upper" else "no valid tag", only=["copy", "ls", "serve"], but={"verify": (0, "")})

store(
    "repositories deep", "a repository 400 directories deep", lambda place: place.image("/".join(["a"] * 400), "1"), 0, only=["copy", "ls", "verify"], in_tar=False)
store(
    "directory link in a circle", "a repository that is a link to all of them",
    lambda place: os.symlink("..", f"{place.base}/repositories/good/loop"), 0, only=["copy", "ls", "verify", "gc"])
store(
    "directory links in circles", "three links to all repositories, in each other: 3^80 ways",
    lambda place: [os.symlink(".", f"{place.base}/repositories/{name}") for name in "abc"], 0, only=["copy", "ls", "verify", "gc"])
store(
    "directory link out", "a repository that is a link to /", lambda place: os.symlink("/", f"{place.base}/repositories/root"), 3,
    "leads out", only=["copy", "ls"])


def links_to_one(place, repositories, tags, linked):
    """Repositories of whose directories one is a link to the same of the good one."""
    name = place.image("good", "t0")
    for number in range(1, tags):
        place.link(f"good/_manifests/tags/t{number}/current", name)
    for number in range(repositories):
        path = f"{place.base}/repositories/r{number}/{linked}"
        os.makedirs(os.path.dirname(path))
        os.symlink(os.path.relpath(f"{place.base}/repositories/good/{linked}", os.path.dirname(path)), path)


for linked in ["_manifests", "_manifests/tags"]:
    store(
        f"directory links to one {linked}", f"200 repositories whose {linked} are links to that of one with 200 tags",
        lambda place, linked=linked: links_to_one(place, 200, 200, linked), 3, "by a link", only=["ls", "copy"])
store(
    "blob that is another", "a layer with other bytes than its digest says",
    lambda place: open(next(f"{d}/data" for d, _, f in os.walk(f"{place.base}/blobs") if "data" in f and open(f"{d}/data", "rb").read(2) == b"\x1f\x8b"), "ab").write(b"x"), 3,
    only=["copy", "verify"])
store("manifest deep", "a manifest with 10^5 arrays", lambda place: place.manifest(b'{"layers":' + b"[" * 100_000 + b"]" * 100_000 + b"}", tag="2"), 3, but=LISTED)
store("manifest of 100 MB", "a manifest of 100 MB", lambda place: place.manifest(b" " * 100_000_000 + b"{}", tag="2"), 3, in_tar=False, but=LISTED)
store("manifest empty", "an empty manifest", lambda place: place.manifest(b"", tag="2"), 3, but=LISTED)
store(
    "manifest of schema1 without end", "a schema1 manifest with 50,000 layers",
    lambda place: place.manifest({
        "schemaVersion": 1, "name": "good", "tag": "2", "architecture": "amd64", "fsLayers": [{"blobSum": "sha256:" + "0" * 64}] * 20_000,
        "history": [{"v1Compatibility": "{}"}] * 20_000}, tag="2"), 3, only=["copy", "verify", "gc"], but={"gc": (0, "")}, in_tar=False)
store(
    "10^4 tags", "10,000 tags of one image", lambda place: [
        place.link(f"good/_manifests/tags/t{n}/{link}", name)
        for name in [place.image("good", "t")] for n in range(10_000) for link in ("current", f"index/sha256/{name[7:]}")], 0,
    only=["ls", "verify", "gc"], in_tar=False, is_slow=True)
store(
    "uploads of strange names", "uploads whose names have control characters, and are links out",
    lambda place: (
        os.makedirs(f"{place.base}/repositories/good/_uploads/\x1b[2J"),
        os.symlink("/", f"{place.base}/repositories/good/_uploads/11111111-1111-1111-1111-111111111111")), 0, only=["verify", "gc", "ls"], in_tar=False)
