"""Archives like the vendors', the same to the byte for the same content."""

import gzip
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""

_MODE: Final = 0o755
_UNIX: Final = 3
_COPY_SIZE: Final = 1 << 20


def pack(members: Mapping[str, Path], to: Path) -> None:
    """Write a zip, or a compressed tar, by the name's ending; only names and contents decide its bytes."""
    (_zip if to.suffix == ".zip" else _tar)(dict(sorted(members.items())), to)


def _zip(members: Mapping[str, Path], to: Path) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for name, path in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = _UNIX, (0o100000 | _MODE) << 16
            info.compress_type, info.file_size = zipfile.ZIP_DEFLATED, path.stat().st_size
            with path.open("rb") as content, packed.open(info, "w") as member:
                while piece := content.read(_COPY_SIZE):
                    member.write(piece)


def _tar(members: Mapping[str, Path], to: Path) -> None:
    with (
        to.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, path in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = path.stat().st_size, _MODE
            with path.open("rb") as content:
                tar.addfile(info, content)
