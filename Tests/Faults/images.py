"""Small images, the same ones each time."""
import hashlib
import io
import json
import random
import tarfile


def _member(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _layer(seed, size):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        _member(layer, f"file-{seed}", random.Random(seed).randbytes(size))
    return out.getvalue()


def write_archive(path, name, seeds):
    """A `docker save` tarball: one layer for each seed, of bytes that do not compress."""
    layers = [_layer(seed, 300 * seed) for seed in seeds]
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }).encode()  # fmt: skip
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    paths = [f"{digest}/layer.tar" for digest in digests]
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": paths}]).encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for layer_path, layer in zip(paths, layers):
            _member(archive, layer_path, layer)
        _member(archive, config_name, config)
        _member(archive, "manifest.json", manifest)
