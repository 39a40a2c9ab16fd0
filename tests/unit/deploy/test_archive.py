"""Archives like the vendors', the same to the byte."""

import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from configs.errors import ArtifactError
from deploy.sources import archive, release


def program(folder: Path, name: str, mtime: int) -> Path:
    """A file with a modification time and a mode that must not matter."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(name.encode() * 1000)
    path.chmod(0o600 + mtime % 8)
    os.utime(path, (mtime, mtime))
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.tar.gz"])
def test_the_same_content_gives_the_same_archive(tmp_path: Path, name: str) -> None:
    first, second = tmp_path / name, tmp_path / f"2-{name}"
    archive.pack({"x": program(tmp_path / "1", "x", 1), "y": program(tmp_path / "1", "y", 2)}, first)
    archive.pack({"y": program(tmp_path / "2", "y", 9), "x": program(tmp_path / "2", "x", 8)}, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_zip_holds_programs_that_may_be_run(tmp_path: Path) -> None:
    archive.pack({"x": program(tmp_path, "x", 1)}, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        (info,) = packed.infolist()
        assert packed.read("x") == b"x" * 1000
    assert stat.filemode(info.external_attr >> 16) == "-rwxr-xr-x"


def test_a_tar_holds_programs_of_root_that_may_be_run(tmp_path: Path) -> None:
    archive.pack({"./x": program(tmp_path, "x", 1)}, tmp_path / "a.tgz")
    with tarfile.open(tmp_path / "a.tgz") as packed:
        (info,) = packed.getmembers()
    assert (info.name, info.mode, info.uid, info.mtime) == ("./x", 0o755, 0, 0)


@pytest.mark.parametrize("line", ["{0}  a.zip", "{0} *a.zip", "{0}  ./a.zip", "{0}  dist/a.zip"])
def test_a_sum_is_found_however_the_vendor_writes_the_line(line: str) -> None:
    assert release.sum_of("a.zip", f"{'0' * 64}  aa.zip\n{line.format('F' * 64)}\n") == "f" * 64


def test_sums_that_do_not_name_the_archive_are_an_error() -> None:
    with pytest.raises(ArtifactError, match=r"a\.zip: the vendor's sums do not name it"):
        release.sum_of("a.zip", f"{'0' * 64}  b.zip\n")
