"""Attacks by `docker save` tarballs: their members, links, sizes, and the documents in them."""
import json
import os

import tar
from attack import DOCKER_ARCHIVE, attack
from images import Layout, config, digest, docker_archive, layer

SECRET = "../../../outside/secret"  # from where the commands run


def secret():
    return os.path.realpath(SECRET)


def archive(name, made, make, status=3, says="", **more):
    attack(f"docker-archive, {name}", DOCKER_ARCHIVE, made, make, then=(status, says), **more)


# Paths that lead out: of members

for title, path in [
    ("parent", "../evil"), ("parents", "../" * 40 + "evil"), ("parent within", "a/../../evil"), ("parent after dot", "./../evil"),
    ("parent alone", ".."), ("parent at the end", "a/.."), ("slash", "/evil"), ("slashes", "//evil"),
]:
    archive(f"member {title}", f"a member {path}", lambda path=path: docker_archive(after=tar.member(path, b"x")), 3, "leaves the archive")
archive(
    "member parent, pax", "a path ../evil in a pax header",
    lambda: docker_archive(after=tar.pax(("path", "../evil")) + tar.member("x", b"x")), 3, "leaves the archive")
archive(
    "member parent, GNU", "a long name ../evil of GNU tar",
    lambda: docker_archive(after=tar.long_name("../evil") + tar.member("x", b"x")), 3, "leaves the archive")
archive(
    "member parent, prefix", "a prefix .. in a ustar header",
    lambda: docker_archive(after=tar.member("evil", b"x", prefix=b"..")), 3, "leaves the archive")
archive(
    "member of the outside", "a member whose absolute path is a file that is there",
    lambda: docker_archive(after=tar.member(secret(), b"x")), 3, "leaves the archive")
archive(
    "member with NUL", "a pax path with a NUL in it",
    lambda: docker_archive(after=tar.pax(("path", b"a\0/../../evil")) + tar.member("x", b"x")), 0)
archive("member without a name", "a member with an empty name", lambda: docker_archive(after=tar.member("", b"x")), 0)
archive(
    "member not UTF-8", "a member whose name is no UTF-8",
    lambda: docker_archive(after=tar.member(b"\xff\xfe\x80", b"x")), 0)
archive(
    "member long", "a path of 100,000 bytes", lambda: docker_archive(after=tar.long_name("a" * 100_000) + tar.member("x")),
    3, "limit")
archive(
    "member deep", "a path of 1,000 directories", lambda: docker_archive(after=tar.long_name("a/" * 1000) + tar.member("x")),
    3, "directories deep")

# Paths that lead out: in manifest.json

for title, path in [
    ("parent", SECRET), ("parent within", "a/../../../../outside/secret"), ("slash", "/etc/passwd"), ("NUL", "\0" + SECRET),
]:
    archive(
        f"Config {title}", f"manifest.json names the config {path!r}", lambda path=path: docker_archive(config_path=path), 3)
    archive(
        f"Layers {title}", f"manifest.json names the layer {path!r}", lambda path=path: docker_archive(layer_paths=[path]), 3)
archive(
    "Layers absolute", "manifest.json names a layer by an absolute path that is there",
    lambda: docker_archive(layer_paths=[secret()]), 3)
for title, name in [
    ("parent", "../../evil:1"), ("parent within", "a/../../evil:1"), ("slash", "/evil:1"), ("parent as tag", "a:.."),
    ("path in tag", "a:../../x"), ("dot", "a/./b:1"), ("encoded", "%2e%2e/evil:1"), ("empty", ""), ("colon", ":"),
    ("empty part", "a//b:1"), ("backslash", "..\\evil:1"), ("space", "a b:1"), ("digest", "a@sha256:..:1"),
    ("underscore", "_uploads:1"), ("reserved", "a/_manifests/tags:1"), ("NUL", "a\0b:1"), ("upper", "EVIL:1"),
    ("long", "a" * 100_000 + ":1"), ("long tag", "a:" + "b" * 1000), ("newline", "a\nb:1"),
]:
    archive(
        f"RepoTags {title}", f"manifest.json names the image {name[:40]!r}", lambda name=name: docker_archive(names=[name]),
        0, "" if title == "digest" else "no valid image name")

