"""Attacks by OCI layouts, as directories and in tars."""
import json
import os

from attack import OCI, OCI_ARCHIVE, attack
from images import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Layout, config, digest, layer

NOWHERE = "sha256:" + "0" * 64
OUTSIDE = "../" * 20


def layout(name, made, make, status=3, says="", *, is_deep=False, in_tar=True, **more):
    """`make` gets an empty layout. What is deep is not seen by who only lists what there is."""
    if is_deep:
        more["but"] = {"ls": (0, ""), **more.get("but", {})}
    def made_layout():
        place = Layout()
        make(place)

    def add(transport, ways):
        but = {way: end for way, end in more.get("but", {}).items() if way in ways}
        attack(f"{transport}, {name}", ways, made, made_layout, then=(status, says), **{**more, "but": but})

    add("oci", OCI)
    if in_tar and set(more.get("only", OCI_ARCHIVE)) <= set(OCI_ARCHIVE):
        add("oci-archive", OCI_ARCHIVE)


def entry(**changes):
    def make(place):
        place.entries = [{**place.image(), **changes}]
        place.finish()
    return make


def blob(place, value, kind=OCI_MANIFEST, **changes):
    place.add(place.put(value, kind, **changes)).finish()


# Digests and sizes in descriptors

for title, value in [
    ("parent", "sha256:../../../../outside/secret"), ("parents", OUTSIDE + "etc/passwd"), ("slash", "sha256:/etc/passwd"), ("algorithm", "../..:" + "0" * 64),
    ("dot", "sha256:."), ("empty", ""), ("no hex", "sha256:" + "g" * 64), ("upper case", "sha256:" + "A" * 64), ("short", "sha256:0"), ("long", "sha256:" + "0" * 100_000),
    ("NUL", "sha256:" + "0" * 63 + "\0"), ("number", 5), ("null", None), ("md5", "md5:" + "0" * 32), ("escape", "sha256:\x1b[2J\u202e"), ("newline", "sha256:\n" + "0" * 63),
]:
    layout(f"digest {title}", f"index.json refers to {value!r:.60}", entry(digest=value), 3)
    layout(
        f"layer's digest {title}", f"a layer's digest is {value!r:.60}",
        lambda place, value=value: place.add(place.image(layers=[{"mediaType": OCI_LAYER, "digest": value, "size": 1}])).finish(), 3, is_deep=True)
for title, value in [
    ("-1", -1), ("2^63-1", (1 << 63) - 1), ("2^63", 1 << 63), ("2^64", 1 << 64), ("1e30", 1e30), ("1.5", 1.5), ("text", "1"), ("null", None), ("0", 0), ("one more", 1 << 20),
]:
    layout(f"size {title}", f"index.json gives the size {value}", entry(size=value), 3, is_deep=value in (0, 1 << 20))
    layout(
        f"layer's size {title}", f"a layer's size is {value}",
        lambda place, value=value: place.add(place.image(
            layers=[{**place.put(layer(), OCI_LAYER), "size": value}])).finish(), 3, only=["copy", "verify", "to oci"])
layout(
    "sizes that overflow together", "three layers of 2^62 bytes each",
    lambda place: place.add(place.image(layers=[
        {"mediaType": OCI_LAYER, "digest": f"sha256:{n}" + "0" * 63, "size": 1 << 62} for n in range(3)])).finish(), 3,
    only=["copy", "verify", "inspect"])

# Annotations and names

for title, value in [
    ("parent", "../../evil"), ("slash", "/evil"), ("path in tag", "a:../../evil"), ("NUL", "a\0b"), ("escape", "\x1b[2J"), ("RTL", "\u202eevil"), ("empty", ""),
    ("reserved", "_uploads"), ("long", "a" * 100_000), ("encoded", "%2e%2e%2fevil"), ("newline", "a\nb"),
]:
    layout(f"ref.name {title}", f"the annotation ref.name is {value[:40]!r}", lambda place, value=value: place.add(place.image(), value).finish(), 0)
    layout(
        f"image.name {title}", f"the annotation io.containerd.image.name is {value[:40]!r}",
        lambda place, value=value: place.add(place.image(), **{"io.containerd.image.name": f"host/{value}:1"}).finish(), 0)
