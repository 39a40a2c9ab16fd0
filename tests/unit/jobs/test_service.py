"""A service is composed in one call, and changed afterwards."""

from dataclasses import replace

from jobs.nomad import service, spec

_NETWORK = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http", to=8080),))
_TASK = spec.Task(name="app", driver="exec", config={"command": "true"})


def test_a_service_is_found_in_the_half_of_its_version() -> None:
    entry = service.entry("shop")
    assert entry.tags == ("ingress", "metrics", "live")
    assert entry.canary_tags == ("ingress", "metrics", "canary")
    assert entry.meta == entry.canary_meta == {"metrics_path": "/metrics"}


def test_a_service_need_be_neither_routed_nor_scraped() -> None:
    entry = service.entry("shop", routed=False, metrics=None)
    assert entry.tags == ("live",)
    assert entry.meta is None


def test_a_new_version_is_canaried_and_reverted_in_the_time_it_is_given() -> None:
    update = service.service("shop", network=_NETWORK, tasks=(_TASK,), canary=2).update
    assert update
    assert (update.canary, update.auto_revert, update.auto_promote) == (2, True, False)
    assert update.progress_deadline is not None
    assert update.healthy_deadline is not None
    assert update.progress_deadline > update.healthy_deadline


def test_logs_are_bounded_where_a_task_does_not_say_how() -> None:
    own = spec.LogConfig(max_files=1)
    group = service.service("shop", network=_NETWORK, tasks=(_TASK, replace(_TASK, name="other", logs=own)))
    assert [task.logs for task in group.tasks] == [service.LOGS, own]


def test_a_reader_keeps_its_own_identities() -> None:
    own = spec.Identity(name="api", aud=("api",))
    task = service.reader(replace(_TASK, identities=(own,)))
    assert task.identities == (own, service.CONSUL_TOKEN)
    assert task.vault == spec.Vault()