# Names that mean another one, or move the cursor

for title, name in [
    ("escape", "\x1b[2J\x1b]0;owned\x07evil:1"), ("C1", "\x9b2Jevil:1"), ("RTL", "\u202egnp.live:1"), ("isolate", "\u2066a:1"),
    ("zero width", "a\u200bb:1"), ("line separator", "a\u2028b:1"), ("tag characters", "a\U000e0041b:1"), 
    ("combining", "cafe\u0301:1"), ("composed", "caf\u00e9:1"), ("homoglyph", "\u0430lpine:1"), ("full width", "\uff0e\uff0e/evil:1"),
]:
    archive(f"RepoTags {title}", f"manifest.json names the image {name!a}", lambda name=name: docker_archive(names=[name]), 0,
        "no valid image name")
    archive(
        f"tag {title}", f"manifest.json has the tag {name!a}",
        lambda name=name: docker_archive(names=["good:" + name.replace(":", "").replace("/", "")]), 0,
        "no valid image name")
archive(
    "member escape", "escape sequences in a member that manifest.json names, and that is not there",
    lambda: docker_archive(layer_paths=["\x1b[2J\u202e.tar"]), 3)
archive(
    "config escape", "escape sequences in each word of the config",
    lambda: docker_archive(settings=config(
        layer(), architecture="\x1b[31m", os="\u202e\x9b", variant="\x07", author="\x1b]0;x\x07", created="\x1b[2J",
        config={"Env": ["\x1b[2J=\x1b"], "Cmd": ["\x9b"], "Labels": {"\x1b": "\u2028"}, "User": "\x1b[8m"},
        history=[{"created_by": "\x1b[2J\r\n\u202e", "comment": "\x1b"}])), 0)
archive(
    "config escape in diff_ids", "escape sequences in a diffID",
    lambda: docker_archive(settings={"rootfs": {"type": "layers", "diff_ids": ["sha256:\x1b[2J"]}}), 3)

# Names that collide


def two_images(first, second, contents=("one", "two")):
    pieces, manifest = [], []
    for number, (name, content) in enumerate(zip((first, second), contents)):
        data = layer(content)
        pieces += [tar.member(f"{number}.tar", data), tar.member(f"{number}.json", json.dumps(config(data)).encode())]
        manifest.append({"Config": f"{number}.json", "RepoTags": [name], "Layers": [f"{number}.tar"]})
    tar.write("x.tar", *pieces, tar.member("manifest.json", json.dumps(manifest).encode()))


archive(
    "one name for two", "two images with the same name", lambda: two_images("a:1", "a:1"), 1, "a:1",
    only=["copy", "pipe", "to oci", "to archive"])
archive(
    "two tags that differ in case", "the tags 1A and 1a, which are two", lambda: two_images("a:1A", "a:1a"), 0,
    but={"inspect": (4, "name one")})
archive(
    "one name with and without docker.io", "a:1 and docker.io/library/a:1", lambda: two_images("a:1", "docker.io/library/a:1"), 1,
    only=["copy"])
archive(
    "same member twice, good last", "manifest.json twice: the last one counts, as for tar",
    lambda: docker_archive(before=tar.member("manifest.json", b"[]")), 0)
archive(
    "same member twice, bad last", "manifest.json twice: the last one counts, as for tar",
    lambda: docker_archive(after=tar.member("manifest.json", b"[{")), 3)
archive(
    "same member by two spellings", "layer.tar once more as ./layer.tar, with something else in it",
    lambda: docker_archive(after=tar.member("./layer.tar", layer("evil"))), 3,
    only=["copy", "pipe", "verify", "to oci", "to archive"])

# Links

