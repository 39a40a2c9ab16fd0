"""acceptance: the sample service for a minute, with a setting and a secret of its own; deploy/verify.py asks it."""

import dataclasses
import hashlib
import secrets
from datetime import timedelta

from configs.environment import Environment
from inventory import artifact_cache, vault_kv
from inventory.access import Access
from jobs import web
from jobs.nomad import mirror, spec

NAME = "acceptance"
SETTING = web.setting(NAME)
SECRET = web.secret(NAME)


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256) -> spec.Job:
    """One instance of the sample service under another name."""
    sample = web.job(env, checksum, name=NAME)
    (group,) = sample.task_groups
    update = spec.Update(
        health_check="checks",
        min_healthy_time=timedelta(seconds=1),
        healthy_deadline=timedelta(seconds=60),
        progress_deadline=timedelta(seconds=90),
    )
    one = dataclasses.replace(group, count=1, update=update, shutdown_delay=None)
    return dataclasses.replace(sample, spreads=None, task_groups=(one,))


def prepare(access: Access) -> tuple[str, str]:
    """Write a new setting to Consul and a new secret to Vault.

    Returns:
        The setting, and the digest of the secret that the service must show.
    """
    setting, key = secrets.token_hex(8), secrets.token_urlsafe(32)
    access.consul().kv.put(SETTING, setting)
    vault_kv.write(access, SECRET, {"key": key})
    return setting, hashlib.sha256(key.encode()).hexdigest()[:12]


def clean(access: Access) -> None:
    """Remove what `prepare` wrote."""
    access.consul().kv.delete(SETTING)
    vault_kv.delete(access, SECRET)