layout(
    "annotations escape", "escape sequences in other annotations, and in a platform",
    lambda place: place.add(
        {**place.image(annotations={"\x1b[2J": "\x1b]0;x\x07"}), "platform": {"os": "\x1b[2J", "architecture": "\u202e"}},
        **{"org.opencontainers.image.title": "\x1b[2J"}).finish(), 0)
layout(
    "media type escape", "an escape sequence in a media type",
    lambda place: place.add({**place.image(), "mediaType": "\x1b[2J"}).finish(), 0)
layout(
    "artifact type escape", "escape sequences in the type of an artifact, and in a layer's",
    lambda place: place.add(place.image(artifactType="\x1b[2J", layers=[place.put(layer(), "\x1b]0;x\x07")])).finish(), 0)
layout(
    "10^5 annotations", "10^5 annotations on one entry",
    lambda place: place.add(place.image(), **{f"key{n}": "x" for n in range(100_000)}).finish(), 0)
layout(
    "one tag for two", "two images with the same tag",
    lambda place: place.add(place.image()).add(place.image(layer("other"))).finish(), 1, only=["copy"])
layout(
    "tags in NFC and NFD", "two tags that look the same",
    lambda place: place.add(place.image(), "caf\u00e9").add(place.image(layer("other")), "cafe\u0301").finish(), 0, only=["copy", "ls", "serve", "to oci"])

# Indexes that refer to themselves need a digest that cannot be had: so the bytes are not those that the digest says.


def forged(place, name, value):
    data = json.dumps(value).encode()
    with open(place.blob_path(name), "wb") as file:
        file.write(data)
    return {"mediaType": OCI_INDEX, "digest": name, "size": len(data)}


def itself(place):
    name = "sha256:" + "1" * 64
    child = {"mediaType": OCI_INDEX, "digest": name, "size": 300}
    for _ in range(3):
        child = forged(place, name, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]})
    place.add(child).finish()


def each_other(place):
    names = ["sha256:" + "1" * 64, "sha256:" + "2" * 64]
    child = {"mediaType": OCI_INDEX, "digest": names[1], "size": 300}
    for number in range(6):
        child = forged(place, names[number % 2], {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]})
    place.add(child).finish()


def nested(place, depth):
    child = place.image()
    for _ in range(depth):
        child = place.index(child)
    place.add(child).finish()


def doubling(place, depth):
    """Each index has the one below twice: 2^depth ways, depth documents."""
    child = place.image()
    for _ in range(depth):
        child = place.index(child, child)
    place.add(child).finish()


def artifact(place, payload=None, **changes):
    layers = [] if payload is None else [place.put(payload, "application/x")]
    return place.put({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": place.put({}, "application/x"), "layers": layers, **changes,
    }, OCI_MANIFEST)


def repeated(place, depth, count):
    """Each index has the one below many times; no image is at the end, so that nothing that looks for one comes to an end soon."""
    child = artifact(place)
    for _ in range(depth):
        child = place.index(*[child] * count)
    place.add(child).finish()


def large_repeated(place, count):
    """An index that lists one large index many times."""
    large = place.index(artifact(place), annotations={f"key{n}": "x" for n in range(100_000)})
    place.add(place.index(*[large] * count)).finish()


def shared(place, indexes, manifests):
    """Named indexes that have all of their manifests in common."""
    common = place.index(*(artifact(place, annotations={"n": f"{n}"}) for n in range(manifests)))
    for number in range(indexes):
        place.add(place.index(common, annotations={"n": f"{number}"}), f"t{number}")
    place.finish()


