"""Installed packages as dpkg tells them."""

from deploy.facts.packages import InstalledPackages


def test_only_what_is_wholly_installed_counts() -> None:
    said = ["ii  curl", "rc  nginx-light", "un  chrony", "iF  docker.io", "ii  nftables", "END"]
    assert InstalledPackages().process(said) == frozenset({"curl", "nftables"})


def test_a_host_without_any_of_them_says_so() -> None:
    assert InstalledPackages().process(["END"]) == frozenset()


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    assert InstalledPackages().process(["ii  curl"]) is None
    assert InstalledPackages.default() is None
