"""The image's recipe."""

import os
import shutil
from pathlib import Path

import pytest

from vagrant import engine, image


def test_the_image_is_named_by_its_whole_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = image.digest()
    copy = tmp_path / "host"
    shutil.copytree(image.OVERLAY, copy)
    monkeypatch.setattr(image, "OVERLAY", copy)
    assert image.digest() == before
    (copy / "etc/sudoers.d/socle").write_text("")
    assert image.digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(image, "PACKAGES", (*image.PACKAGES, "vim"))
    assert image.digest() != before


def test_the_program_that_boots_the_host_can_be_run() -> None:
    assert os.access(image.OVERLAY / image.BOOT.removeprefix("/"), os.X_OK)


@pytest.mark.parametrize(("user", "words"), [(0, ["tar", "-c"]), (1000, ["sudo", "tar", "-c"])])
def test_others_than_root_work_through_sudo(monkeypatch: pytest.MonkeyPatch, user: int, words: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert engine.as_root("tar", "-c") == words