for kind, title in [(tar.SYMBOLIC, "symlink"), (tar.HARD, "hard link")]:
    for name, target in [("outside", SECRET), ("/etc/passwd", "/etc/passwd"), ("far outside", "../" * 100 + "etc/passwd")]:
        archive(
            f"{title} to {name}", f"the layer is a {title} to {target[:40]}",
            lambda kind=kind, target=target: docker_archive(
                layer_paths=["l.tar"], before=tar.link("l.tar", target, kind)), 3)
    archive(
        f"{title} to itself", f"the layer is a {title} to itself",
        lambda kind=kind: docker_archive(layer_paths=["l.tar"], before=tar.link("l.tar", "l.tar", kind)), 3)
    archive(
        f"{title} cycle", f"the layer is one of three {title}s that lead to each other",
        lambda kind=kind: docker_archive(
            layer_paths=["1"], before=tar.link("1", "2", kind) + tar.link("2", "3", kind) + tar.link("3", "1", kind)), 3)
    archive(
        f"{title} chain", f"the layer is the first of 10,000 {title}s, each to the next",
        lambda kind=kind: docker_archive(
            layer_paths=["0"],
            before=b"".join(tar.link(str(n), str(n + 1), kind) for n in range(10_000)) + tar.link("10000", "layer.tar", kind)), 3)
    archive(
        f"{title} to nothing", f"the layer is a {title} to what is not there",
        lambda kind=kind: docker_archive(layer_paths=["l.tar"], before=tar.link("l.tar", "gone", kind)), 3)
    archive(
        f"manifest.json is a {title}", f"manifest.json is a {title} to {SECRET}",
        lambda kind=kind: tar.write("x.tar", tar.member("layer.tar", layer()), tar.link("manifest.json", SECRET, kind)), 3)
    archive(
        f"{title} of a directory", f"a directory that is a {title} out of the archive, and a member below it",
        lambda kind=kind: docker_archive(
            layer_paths=["d/layer.tar"], before=tar.link("d", "../../../outside", kind) + tar.member("d/layer.tar", layer())), 0)
archive(
    "directory links in a circle", "directories that are links into each other, and a layer below them",
    lambda: docker_archive(layer_paths=["a/b/a/b/layer.tar"], before=tar.link("a/b", "../b") + tar.link("b/a", "../a")), 3)
archive(
    "links that double", "40 directories, each linked twice into the next: 2^40 ways",
    lambda: docker_archive(
        layer_paths=["/".join(["0"] * 40) + "/layer.tar"],
        before=b"".join(tar.link("/".join(["0"] * n), ".") for n in range(1, 40))), 0)

# What is no file

for title, kind in [
    ("character device", tar.CHARACTER), ("block device", tar.BLOCK), ("fifo", tar.FIFO), ("directory", tar.DIRECTORY),
    ("contiguous", b"7"), ("sparse", b"S"), ("unknown", b"Z"), ("volume label", b"V"), ("multi-volume", b"M"), ("dump directory", b"D"),
]:
    fine = title in ("contiguous", "unknown", "sparse")
    archive(
        f"layer as {title}", f"the layer is a {title}",
        lambda kind=kind: docker_archive(layer_paths=["l"], before=tar.member("l", layer(), kind=kind, device=(1, 5))),
        0 if fine else 3)
    archive(
        f"manifest.json as {title}", f"manifest.json is a {title}",
        lambda kind=kind: tar.write("x.tar", tar.member("manifest.json", b"[]", kind=kind, device=(1, 5))), 3)

# Sizes

for title, field in [
    ("8 GiB", b"77777777777\0"), ("twelve sevens", b"777777777777"), ("no digits", b"zzzzzzzzzzz\0"), ("signed", b"-0000000001\0"),
    ("2^63-1", tar.base256((1 << 63) - 1)), ("2^63", tar.base256(1 << 63)), ("2^64", tar.base256(1 << 64)), ("2^94", tar.base256(1 << 94)),
    ("-1", b"\xff" * 12), ("-2^63", b"\xff" * 4 + tar.base256(1 << 63)[4:]),
]:
    archive(
        f"size {title}", f"a layer whose size in the header is {title}",
        lambda field=field: docker_archive(before=tar.header("l", size_field=field) + tar.padded(layer())), 3)
