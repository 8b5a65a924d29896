"""Traps of a user who moves what belongs to root into a place of theirs, and has root's dray come by."""
import json
import os
import shutil
import subprocess

from images import Layout, Store
from races import OWNER, STORE, store_with, trap

RUN = "20990101T000000Z"


def as_owner(work):
    """What the owner does, with no more rights than they have."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(OWNER, OWNER, OWNER)
            os.setresuid(OWNER, OWNER, OWNER)
            work()
            os._exit(0)
        except OSError as error:
            print(error)
        os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        raise AssertionError("the owner may not do that")


def move(source, target):
    as_owner(lambda: os.rename(f"place/{source}", f"place/{target}"))


def private(name, mode=0o700):
    """A directory of the owner's in which root has a directory of its own."""
    as_owner(lambda: os.mkdir(f"place/{name}"))
    os.mkdir(f"place/{name}/rootdir")
    with open(f"place/{name}/rootdir/precious", "w") as file:
        file.write("precious of root")
    os.chmod(f"place/{name}/rootdir", mode)


def lost(*paths):
    return [path for path in paths if not os.path.exists(f"place/{path}/rootdir/precious")]


@trap("moved into staging", "among what a copy has left is a directory of root's", 0)
def _(place):
    store_with(place)
    private("proj")
    move("proj", ".dray/staging/x.part")
    status, said = place.run("copy", "oci:x", "store:place")
    return (-2, "removed") if lost(".dray/staging/x.part") else (status, said)


@trap("mounted in staging", "among what a copy has left is a directory on which something is mounted", 0)
def _(place):
    store_with(place)
    as_owner(lambda: os.makedirs("place/proj/mount"))
    if subprocess.run(["mount", "--bind", "outside", "place/proj/mount"], capture_output=True).returncode:
        return 0, "no mounts here"
    try:
        move("proj", ".dray/staging/x.part")
        return place.run("copy", "oci:x", "store:place")
    finally:
        subprocess.run(["umount", "place/.dray/staging/x.part/mount"])


@trap("moved into a snapshot", "a snapshot that is forgotten has a directory of root's in it", 3, "rootdir belongs to user 0")
def _(place):
    place.clear()
    for _ in range(2):
        status, said = place.run("backup", "oci:x", "place/kept")
        if status:
            return -2, said
    identifier = min(each for each in os.listdir("place/kept/snapshots") if each != "latest")
    private("proj")
    move("proj", f"kept/snapshots/{identifier}/proj")
    status, said = place.run("forget", "place/kept", identifier)
    found = subprocess.run(["find", "place", "-name", "precious"], capture_output=True, text=True).stdout
    return (status, said) if found else (-2, "removed")


@trap("moved into the quarantine", "a run in the quarantine, which is purged, has a directory of root's in it", 3, "rootdir belongs to user 0")
def _(place):
    store_with(place)
    private("proj")
    as_owner(lambda: os.mkdir("place/.dray/quarantine"))
    move("proj", f".dray/quarantine/{RUN}")
    status, said = place.run("gc", "--purge-quarantine", "all", "store:place")
    return (-2, "removed") if lost(f".dray/quarantine/{RUN}") else (status, said)


@trap("put back", "the quarantine has files for a directory of root's that is in the store", 0, "not put back")
def _(place):
    place.clear()
    name = Store("place").put(b"blob", "good")[0]
    os.makedirs("place/.dray/quarantine")
    place.give()
    blob = f"{STORE}/{Store.blob_path(name)}"
    os.makedirs("place/docker/jail/etc")
    os.chown("place/docker/jail", OWNER, OWNER)

    def prepare():
        os.makedirs(f"place/.dray/quarantine/{RUN}/docker/jail/etc/sub")
        for name in ("evil", "sub/evil"):
            open(f"place/.dray/quarantine/{RUN}/docker/jail/etc/{name}", "w").close()
        os.makedirs(os.path.dirname(f"place/.dray/quarantine/{RUN}/{blob}"))
        os.rename(f"place/{blob}", f"place/.dray/quarantine/{RUN}/{blob}")

    as_owner(prepare)
    status, said = place.run("gc", "--undo", "latest", "store:place")
    made = os.listdir("place/docker/jail/etc")
    if made or not os.path.isfile(f"place/{blob}"):
        return -2, f"made {made}: {said}"
    return status, said


