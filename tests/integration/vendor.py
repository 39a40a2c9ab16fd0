"""A vendor's site on loopback: releases with sums and signatures, and every way in which they can be wrong."""

import hashlib
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from configs.artifacts import Artifact, Build, Release
from configs.environment import Arch

FILE = "tool_1.0.0_linux_amd64.zip"
SUMS = "tool_1.0.0_SHA256SUMS"


@dataclass
class Key:
    """A throw-away OpenPGP key of its own GnuPG home."""

    home: Path
    fingerprint: str
    public: Path

    def sign(self, document: bytes) -> bytes:
        """The detached signature of a document."""
        return _gpg(self.home, "--detach-sign", "--local-user", self.fingerprint, document=document)


@contextmanager
def new_key() -> Iterator[Key]:
    """A key that lives as long as the block; its agent's socket needs a short path."""
    with tempfile.TemporaryDirectory(prefix="pgp-") as name:
        home = Path(name)
        try:
            _gpg(home, "--passphrase", "", "--quick-generate-key", "Vendor <vendor@example.com>", "ed25519", "sign")
            listed = _gpg(home, "--list-keys", "--with-colons").decode().splitlines()
            fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
            public = home / "key.asc"
            public.write_bytes(_gpg(home, "--armor", "--export", fingerprint))
            yield Key(home, fingerprint, public)
        finally:
            subprocess.run(["gpgconf", "--homedir", name, "--kill", "all"], check=True)


def _gpg(home: Path, *arguments: str, document: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments]
    return subprocess.run(command, input=document, capture_output=True, check=True).stdout


@dataclass
class Site:
    """What the site answers by path; a test changes it to make it wrong.

    Attributes:
        files: the content of each path.
        redirects: paths that answer with another address.
        cut: paths whose answer ends in the middle; the connection is closed.
        stalled: paths whose answer stops in the middle until `go_on` is set; `stalls` is set once one has.
        requests: every path that was asked for, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    stalls: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def publish(self, archive: bytes, key: Key | None = None) -> None:
        """Put a release there as it should be."""
        sums = f"{'0' * 64}  other_1.0.0_linux_amd64.zip\n{hashlib.sha256(archive).hexdigest()}  {FILE}\n".encode()
        self.files |= {f"/tool/{FILE}": archive, f"/tool/{SUMS}": sums}
        if key:
            self.files[f"/tool/{SUMS}.sig"] = key.sign(sums)


@contextmanager
def serving() -> Iterator[Site]:
    """The site, for as long as the block."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            with suppress(ConnectionError):  # the client was killed
                _answer(self, site)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, site: Site) -> None:
    if target := site.redirects.get(request.path):
        request.send_response(302)
        request.send_header("Location", target)
        request.end_headers()
        return
    content = site.files.get(request.path)
    if content is None:
        request.send_error(404)
        return
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    half = len(content) // 2
    request.wfile.write(content[:half])
    if request.path in site.stalled:
        request.wfile.flush()
        site.stalls.set()
        site.go_on.wait(60)
    if request.path not in site.cut:
        request.wfile.write(content[half:])


def artifact(base: str, key: Key | None = None) -> Artifact:
    """The artifact of which the site is the vendor."""
    release = Release(
        base=f"{base}/{{name}}",
        sums="{name}_{version}_SHA256SUMS",
        signature="{name}_{version}_SHA256SUMS.sig" if key else None,
        key=str(key.public) if key else None,
        fingerprint=key.fingerprint if key else None,
    )
    return Artifact(
        name="tool",
        version="1.0.0",
        archive="{name}_{version}_linux_{arch}.zip",
        binaries={"tool": "tool"},
        build=Build(packages={"tool": "."}),
        release=release,
    )


def archive(folder: Path, text: str = "#!/bin/sh\n") -> bytes:
    """An archive of that artifact."""
    path = folder / artifact("").file(Arch.AMD64)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("tool", text * 10_000)
    return path.read_bytes()
