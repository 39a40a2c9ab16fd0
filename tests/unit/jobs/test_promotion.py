"""What may go on, what may be gone back to, and what keeps a version from it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from configs.errors import PromotionError
from inventory import environments
from jobs import web, web_docker
from jobs.nomad import spec, versions
from jobs.nomad.versions import Version
from jobs.promotion import passed


def _job(image: str = "one", count: int = 1, **task: Any) -> spec.Job:
    one = spec.Task(name="app", driver="docker", config={"image": image}, **task)
    return spec.Job(id="app", task_groups=(spec.TaskGroup(name="app", count=count, tasks=(one,)),))


def _versions(*told: tuple[str, int, bool]) -> list[Version]:
    """Image, count and whether it was good, from the first version to the present one."""
    made = [
        Version(number=number, stable=good, submitted=0, job=_job(image, count))
        for number, (image, count, good) in enumerate(told)
    ]
    return made[::-1]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("a", 1, True), ("b", 1, True)], 0),
        ([("a", 1, True), ("b", 1, False), ("c", 1, True)], 0),
        ([("a", 1, True), ("b", 1, True), ("c", 1, False)], 1),
        ([("a", 1, True), ("b", 1, True), ("b", 5, True)], 0),
        ([("a", 1, True), ("b", 1, False), ("a", 1, True), ("c", 1, True)], 2),
        ([("z", 1, True), ("a", 1, True), ("b", 1, False), ("a", 1, True)], 0),
    ],
)
def test_the_way_back_is_to_the_newest_good_version_that_is_another(
    told: list[tuple[str, int, bool]], expected: int
) -> None:
    assert versions.earlier(_versions(*told)).number == expected


def test_a_version_that_was_not_good_or_is_not_known_is_answered_with_those_that_are() -> None:
    known = _versions(("a", 1, True), ("b", 1, False), ("c", 1, True), ("d", 1, True))
    assert versions.earlier(known, 0).number == 0
    for wrong in (1, 3, 9):
        with pytest.raises(PromotionError, match=f"no version {wrong} that is good .* good ones: 2, 0"):
            versions.earlier(known, wrong)


def test_a_job_without_an_earlier_version_cannot_go_back() -> None:
    with pytest.raises(PromotionError, match="good ones: none"):
        versions.earlier(_versions(("a", 1, True)))


def test_the_counts_that_run_are_kept_and_those_of_new_groups_are_the_files() -> None:
    job = _job(count=2)
    both = dataclasses.replace(job, task_groups=(*job.task_groups, dataclasses.replace(job.task_groups[0], name="new")))
    running = {"Stop": False, "TaskGroups": [{"Name": "app", "Count": 7}]}
    assert [group.count for group in versions.kept(both, running).task_groups] == [7, 2]
    assert versions.kept(both, {**running, "Stop": True}) == versions.kept(both, None) == both


def test_what_may_be_another_tomorrow_is_found() -> None:
    artifact = spec.Artifact(source="https://example.org/app.zip")
    image, program = passed.unpinned(_job("app:1.4", artifacts=(artifact,)))
    assert image.startswith("app.group[app].task[app]: the image app:1.4 may be another one tomorrow")
    assert image.endswith("name it by its digest, app:1.4@sha256:...")
    assert program.endswith("artifact https://example.org/app.zip has no checksum - give options['checksum']")


@pytest.mark.parametrize("made", [web.job, web_docker.job])
def test_our_samples_are_pinned(made: Callable[..., spec.Job]) -> None:
    assert [*passed.unpinned(made(environments.load("test"), lambda *_: "0" * 64))] == []


def test_what_is_named_by_its_digest_or_brought_along_is_pinned() -> None:
    artifact = spec.Artifact(source="https://example.org/app.zip", options={"checksum": "sha256:0"})
    assert [*passed.unpinned(_job("app@sha256:0", artifacts=(artifact,)))] == []
    loaded = spec.Task(name="app", driver="docker", config={"image": "app:1", "load": "app.tar"}, artifacts=(artifact,))
    job = spec.Job(id="app", task_groups=(spec.TaskGroup(name="app", tasks=(loaded,)),))
    assert [*passed.unpinned(job)] == []
