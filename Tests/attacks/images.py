"""Images, and the places that they lie in, with whatever an attack wants changed."""
import gzip
import hashlib
import json
import os
import tarfile

import tar

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def encoded(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def layer(text="hello"):
    return tar.member("file", text.encode()) + tar.END


def config(*layers, **changes):
    return {
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]}, **changes,
    }


def docker_archive(
    path="x.tar", content=None, settings=None, names=("good/image:1",), config_path="config.json",
    layer_paths=("layer.tar",), manifest=None, before=b"", after=b"", end=tar.END,
):
    """A `docker save` tarball of one image of one layer; `manifest` is all of manifest.json."""
    content = layer() if content is None else content
    settings = config(content) if settings is None else settings
    if manifest is None:
        manifest = [{"Config": config_path, "RepoTags": list(names), "Layers": list(layer_paths)}]
    tar.write(
        path, before, tar.member("layer.tar", content), tar.member("config.json", encoded(settings)),
        tar.member("manifest.json", encoded(manifest)), after, end=end)


class Layout:
    """An OCI layout on disk."""

    def __init__(self, path="x"):
        self.path = path
        self.entries = []
        os.makedirs(f"{path}/blobs/sha256")
        self.write("oci-layout", {"imageLayoutVersion": "1.0.0"})

    def write(self, name, value):
        with open(f"{self.path}/{name}", "wb") as file:
            file.write(encoded(value))

    def blob_path(self, name):
        return f"{self.path}/blobs/{name.replace(':', '/')}"

    def put(self, value, kind, **changes):
        """A blob, and its descriptor."""
        data = encoded(value)
        name = digest(data)
        with open(self.blob_path(name), "wb") as file:
            file.write(data)
        return {"mediaType": kind, "digest": name, "size": len(data), **changes}

    def image(self, content=None, settings=None, layers=None, **changes):
        """A manifest's descriptor; the layer is gzipped."""
        content = layer() if content is None else content
        settings = config(content) if settings is None else settings
        layers = [self.put(gzip.compress(content, 1, mtime=0), OCI_LAYER + "+gzip")] if layers is None else layers
        return self.put(
            {
                "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": self.put(settings, OCI_CONFIG),
                "layers": layers, **changes,
            }, OCI_MANIFEST)

    def index(self, *children, **changes):
        return self.put(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children), **changes}, OCI_INDEX)

    def add(self, descriptor, name="good:1", **annotations):
        notes = {"org.opencontainers.image.ref.name": name, **annotations}
        self.entries.append({**descriptor, "annotations": notes})
        return self

    def finish(self, index=None):
        """Writes index.json, and the layout once more as a tar."""
        self.write("index.json", {"schemaVersion": 2, "manifests": self.entries} if index is None else index)
        pack(self.path)


class Store:
    """A registry's storage directory."""

    def __init__(self, path="x"):
        self.path = path
        self.base = f"{path}/docker/registry/v2"
        os.makedirs(f"{self.base}/blobs")
        os.makedirs(f"{self.base}/repositories")

    def write(self, name, value):
        path = f"{self.base}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(encoded(value))
        return path

    @staticmethod
    def blob_path(name):
        value = name.split(":")[1]
        return f"blobs/sha256/{value[:2]}/{value}/data"

    def put(self, value, repository):
        data = encoded(value)
        name = digest(data)
        self.write(self.blob_path(name), data)
        self.link(f"{repository}/_layers/sha256/{name[7:]}", name)
        return name, len(data)

    def link(self, directory, target):
        return self.write(f"repositories/{directory}/link", encoded(target.encode() if isinstance(target, str) else target))

    def manifest(self, value, repository="good", tag="1"):
        data = encoded(value)
        name = digest(data)
        self.write(self.blob_path(name), data)
        self.link(f"{repository}/_manifests/revisions/sha256/{name[7:]}", name)
        if tag is not None:
            self.link(f"{repository}/_manifests/tags/{tag}/current", name)
            self.link(f"{repository}/_manifests/tags/{tag}/index/sha256/{name[7:]}", name)
        return name

    def image(self, repository="good", tag="1", text="hello", **changes):
        content = layer(text)
        blob, size = self.put(gzip.compress(content, 1, mtime=0), repository)
        settings, settings_size = self.put(config(content), repository)
        return self.manifest({
            "schemaVersion": 2, "mediaType": DOCKER_MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json", "digest": settings,
                "size": settings_size},
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": blob, "size": size}],
            **changes,
        }, repository, tag)

    def finish(self):
        """Writes the store once more as a tar."""
        pack(self.path)


def pack(path):
    """The directory as `PATH.tar`, its members as they are: links, fifos, devices."""
    with tarfile.open(f"{path}.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(os.listdir(path)):
            archive.add(f"{path}/{name}", name)