for value in ("-1", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e3", "", "0x10", "9" * 10_000):
    archive(
        f"size {value[:20]!r}, pax", f"a layer whose size in a pax header is {value[:20]!r}",
        lambda value=value: docker_archive(before=tar.pax(("size", value)) + tar.member("l", layer())), 3)
for keys in ([("GNU.sparse.map", "0,1,9223372036854775807,1")], [("GNU.sparse.realsize", "9223372036854775807"), ("GNU.sparse.numblocks", "1000000000")]):
    archive(
        f"sparse, {keys[0][0]}", f"a sparse layer: {keys}",
        lambda keys=keys: docker_archive(before=tar.pax(*keys, ("GNU.sparse.major", "0"), ("GNU.sparse.name", "l")) + tar.member("l", layer())), 3,
        # No image names it, and what goes by is not missed.
        but={"pipe": ((0, 3), "")})
archive(
    "sparse 1.0", "a sparse member whose map says that it has 10^18 pieces",
    lambda: docker_archive(
        before=tar.pax(
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "l"), ("GNU.sparse.realsize", "1"))
        + tar.member("l", b"1000000000000000000\n0\n1\n".ljust(1024, b"\0"))), 3)
archive(
    "pax header of 2^40", "a pax header that says it has 2^40 bytes",
    lambda: tar.write("x.tar", tar.header("p", size_field=tar.base256(1 << 40), kind=b"x"), tar.member("x")), 3)
archive(
    "pax record of 2^31", "a pax record that says it has 2^31 bytes",
    lambda: docker_archive(after=tar.member("p", b"2147483648 path=x\n", kind=b"x") + tar.member("x")), 0)
archive(
    "long name of 2^33", "a long name of GNU tar that says it has 8 GiB",
    lambda: tar.write("x.tar", tar.header("././@LongLink", size_field=b"77777777777\0", kind=b"L"), tar.member("x")), 3)
archive(
    "headers of headers", "100,000 pax headers one after the other",
    lambda: docker_archive(after=tar.pax(("path", "x")) * 100_000 + tar.member("x")), 3)

# Documents


def manifest(value, **more):
    docker_archive(manifest=value, **more)


