"""Versions and archives as a host tells them."""

from deploy.facts.artifacts import HeldArchives, Installed, InstalledReleases

SUM = "d" * 64


def test_the_current_version_is_told_with_its_programs_and_links() -> None:
    said = [f"R consul 1.22.5 {SUM}", "B consul consul", "L consul consul", "R nomad - -", "END"]
    assert InstalledReleases().process(said) == {
        "consul": Installed(version="1.22.5", sha256=SUM, binaries=frozenset({"consul"}), links=frozenset({"consul"})),
        "nomad": Installed(version="-", sha256="-"),
    }


def test_archives_are_told_with_size_and_sum() -> None:
    assert HeldArchives().process([f"123 {SUM} consul_1_linux_amd64.zip", "END"]) == {
        "consul_1_linux_amd64.zip": (123, SUM)
    }


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    assert InstalledReleases().process([f"R consul 1.22.5 {SUM}"]) is None
    assert HeldArchives().process([]) is None