for title, target in [("a layer", "layer.tar"), ("a config", "json")]:
    @trap(f"moved into an archive, {title}", f"{title} of an unpacked docker-archive is a file that only root may read", 3, "belongs to user 0")
    def _(place, target=target):
        identifier = f"{1:064x}"
        place.clear()

        def prepare():
            os.makedirs(f"place/arch/{identifier}")
            with open(f"place/arch/{identifier}/json", "w") as file:
                json.dump({"id": identifier, "os": "linux", "architecture": "amd64"}, file)
            open(f"place/arch/{identifier}/layer.tar", "w").close()
            with open("place/arch/repositories", "w") as file:
                json.dump({"a": {"1": identifier}}, file)

        as_owner(prepare)
        with open("place/secret", "w") as file:
            json.dump({"auths": "secret of root"}, file)
        os.chmod("place/secret", 0o600)
        move("secret", f"arch/{identifier}/{target}")
        for command in (["copy", "place/arch", "docker-archive:got.tar"], ["copy", "docker-archive:place/arch", "oci:got"]):
            status, said = place.run(*command)
            if status != 3:
                return status, f"{command}: {said}"
        return status, said


@trap("moved into a layout", "the blobs of a layout are a directory that only root may enter", 3, "belongs to user 0")
def _(place):
    place.clear()
    for name in ("oci-layout", "index.json"):
        shutil.copy(f"x/{name}", f"place/{name}")
    place.give()
    shutil.copytree("x/blobs", "place/rootdir")
    os.chmod("place/rootdir", 0o700)
    move("rootdir", "blobs")
    for command in (["copy", "oci:place", "store:got"], ["verify", "oci:place"]):
        status, said = place.run(*command)
        if status != 3 or "belongs to user 0" not in said:
            return -2, f"{command}: {status} {said}"
    return status, said


@trap("registry of root", "a store of another user's in which a registry that runs as root has made directories and files", 0)
def _(place):
    place.clear()
    store = Store("place")
    store.image()
    store.link(f"good/_layers/sha256/{'0' * 64}", "sha256:" + "0" * 64)
    os.makedirs(f"place/{STORE}/repositories/good/_uploads/11111111-1111-4111-8111-111111111111/hashstates/sha256")
    before = place.run("ls", "store:place")
    for command in (
        ["copy", "store:place", "oci:got"], ["gc", "--grace", "0", "store:place"], ["copy", "oci:x", "store:place"], ["backup", "store:place", "kept"],
        ["restore", "kept", "store:place"], ["gc", "--quarantine", "--grace", "0", "store:place"], ["gc", "--purge-quarantine", "all", "store:place"],
    ):
        status, said = place.run(*command)
        if status:
            return status, f"{command}: {said}"
    return before


@trap("link that was moved", "a receipt's name is a link of root's to root's file, which the owner of the directory has renamed", 3, "is a link in a directory of user")
def _(place):
    place.clear()
    os.symlink("../outside/secret", "place/shortcut")
    move("shortcut", "receipt.json")
    return place.run("copy", "--receipt", "place/receipt.json", "oci:x", "oci:copied")


@trap("leftover of another user", "in a directory like /tmp is a file with the name of a leftover, which only another user may remove", 0)
def _(place):
    place.clear()
    os.mkdir("shared")
    os.chmod("shared", 0o1777)
    leftover = "shared/.app.tar.00000000-0000-4000-8000-000000000000.part"
    as_owner(lambda: open(leftover, "w").close())

    def become():
        os.setgroups([])
        os.setresgid(OWNER - 1, OWNER - 1, OWNER - 1)
        os.setresuid(OWNER - 1, OWNER - 1, OWNER - 1)

    status, said = place.run("copy", "oci:x", "docker-archive:shared/app.tar", before=become)
    return status if os.path.exists(leftover) else -2, said


@trap("snapshot elsewhere", "a snapshot is a link to a directory of root's, whose names are not told", 3, "is a link")
def _(place):
    os.makedirs("outside/private/hidden", 0o700)
    place.seen = place.outside()
    place.clear()
    place.run("backup", "oci:x", "place/kept")
    place.link("kept/snapshots/20261124T020000.123Z", "outside")
    status, said = place.run("verify", "place/kept")
    return (-2, said) if "secret" in said or "private" in said else (status, said)