for title, document, says in [
    ("empty", b"", ""), ("null", b"null", "no images"), ("number", b"1", ""), ("text", b'"x"', ""), ("object", b"{}", ""), ("no images", b"[]", "no images"),
    ("image null", b"[null]", ""), ("image empty", b"[{}]", ""), ("Layers as text", b'[{"Config":"config.json","Layers":"layer.tar"}]', ""),
    ("Layers null in it", b'[{"Config":"config.json","Layers":[null]}]', ""), ("not UTF-8", b'[{"Config":"\xff\xfe","Layers":[]}]', ""),
    ("UTF-16", '[{"Config":"config.json"}]'.encode("utf-16"), ""), ("10^5 arrays", b"[" * 100_000 + b"]" * 100_000, "not an object"),
    ("10^5 objects", b"[" + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]", "levels deep"), ("10^5 open arrays", b"[" * 100_000, "not an object"),
    ("after the end", b'[{"Config":"config.json","Layers":["layer.tar"]}] x', ""), ("number of 10^6 digits", b"[" + b"9" * 1_000_000 + b"]", ""),
    ("number 1e999999999", b"[1e999999999]", ""), ("half an escape", b'[{"Config":"\\ud800"}]', ""), ("NaN", b"[NaN]", ""),
]:
    archive(f"manifest.json {title}", f"manifest.json: {title}", lambda document=document: manifest(document), 3, says)
archive(
    "manifest.json with duplicate keys", "Config twice, Layers twice: which one counts is nobody's to say",
    lambda: manifest(b'[{"Config":"gone","Config":"config.json","RepoTags":["a:1"],"Layers":["gone"],"Layers":["layer.tar"]}]'),
    3, "twice")
archive(
    "manifest.json with keys that are one in another case", "Config and config, which Go takes for one",
    lambda: manifest(b'[{"Config":"config.json","config":"gone","RepoTags":["a:1"],"Layers":["layer.tar"]}]'), 3, "twice")
archive(
    "manifest.json of 100 MB", "manifest.json: 100 MB of spaces before the list",
    lambda: manifest(b" " * 100_000_000 + b"[]"), 3, "limit")
archive(
    "config of 100 MB", "a config of 100 MB", lambda: docker_archive(settings=b" " * 100_000_000 + b"{}"), 3, "limit")
archive(
    "manifest.json with 10^5 images", "10^5 times the same image under other names",
    lambda: manifest([{"Config": "config.json", "RepoTags": [f"a/b{n}:1"], "Layers": ["layer.tar"]} for n in range(100_000)]),
    3, "limit")
archive(
    "manifest.json with 10^6 names", "an image with 10^6 names",
    lambda: manifest([{"Config": "config.json", "RepoTags": [f"a:{n}" for n in range(1_000_000)], "Layers": ["layer.tar"]}]),
    3, "limit")
archive(
    "manifest.json with 50,000 layers", "an image with 50,000 layers, all of them one",
    lambda: docker_archive(
        layer_paths=["layer.tar"] * 50_000, settings={"rootfs": {"diff_ids": [digest(layer())] * 50_000}}), 3,
    but={way: (0, "") for way in ("ls", "inspect", "verify", "serve")})
archive(
    "config with 50,000 steps", "a config with a history of 50,000 steps",
    lambda: docker_archive(settings=config(layer(), history=[{"created_by": "x" * 20, "empty_layer": True}] * 50_000)), 0)
archive(
    "config deep", "10^5 arrays in the config", lambda: docker_archive(settings=b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 3,
    "levels deep")
archive(
    "config with duplicate keys", "rootfs twice",
    lambda: docker_archive(settings=b'{"rootfs":{"diff_ids":[]},"rootfs":{"diff_ids":["%s"]}}' % digest(layer()).encode()), 3, "twice")

# Legacy archives


def legacy(repositories, **images):
    tar.write(
        "x.tar", *(
            tar.member(f"{name}/json", json.dumps({"id": name, **fields}).encode())
            + tar.member(f"{name}/layer.tar", layer()) + tar.member(f"{name}/VERSION", b"1.0") for name, fields in images.items()),
        tar.member("repositories", json.dumps(repositories).encode()))


archive("legacy parents outside", "a parent ../../outside", lambda: legacy({"a": {"1": "1" * 64}}, **{"1" * 64: {"parent": SECRET}}), 3)
archive("legacy parents in a circle", "parents that lead to each other", lambda: legacy({"a": {"1": "1" * 64}}, **{"1" * 64: {"parent": "2" * 64}, "2" * 64: {"parent": "1" * 64}}), 3, "circle")
archive("legacy image outside", "repositories names an image ../..", lambda: legacy({"a": {"1": SECRET}}, x={}), 3)
archive("legacy name outside", "repositories names ../../evil", lambda: legacy({"../../evil": {"1": "1" * 64}}, **{"1" * 64: {}}), 0, "no valid image name")
archive("legacy escape", "escape sequences in repositories", lambda: legacy({"\x1b[2J": {"\x1b": "\x1b"}}), 3)
archive(
    "legacy parents, 2,000", "2,000 images, each the parent of the next", lambda: legacy(
        {"a": {"1": f"{1999:064}"}}, **{f"{n:064}": {"parent": f"{n - 1:064}"} if n else {} for n in range(2000)}), 3, "too many")

archive(
    "legacy comment that each image repeats", "50 images upon one whose comment has 4 MB", lambda: legacy(
        {"a": {f"t{n}": f"{n + 1:064}" for n in range(50)}},
        **{f"{n:064}": {"parent": f"{0:064}", "author": f"{n}"} if n else {"comment": "x" * 4_000_000} for n in range(51)}),
    3, "is the limit")
archive(
    "legacy comments of all parents", "an image upon 300, each with a comment of 20 KB", lambda: legacy(
        {"a": {"1": f"{300:064}"}},
        **{f"{n:064}": {"comment": "x" * 20_000, **({"parent": f"{n - 1:064}"} if n else {})} for n in range(301)}),
    3, f"image {300:064}")


def repeated_in_layout(depth, count):
    """An archive with an OCI part, in which each index lists the one below many times."""
    place = Layout()
    child = image = place.image()
    for _ in range(depth):
        child = place.index(*[child] * count)
    place.add(child)
    manifest = json.load(open(place.blob_path(image["digest"])))
    place.write("manifest.json", [{
        "Config": "blobs/" + manifest["config"]["digest"].replace(":", "/"), "RepoTags": ["good:1"],
        "Layers": ["blobs/" + each["digest"].replace(":", "/") for each in manifest["layers"]]}])
    place.finish()


archive(
    "index 100 times in index", "4 indexes in the OCI part, each 100 times in the next: 10^8 ways to one image",
    lambda: repeated_in_layout(4, 100), 0)
archive(
    "long Config", "manifest.json names 200 configs by paths of 100 KB", lambda: docker_archive(manifest=[
        {"Config": f"{n}" + "x" * 100_000, "RepoTags": [f"a:{n}"], "Layers": []} for n in range(200)]), 3, "limit of 1024 bytes")

# Many members

archive(
    "10^5 members", "100,000 empty members", lambda: docker_archive(
        after=b"".join(tar.header(f"{n}") for n in range(100_000))), 0)


def members(count):
    with open("x.tar", "wb") as file:
        for number in range(count):
            file.write(tar.header(f"d/{number}"))
        file.write(tar.END)


archive("10^6 members", "1,000,000 empty members and no image", lambda: members(1_000_000), 3, "no image", is_slow=True)
archive("10^6 members and one", "1,000,001 empty members", lambda: members(1_000_001), 3, "more than 1000000", is_slow=True)

# The tar itself

for title, make in [
    ("empty", lambda: open("x.tar", "w").close()), ("zeros", lambda: tar.write("x.tar", bytes(100_000))), ("random", lambda: tar.write("x.tar", os.urandom(100_000))),
    ("checksum", lambda: tar.write("x.tar", tar.member("manifest.json", b"[]").replace(b"ustar", b"uSTAR"))),
    ("cpio", lambda: tar.write("x.tar", b"070701" + b"0" * 104)), ("zip", lambda: tar.write("x.tar", b"PK\x03\x04" + bytes(1000))),
    ("7z", lambda: tar.write("x.tar", b"7z\xbc\xaf\x27\x1c" + bytes(1000))), ("cab", lambda: tar.write("x.tar", b"MSCF" + bytes(1000))),
    ("iso", lambda: tar.write("x.tar", bytes(32769) + b"CD001" + bytes(4096))), ("mtree", lambda: tar.write("x.tar", b"#mtree\n./evil type=file contents=/etc/passwd\n")),
    ("compress", lambda: tar.write("x.tar", b"\x1f\x9d\x90" + bytes(1000))), ("uuencode", lambda: tar.write("x.tar", b"begin 644 x\n#0V%T\n`\nend\n")),
    ("shell", lambda: tar.write("x.tar", b"#!/bin/sh\ntouch evil\n")), ("lrzip", lambda: tar.write("x.tar", b"LRZI" + bytes(1000))),
    ("lz4", lambda: tar.write("x.tar", b"\x04\x22\x4d\x18" + bytes(1000))),
]:
    archive(f"no tar, {title}", f"a file that is no tar: {title}", make, 3)
