"""Attacks by what is small when it is compressed, and large when it is not."""
import bz2
import gzip
import lzma
import struct
import zlib

import tar
from attack import DOCKER_ARCHIVE, OCI, attack
from images import OCI_LAYER, Layout, config, digest, layer

MIB = 1 << 20


def gzip_zeros(mebibytes):
    """So much of zeros, in about a thousandth."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    crc, zeros = 0, bytes(MIB)
    for _ in range(min(mebibytes, 4096)):
        crc = zlib.crc32(zeros, crc)
    return (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * mebibytes + b"\x03\0"
        + struct.pack("<II", crc, (mebibytes * MIB) & 0xFFFFFFFF))


def zstd_zeros(mebibytes, before=b"", window=b"\x38"):
    """A frame of blocks that repeat a byte: 4 bytes for 128 KiB."""
    start = b"".join(
        struct.pack("<I", len(before[at:at + 131072]) << 3)[:3] + before[at:at + 131072]
        for at in range(0, len(before), 131072))
    block = struct.pack("<I", 131072 << 3 | 1 << 1)[:3] + b"\0"
    return b"\x28\xb5\x2f\xfd\x00" + window + start + block * (8 * mebibytes) + struct.pack("<I", 1)[:3]


PACK = {
    "gzip": lambda data: gzip.compress(data, 9, mtime=0), "bzip2": bz2.compress, "xz": lzma.compress,
    "zstd": lambda data: zstd_zeros(0, data),
}


def write(data, path="x.tar"):
    with open(path, "wb") as file:
        file.write(data)


def head_of_zeros(mebibytes):
    """Header of a layer that has so much of zeros in it."""
    return tar.header("layer.tar", size_field=b"%011o\0" % (mebibytes * MIB))


def whole(name, mebibytes):
    """An archive, packed as a whole, that begins with a layer of zeros."""
    start = head_of_zeros(mebibytes)
    if name == "gzip":
        return gzip.compress(start, 9, mtime=0) + gzip_zeros(mebibytes)
    if name == "zstd":
        return zstd_zeros(mebibytes, start)
    squeeze = bz2.BZ2Compressor() if name == "bzip2" else lzma.LZMACompressor(preset=0)
    data, zeros = squeeze.compress(start), bytes(MIB)
    for _ in range(mebibytes):
        data += squeeze.compress(zeros)
    return data + squeeze.flush()


def image(packed, path="x.tar", inside=layer()):
    """An archive with a layer that is packed already."""
    settings = config(inside)
    tar.write(
        path, tar.member("layer.tar", packed), tar.member("config.json", str(settings).replace("'", '"').encode()),
        tar.member("manifest.json", b'[{"Config":"config.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]'))


for name in PACK:
    attack(
        f"bomb, archive in {name}", DOCKER_ARCHIVE, f"an archive that {name} makes small: 512 MiB of zeros",
        lambda name=name: write(whole(name, 512)), then=(3, ""), only=["copy", "pipe", "ls", "verify"])
    attack(
        f"bomb, layer in {name}", DOCKER_ARCHIVE, f"a layer that {name} makes small: 512 MiB of zeros",
        lambda name=name: image(
            gzip_zeros(512) if name == "gzip" else zstd_zeros(512) if name == "zstd" else PACK[name](bytes(64 * MIB))),
        then=(1 if name in ("xz", "bzip2") else 3, ""), only=["copy", "pipe", "to archive"], but={"verify": (3, "")})
    for other in PACK:
        attack(
            f"bomb, {name} in {other}", DOCKER_ARCHIVE, f"a layer of 8 GiB of zeros by {name}, in an archive by {other}",
            lambda name=name, other=other: (
                # What zstd packs here it does not make smaller.
                image(gzip_zeros(8192 if other != "zstd" else 1024) if name == "gzip" else zstd_zeros(8192) if name == "zstd" else PACK[name](bytes(64 * MIB))),
                write(PACK[other](open("x.tar", "rb").read()))),
            then=(1 if name in ("xz", "bzip2") else 3, ""), only=["copy", "pipe"], but={"verify": (3, "")})
        attack(
            f"bomb, archive in {name} in {other}", DOCKER_ARCHIVE, f"an archive by {name} in {other}",
            lambda name=name, other=other: write(PACK[other](PACK[name](bytes(16 * MIB)))),
            then=(3, ""), only=["copy", "pipe"])

for name, packed in [
    ("empty members of gzip", lambda: gzip.compress(b"", mtime=0) * 500_000),
    ("empty frames of zstd", lambda: b"\x28\xb5\x2f\xfd\x00\x38\x01\0\0" * 500_000),
    ("frames of zstd to skip", lambda: (b"\x50\x2a\x4d\x18" + bytes(4)) * 500_000),
    ("one frame of zstd to skip, of 4 GiB", lambda: b"\x28\xb5\x2f\xfd\x00\x38\x01\0\0" + b"\x50\x2a\x4d\x18\xff\xff\xff\xff"),
    ("a window of 2^41 of zstd", lambda: zstd_zeros(1, window=b"\xff")),
    ("a window of 256 MiB of zstd", lambda: zstd_zeros(1, window=b"\x90")),
    ("a dictionary of zstd", lambda: b"\x28\xb5\x2f\xfd\x03\x38\xff\xff\xff\xff\x01\0\0"),
    ("a size of 2^63 of zstd", lambda: b"\x28\xb5\x2f\xfd\xc0\x38" + struct.pack("<Q", 1 << 63) + b"\x01\0\0"),
    ("empty streams of bzip2", lambda: bz2.compress(b"") * 100_000),
    ("a dictionary of 4 GiB of xz", lambda: lzma.compress(layer()).replace(b"\x21\x01\x16", b"\x21\x01\x28", 1)),
    ("a name of 64 MiB in gzip", lambda: b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"a" * 64 * MIB + b"\0\x03\0" + bytes(8)),
    ("an unknown method in gzip", lambda: b"\x1f\x8b\x09\0\0\0\0\0\0\xff" + bytes(100)),
    ("a wrong checksum in gzip", lambda: gzip.compress(layer() * 10)[:-8] + bytes(8)),
]:
    attack(f"stream, {name}", DOCKER_ARCHIVE, f"an archive: {name}", lambda packed=packed: write(packed()), then=(3, ""),
           only=["copy", "pipe", "ls"])
    attack(f"stream as layer, {name}", DOCKER_ARCHIVE, f"a layer: {name}", lambda packed=packed: image(packed()),
           then=(1 if "bzip2" in name or "xz" in name else 3, ""), only=["copy", "pipe"], but={"verify": (3, "")})


def layout(packed, kind, inside=b""):
    place = Layout()
    place.add(place.image(inside, config(inside), layers=[place.put(packed, kind)])).finish()


attack("bomb, OCI layer in zstd", OCI, "a layer of 512 MiB of zeros by zstd", lambda: layout(zstd_zeros(512), OCI_LAYER + "+zstd"),
       then=(3, "inflat"), only=["verify"], but={"to archive": (0, "copied")})
attack("bomb, OCI layer in gzip", OCI, "a layer of 512 MiB of zeros by gzip", lambda: layout(gzip_zeros(512), OCI_LAYER + "+gzip"),
       then=(3, ""), only=["verify"], but={"to archive": (0, "copied")})
attack("bomb, OCI layer of 4 GiB in gzip", OCI, "a layer of 4 GiB of zeros by gzip",
       lambda: layout(gzip_zeros(4096), OCI_LAYER + "+gzip"), then=(3, ""), only=["verify"], but={"to archive": (0, "copied")})
attack("bomb, OCI layer of another type", OCI, "a layer by zstd that its type calls gzip",
       lambda: layout(zstd_zeros(512), OCI_LAYER + "+gzip"), then=(3, ""), only=["verify"], but={"to archive": (0, "copied")})
