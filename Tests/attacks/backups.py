"""Attacks by a backup's directory, on what restores it, lists it and prunes it."""
import json
import os
import shutil

from attack import OUT, Way, attack
from images import Layout

ID = "20261126T120000.000Z"
BACKUP = {
    "restore": Way(["restore", "x", "store:" + OUT]), "restore to oci": Way(["restore", "x", "oci:" + OUT]),
    "snapshots": Way(["snapshots", "x"]), "verify": Way(["verify", "--deep", f"oci:x/snapshots/{ID}/team/app"]),
    "prune": Way(["prune", "--dry-run", "x"]),
}
LAYOUT = f"x/snapshots/{ID}/team/app"


def made(document=None, repositories=("team/app",)):
    """A backup of one image."""
    layout = Layout("x")
    layout.add(layout.image(), "1")
    os.rename("x/oci-layout", "layout")
    with open("x/backup.json", "w") as file:
        file.write('{"version":1}')
    os.makedirs(LAYOUT)
    os.symlink(ID, "x/snapshots/latest")
    os.symlink("../../../../blobs", f"{LAYOUT}/blobs")
    os.rename("layout", f"{LAYOUT}/oci-layout")
    with open(f"{LAYOUT}/index.json", "w") as file:
        json.dump({"schemaVersion": 2, "manifests": layout.entries}, file)
    text = json.dumps({"sources": ["docker://registry.example/"], "repositories": list(repositories)}).encode()
    with open(f"x/snapshots/{ID}/_snapshot.json", "wb") as file:
        file.write(text if document is None else document)
    return layout


def backup(name, what, make, status=3, says="", *, only=("restore",), **more):
    attack(f"backup, {name}", BACKUP, what, make, then=(status, says), only=list(only), **more)


backup("good", "a backup with nothing wrong in it", made, 0, only=BACKUP)
for title, repository in [
    ("parent", "../../../../outside"), ("parents", "../" * 30 + "etc"), ("slash", "/etc"), ("empty", ""), ("escape", "\x1b[2J"), ("NUL", "a\0b"),
    ("RTL", "\u202eevil"), ("long", "a" * 100_000), ("reserved", "_snapshot.json"),
]:
    backup(f"repository {title}", f"a snapshot that lists the repository {repository[:40]!r}", lambda repository=repository: made(repositories=[repository]),
           only=["restore", "snapshots"])
for title, document in [
    ("empty", b""), ("null", b"null"), ("list", b"[]"), ("10^5 arrays", b"[" * 100_000), ("not UTF-8", b'{"sources":["\xff"],"repositories":[]}'),
    ("duplicate keys", b'{"sources":[],"repositories":["team/app"],"repositories":[]}'),
]:
    backup(f"snapshot {title}", f"_snapshot.json: {title}", lambda document=document: made(document), only=["restore", "snapshots"])
backup("snapshot of 100 MB", "_snapshot.json of 100 MB", lambda: made(b" " * 100_000_000 + b"{}"), only=["restore", "snapshots"])
backup(
    "escape in a source", "a snapshot whose sources have escape sequences in them",
    lambda: made(json.dumps({"sources": ["\x1b[2J\x9b\u202e"], "repositories": ["team/app"]}).encode()), 0, only=["snapshots"])


def replaced(path, target):
    made()
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)
    os.symlink(target, path)


OUTSIDE = "../../../outside"
backup("blobs are elsewhere", "a layout whose blobs lead to the outside", lambda: replaced(f"{LAYOUT}/blobs", os.path.realpath(OUTSIDE)), 3, "leads out of")
backup("all blobs are elsewhere", "blobs that lead to the outside", lambda: replaced("x/blobs", os.path.realpath(OUTSIDE)), 3, "has no")
backup("index elsewhere", "an index.json that is a link to the outside", lambda: replaced(f"{LAYOUT}/index.json", os.path.realpath(f"{OUTSIDE}/secret")), 3)
backup("layout elsewhere", "a layout that is a link to the outside", lambda: replaced(LAYOUT, os.path.realpath(OUTSIDE)), 3)
backup("latest elsewhere", "a latest that leads to the outside", lambda: replaced("x/snapshots/latest", "../../../../../outside"), 0)
backup("marker elsewhere", "a backup.json that leads to the outside", lambda: replaced("x/backup.json", os.path.realpath(f"{OUTSIDE}/secret")), 3)


def odd_directories():
    made()
    for name in ("\x1b[2J", "20269999T999999.999Z", "..hidden", "20261126T120000.000Z-x"):
        os.makedirs(f"x/snapshots/{name}")


backup("snapshots of odd names", "directories beside the snapshots, with control characters and no dates", odd_directories, 0, only=["restore", "snapshots", "prune"])
