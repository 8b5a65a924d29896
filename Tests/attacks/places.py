"""Attacks by what is no regular file where one is expected: links out, devices, fifos, sockets, directories."""
import json
import os
import shutil
import socket

from attack import DIRECTORY, DOCKER_ARCHIVE, OCI, STORE, attack
from images import Layout, Store, config, digest, docker_archive, layer

SECRET = "../../../outside/secret"


def fifo(path):
    os.mkfifo(path)


def device(path):
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        open("not-possible", "w").close()


def listening(path):
    # Addresses of sockets are short.
    here = os.getcwd()
    os.chdir(os.path.dirname(path) or ".")
    socket.socket(socket.AF_UNIX).bind(os.path.basename(path))
    os.chdir(here)


KINDS = {
    "link out": lambda path: os.symlink(os.path.realpath(SECRET), path), "link to /dev/zero": lambda path: os.symlink("/dev/zero", path),
    "link to itself": lambda path: os.symlink(os.path.basename(path), path), "link to nothing": lambda path: os.symlink("gone", path),
    "fifo": fifo, "device": device, "socket": listening, "directory": os.mkdir,
    "link to a fifo": lambda path: (os.mkfifo("fifo"), os.symlink(os.path.realpath("fifo"), path)),
}


def replaced(path, kind):
    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    KINDS[kind](path)


def layout(kind, find):
    place = Layout()
    image = place.image()
    place.add(image).finish()
    manifest = json.load(open(place.blob_path(image["digest"])))
    replaced(find(place, image, manifest), kind)


for kind in KINDS:
    for part, find in {
        "index.json": lambda place, image, manifest: "x/index.json", "oci-layout": lambda place, image, manifest: "x/oci-layout",
        "a manifest": lambda place, image, manifest: place.blob_path(image["digest"]),
        "a config": lambda place, image, manifest: place.blob_path(manifest["config"]["digest"]),
        "a layer": lambda place, image, manifest: place.blob_path(manifest["layers"][0]["digest"]),
        "blobs": lambda place, image, manifest: "x/blobs", "blobs/sha256": lambda place, image, manifest: "x/blobs/sha256",
    }.items():
        attack(
            f"oci, {kind} for {part}", OCI, f"a layout in which {part} is a {kind}",
            lambda kind=kind, find=find: layout(kind, find),
            # Nothing is copied where the content is not there; a layout without oci-layout can be read all the same.
            then=((0, 3) if part == "oci-layout" else (3, 4), ""), only=["copy"], but={"verify": (3, "")})
    for part in ("revision", "layer", "tag", "data", "repository", "blobs"):
        def store(kind=kind, part=part):
            place = Store()
            name = place.image()
            manifest = json.load(open(f"{place.base}/{place.blob_path(name)}"))
            blob = manifest["layers"][0]["digest"]
            replaced({
                "revision": f"{place.base}/repositories/good/_manifests/revisions/sha256/{name[7:]}/link",
                "layer": f"{place.base}/repositories/good/_layers/sha256/{blob[7:]}/link",
                "tag": f"{place.base}/repositories/good/_manifests/tags/1/current/link",
                "data": f"{place.base}/{place.blob_path(blob)}", "repository": f"{place.base}/repositories/good",
                "blobs": f"{place.base}/blobs",
            }[part], kind)

        attack(f"store, {kind} for {part}", STORE, f"a store in which a {part} is a {kind}", store,
               # A tag that leads nowhere is none, and what is no directory is no repository.
               then=((0, 3) if part == "tag" else (3, 4), ""), only=["copy"],
               but={"verify": ((0, 3) if part == "repository" else 3, "")})

    def directory(kind=kind, part="manifest.json"):
        os.makedirs("x")
        content = layer()
        settings = json.dumps(config(content)).encode()
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest(settings), "size": len(settings)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "digest": digest(content), "size": len(content)}]}
        for name, data in [(digest(settings)[7:], settings), (digest(content)[7:], content), ("manifest.json", json.dumps(manifest).encode()),
                           ("version", b"Directory Transport Version: 1.1\n")]:
            open(f"x/{name}", "wb").write(data)
        replaced("x/" + (digest(content)[7:] if part == "a layer" else part), kind)

    for part in ("manifest.json", "a layer"):
        attack(f"dir, {kind} for {part}", DIRECTORY, f"a dir: in which {part} is a {kind}",
               lambda directory=directory, part=part: directory(part=part), then=((3, 4), ""), only=["copy"], but={"verify": (3, "")})

for kind in ("device", "socket", "directory", "link to itself", "link to /dev/zero"):
    attack(f"docker-archive is a {kind}", DOCKER_ARCHIVE, f"an archive that is a {kind}", lambda kind=kind: KINDS[kind]("x.tar"), then=((1, 3, 4, 64), ""),
           only=["copy", "ls"])
