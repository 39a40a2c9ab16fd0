"""The pages are true: their commands exist, their links lead somewhere, the reference is the code's."""

import re
import runpy
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from configs import consul
from configs.environment import Role
from inventory import environments

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
README_LINES = 100

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"\bpython -m ([\w.]+)")
_SCRIPT = re.compile(r"(?<![\w/.-])(bin/\w+)\b")
_PHASE = re.compile(r"\bdeploy\.(\w+)\.(\w+)\b(?!\()")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=name)


@pages
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    missing = [module for module in _MODULE.findall(text) if find_spec(module) is None]
    missing += [script for script in _SCRIPT.findall(text) if not (ROOT / script).is_file()]
    missing += [f"deploy.{file}.{noun}" for file, noun in _PHASE.findall(text) if not _is_phase(file, noun)]
    assert missing == []


@pages
def test_every_deploy_file_that_a_page_runs_exists(page: Path) -> None:
    for line in page.read_text().splitlines():
        if "pyinfra inventory/" in line and (found := re.search(r"pyinfra (\S+) (\S+?)[`\s).,:;]", f"{line} ")):
            inventory, operation = found.groups()
            assert inventory in {"inventory/ENV.py", "inventory/x.py"} or (ROOT / inventory).is_file(), line
            assert not operation.endswith(".py") or (ROOT / operation).is_file(), line


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [link for link in _LINK.findall(_FENCE.sub("", page.read_text())) if not _leads(page, link)]
    assert broken == []


@pages
def test_a_page_starts_with_its_title(page: Path) -> None:
    assert page.read_text().startswith("# ")


def test_every_page_is_reached_from_the_index() -> None:
    seen, todo = set(), [ROOT / "docs/index.md"]
    while todo:
        page = todo.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            links = (link.partition("#")[0] for link in _LINK.findall(page.read_text()))
            todo += [(page.parent / link).resolve() for link in links if link and "://" not in link]
    assert {name(page) for page in PAGES[1:]} - {name(page) for page in seen} == set()


def test_every_alert_has_its_remedy_and_every_remedy_its_alert() -> None:
    operations = _anchors(ROOT / "docs/operations.md")
    rules = [rule for file in (ROOT / "configs/rules").glob("*.yml") for rule in _rules(file)]
    runbooks = {rule["annotations"]["runbook"] for rule in rules}
    assert {book for book in runbooks if book.partition("#")[2] not in operations} == set()
    assert {book.partition("#")[0] for book in runbooks} == {"docs/operations.md"}
    text = (ROOT / "docs/operations.md").read_text().partition("\n# Alerts\n")[2]
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == {rule["alert"] for rule in rules}


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_tells_its_status_context_decision_and_consequences(page: Path) -> None:
    text = page.read_text()
    parts = ("Status", "Context", "Decision", "Consequences")
    assert [part for part in parts if f"**{part}**:" not in text] == []
    assert sorted(parts, key=lambda part: text.index(f"**{part}**:")) == list(parts)


def test_the_reference_is_the_codes() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    now = made["FILE"].read_text() == made["page"]()
    assert now, "docs/reference.md is out of date - run: python docs/make_reference.py"


def test_the_reference_names_every_token_that_is_kept() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))
    named = {key for keys in made["SECRETS"] for key in keys}
    kept = {re.sub(r"(agent|nomad|vault)-.+", r"\1-HOST", t.secret) for t in consul.tokens(environments.load("test"))}
    assert kept <= named


def test_the_reference_has_the_ports_of_every_role() -> None:
    ports = (ROOT / "docs/reference.md").read_text().partition("## Ports\n")[2].partition("\n## ")[0]
    assert all(f"| {role.value} |" in ports for role in Role)


def test_the_readme_is_short_and_starts_with_what_it_is() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= README_LINES
    first = next(line for line in lines[1:] if line)
    assert not first.startswith(("#", "[", "!", "`"))


def test_the_first_commands_of_the_readme_bring_it_up_and_test_it() -> None:
    blocks = _FENCE.findall((ROOT / "README.md").read_text())
    typed = [line.removeprefix("$ ") for line in blocks[0].splitlines() if line.startswith("$ ")]
    assert [shlex.split(line)[0] for line in typed[:2]] == ["bin/up", "bin/test"]


def test_the_changelog_knows_the_present_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"## [{version[1]}]" in (ROOT / "docs/changelog.md").read_text()


def _is_phase(file: str, noun: str) -> bool:
    path = ROOT / f"deploy/{file}.py"
    return path.is_file() and f"def {noun}(" in path.read_text()


def _leads(page: Path, link: str) -> bool:
    if "://" in link:
        return link.startswith("https://")
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _rules(file: Path) -> Iterator[dict[str, dict[str, str]]]:
    for group in yaml.safe_load(file.read_text())["groups"]:
        yield from group["rules"]
