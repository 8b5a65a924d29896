"""Attacks by deltas and volumes: packing lists, volumes' places, recovery."""
import json
import os
import tarfile

import tar
from attack import Way, attack
from images import Layout, digest

ZERO = "sha256:" + "0" * 64


def volume(number=1, total=1, recovery=0, list_changes=None, place_changes=None, extra=b"", path="x.001.tar"):
    """A volume whose packing list says what an attack wants."""
    layout = Layout("tree")
    layout.add(layout.image()).finish()
    index = open("tree/index.json", "rb").read()
    blobs = sorted(os.listdir("tree/blobs/sha256"))
    records = [{"digest": f"sha256:{name}", "size": os.path.getsize(f"tree/blobs/sha256/{name}")} for name in blobs]
    packing = json.dumps({
        "mediaType": "application/vnd.dray.packing-list.v1+json", "index": {"digest": digest(index), "size": len(index)}, "manifests": [],
        "volumes": [{"blobs": records, "parts": []}] * total, "recoveryVolumes": recovery, "absent": [], **(list_changes or {})}).encode()
    place = {"set": digest(packing), "volume": number, "volumes": total, "recoveryVolumes": recovery, **(place_changes or {})}
    tar.write(
        path, tar.member("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), tar.member("index.json", index),
        *(tar.member(f"blobs/sha256/{name}", open(f"tree/blobs/sha256/{name}", "rb").read()) for name in blobs),
        tar.member("dray/volume.json", json.dumps(place).encode()), tar.member("dray/packing-list.json", packing), extra)
    import shutil
    shutil.rmtree("tree")
    os.remove("tree.tar")


VOLUME = {
    "copy": Way(["copy", "oci-archive:x.001.tar", "store:out"]), "ls": Way(["ls", "oci-archive:x.001.tar"]),
    "verify": Way(["verify", "--deep", "oci-archive:x.001.tar"]), "recover": Way(["recover", "x.001.tar"]),
}

for title, changes in [
    ("digest with a path", {"manifests": [{"digest": "sha256:../../../outside/secret", "size": 1}]}), ("size of 2^63", {"manifests": [{"digest": ZERO, "size": 1 << 63}]}),
    ("size of -1", {"manifests": [{"digest": ZERO, "size": -1}]}), ("no volumes", {"volumes": []}), ("256 volumes", {"volumes": [{"blobs": [], "parts": []}] * 256}),
    ("10^6 volumes", {"volumes": [{}] * 1_000_000}), ("negative recovery volumes", {"recoveryVolumes": -1}), ("2^62 recovery volumes", {"recoveryVolumes": 1 << 62}),
    ("parts that overlap", {"volumes": [{"blobs": [], "parts": [{"blob": ZERO, "offset": 0, "digest": ZERO, "size": 5}, {"blob": ZERO, "offset": 3, "digest": ZERO, "size": 5}]}]}),
    ("part at 2^62", {"volumes": [{"blobs": [], "parts": [{"blob": ZERO, "offset": 1 << 62, "digest": ZERO, "size": 1 << 62}]}]}),
    ("absent in a path", {"absent": [{"digest": ZERO, "size": 1, "repository": "../../x"}]}), ("absent escape", {"absent": [{"digest": ZERO, "size": 1, "repository": "\x1b[2J"}]}),
    ("type unknown", {"mediaType": "\x1b[2J"}),
]:
    attack(f"volume, {title}", VOLUME, f"a packing list: {title}", lambda changes=changes: volume(list_changes=changes), then=(3, ""), only=["copy", "verify"])
for title, changes in [
    ("number 0", {"volume": 0}), ("number -1", {"volume": -1}), ("set with a path", {"set": "sha256:../../x"}),
]:
    attack(f"volume's place, {title}", VOLUME, f"a volume that says of itself: {title}", lambda changes=changes: volume(place_changes=changes), then=(3, ""), only=["copy", "verify"])
