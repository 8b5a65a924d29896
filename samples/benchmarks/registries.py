"""A registry over an empty directory: Debian's docker-registry, or `dray serve`."""
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

from benchmarks.measuring import clear


class Registry:
    def __init__(self, program, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.name = os.path.basename(program)
        self.base, self.root = f"http://{self.address}/v2", f"{directory}/{self.name}"
        config = f"{directory}/{self.name}.yml"
        with open(config, "w") as file:
            file.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                       f"storage: {{filesystem: {{rootdirectory: {self.root}}}, delete: {{enabled: true}}}}\n"
                       f"http: {{addr: '{self.address}'}}\n")
        self.process = subprocess.Popen(
            [program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/").close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{self.name} does not start")
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def clear(self):
        clear(f"{self.root}/docker")

    def peak(self):
        """MiB of memory, so far."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024
