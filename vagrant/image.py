"""The image of the local hosts: Debian as its installer leaves it, with SSH, made here by debootstrap."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import docker
import docker.errors

from configs.errors import HostError
from inventory import local
from vagrant import engine

REPOSITORY = "socle-host"
SUITE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo"),
    *("ca-certificates", "curl", "unzip", "gnupg", "iproute2", "iputils-ping", "procps"),
)
OVERLAY = Path(__file__).parent / "host"
BOOT = "/usr/local/sbin/boot-container"
CHANGES = (f'CMD ["{BOOT}"]',)
SETUP = f"""
set -e
rm -f /etc/hostname /etc/hosts /etc/resolv.conf /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
rm -f /var/cache/apt/archives/*.deb
: >/etc/machine-id
useradd --create-home --shell /bin/bash --password '*' {local.USER}
chmod 440 /etc/sudoers.d/{local.USER}
sed -i -E '/^deb /{{p;s|{SUITE} main|{SUITE}-updates main|}}' /etc/apt/sources.list
sed -i -E '/-updates/{{p;s|/debian/? .*|/debian-security {SUITE}-security main|}}' /etc/apt/sources.list
systemctl mask console-getty.service getty.target apt-daily.timer apt-daily-upgrade.timer
"""
"""The archive is debootstrap's own; updates and security fixes are beside it."""

FOLDER = local.CACHE / "images"


def digest() -> str:
    """The recipe's digest: another recipe is another image."""
    files = {str(path.relative_to(OVERLAY)): path.read_text() for path in OVERLAY.rglob("*") if path.is_file()}
    recipe = [SUITE, PACKAGES, files, CHANGES, SETUP]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def ensure(client: docker.DockerClient) -> str:
    """The image's name; it is made if the engine lacks it, from the tarball of an earlier time if there is one.

    Raises:
        HostError: when Debian's base system could not be made.
    """
    name = f"{REPOSITORY}:{digest()}"
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        client.api.import_image_from_file(str(tarball()), repository=REPOSITORY, tag=digest(), changes=list(CHANGES))
    return name


def tarball() -> Path:
    """The host's files as a tarball in the cache, made if it is not there (about a minute)."""
    path = FOLDER / f"{digest()}.tar"
    if not path.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _make(path)
    return path


def _make(path: Path) -> None:
    root, log = path.with_suffix(f".{os.getpid()}.root"), path.with_suffix(".log")
    try:
        with log.open("w") as out:
            for command in _commands(root, path.with_suffix(".partial")):
                subprocess.run(
                    engine.as_root(*command), check=True, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
                )
        path.with_suffix(".partial").rename(path)
        for other in FOLDER.glob("*.tar"):
            if other != path:
                other.unlink()
    except subprocess.CalledProcessError as error:
        tail = "\n".join(log.read_text().splitlines()[-10:])
        raise HostError(f"the image of the local hosts: {error} - the whole log is {log}; its end:\n{tail}") from error
    except FileNotFoundError as error:
        raise HostError(f"{error.filename}: not installed - run bin/up, or apt-get install debootstrap") from error
    finally:
        subprocess.run(
            engine.as_root("rm", "-rf", "--one-file-system", str(root)), check=True, stdin=subprocess.DEVNULL
        )


def _commands(root: Path, target: Path) -> tuple[list[str], ...]:
    environment = ["env", "-i", f"PATH={os.defpath}:/usr/sbin:/sbin", "DEBIAN_FRONTEND=noninteractive"]
    return (
        [
            *environment, shutil.which("debootstrap", path="/usr/sbin:/usr/bin") or "debootstrap",
            "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root),
        ],
        ["cp", "-r", "--no-preserve=ownership", f"{OVERLAY}/.", str(root)],
        [*environment, "chroot", str(root), "/bin/sh", "-c", SETUP],
        ["tar", "--directory", str(root), "--create", "--file", str(target), "--one-file-system", "."],
    )  # fmt: skip