def lists(place, tags, manifests):
    """Fallback tags of referrers that all name one index."""
    index = place.index(*(artifact(place, annotations={"n": f"{n}"}) for n in range(manifests)))
    for number in range(tags):
        place.add(index, f"sha256-{number:064x}")
    place.finish()


def attachments(place, count):
    """Signatures by cosign's kind: all are one, and its payload is large."""
    signature = artifact(place, {"critical": {"image": {"docker-manifest-digest": NOWHERE}}, "x": [0] * 1_300_000})
    for number in range(count):
        place.add(signature, f"t{number}", kind="dev.cosignproject.cosign/sigs")
    place.finish()


def missing_children(place, names, manifests):
    index = place.index(*({"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064x}", "size": 100} for n in range(manifests)))
    for number in range(names):
        place.add(index, f"t{number}")
    place.finish()


def listing_itself(place):
    image = place.image()
    place.write("index.json", {"schemaVersion": 2, "manifests": [image]})
    data = open(f"{place.path}/index.json", "rb").read()
    place.finish({"schemaVersion": 2, "manifests": [{"mediaType": OCI_INDEX, "digest": digest(data), "size": len(data)}]})


layout("index that refers to itself", "an index that lists its own digest", itself, 3, is_deep=True)
layout("indexes that refer to each other", "two indexes that list each other's digests", each_other, 3, is_deep=True)
layout("index.json lists index.json", "the digest of an index.json that is no blob", listing_itself, 3, but={"ls": (0, "")})
layout("index in index, 1,000", "1,000 indexes, each in the next", lambda place: nested(place, 1000), 3, "deep", is_deep=True)
layout("index twice in index, 8", "8 indexes, each twice in the next: 256 ways to one image", lambda place: doubling(place, 8), 0)
layout(
    "index 30 times in index, 8", "8 indexes, each 30 times in the next: 30^8 ways to one artifact",
    lambda place: repeated(place, 8, 30), 0)
layout("large index 100 times in index", "an index that lists one of 1.5 MB 100 times", lambda place: large_repeated(place, 100), 0)
layout(
    "indexes that share manifests", "400 indexes that have 400 manifests in common: 160,000 pairs",
    lambda place: shared(place, 400, 400), 0, only=["ls", "verify"])
layout(
    "indexes that share manifests, to copy", "100 indexes that have 100 manifests in common: 10,000 pairs",
    lambda place: shared(place, 100, 100), 0, only=["copy", "to oci"])
layout(
    "fallback tags of one list", "150 fallback tags that name one list of 150 manifests",
    lambda place: lists(place, 150, 150), 0, only=["copy", "ls", "to oci", "verify"])
layout(
    "attachments that are one", "60 names of one signature, whose payload has 2.6 MB", lambda place: attachments(place, 60), 0,
    only=["copy", "ls", "verify"])
layout(
    "missing manifests of many names", "2,000 names of one index that lists 2,000 manifests that are not there",
    lambda place: missing_children(place, 2000, 2000), 3, only=["verify"])
layout("index twice in index, 100", "100 indexes, each twice in the next: 2^100 ways", lambda place: doubling(place, 100), 3, "deep", is_deep=True)
layout(
    "index of 20,000", "an index that lists 20,000 manifests that are not there", lambda place: place.add(place.index(*(
        {"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064}", "size": 100} for n in range(20_000)))).finish(), (3, 4), only=["copy", "verify", "ls"], but={"ls": (0, "")})
layout(
    "index.json of 20,000", "index.json lists 20,000 manifests that are not there", lambda place: place.finish(
        {"schemaVersion": 2, "manifests": [{"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064}", "size": 100} for n in range(20_000)]}), 3,
    only=["copy"])


def referrers(place, count):
    subject = place.image()
    place.add(subject)
    for _ in range(count):
        subject = place.image(layer("x"), subject=subject, artifactType="test/x")
        place.entries.append(subject)
    place.finish()


layout("referrers of referrers, 300", "300 signatures, each of the one before", lambda place: referrers(place, 300), 3, "deep",
    only=["copy", "to oci"], but={"ls": (0, ""), "serve": (3, "deep"), "verify": (0, "")})
layout(
    "subject that is outside", "a manifest whose subject has a digest with a path in it",
    lambda place: place.add(place.image(subject={"mediaType": OCI_MANIFEST, "digest": "sha256:../../x", "size": 1})).finish(), 3, is_deep=True)

# Documents

for title, document in [
    ("empty", b""), ("null", b"null"), ("list", b"[]"), ("number", b"1"), ("manifests text", b'{"manifests":"x"}'),
    ("manifests null in it", b'{"schemaVersion":2,"manifests":[null]}'), ("10^5 arrays", b'{"schemaVersion":2,"manifests":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("not UTF-8", b'{"manifests":["\xff"]}'), ("UTF-16", '{"manifests":[]}'.encode("utf-16")), ("duplicate keys", b'{"manifests":[],"manifests":[]}'),
]:
    layout(f"index.json {title}", f"index.json: {title}", lambda place, document=document: place.finish(document), 3)
layout("index.json 100 MB", "an index.json of 100 MB", lambda place: place.finish(b" " * 100_000_000 + b"{}"), 3)
layout("manifest 100 MB", "a manifest of 100 MB", lambda place: blob(place, b" " * 100_000_000 + b"{}"), 3, is_deep=True)
for title, document in [
    ("empty", b""), ("null", b"null"), ("10^5 arrays", b'{"layers":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("manifest and index", json.dumps({"schemaVersion": 2, "config": {}, "layers": [], "manifests": []}).encode()), ("layers null", b'{"schemaVersion":2,"layers":[null]}'),
    ("duplicate keys", b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"%s","size":0},"layers":[],"layers":[]}' % NOWHERE.encode()),
    ("keys that are one in another case", b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"%s","size":0},"layers":[],"Layers":[]}' % NOWHERE.encode()),
]:
    layout(
        f"manifest {title}", f"a manifest: {title}", lambda place, document=document: blob(place, document), 3, is_deep=True,
        # What does not look like a document is not kept as it goes by.
        but={"pipe": (1, "put the archive into a file")} if title in ("empty", "null") else {})
layout(
    "manifest as what it is not", "an image's manifest that index.json gives for an index",
    lambda place: place.add({**place.image(), "mediaType": OCI_INDEX}).finish(), 3, is_deep=True)
layout(
    "index as what it is not", "an index that index.json gives for an image's manifest",
    lambda place: place.add({**place.index(place.image()), "mediaType": OCI_MANIFEST}).finish(), 3, is_deep=True)
layout(
    "oci-layout of another version", "imageLayoutVersion 99", lambda place: (place.write("oci-layout", {"imageLayoutVersion": "99"}), place.add(place.image()).finish()), 3)
layout(
    "oci-layout of 100 MB", "oci-layout of 100 MB", lambda place: (place.write("oci-layout", b" " * 100_000_000), place.add(place.image()).finish()), 3)
layout(
    "10^5 layers", "a manifest with 10^5 layers", lambda place: place.add(place.image(
        layers=[{"mediaType": OCI_LAYER, "digest": f"sha256:{n:064}", "size": 1} for n in range(100_000)])).finish(), 3, only=["copy", "verify", "inspect"])
layout(
    "layer by URL", "a layer that is said to be at file:///etc/passwd, and is not there", lambda place: place.add(place.image(
        layers=[{"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": NOWHERE, "size": 5, "urls": ["file:///etc/passwd"]}])).finish(), 0,
    only=["copy"])
layout("data in a descriptor", "a descriptor with data that is not what its digest says", entry(data="ZXZpbA=="), 0)
