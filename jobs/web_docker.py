"""web-docker, the sample service in containers: the same program, in an image that it makes of itself.

No registry is needed: a task that runs first writes the image into the allocation's folder, and docker loads it.
"""

import dataclasses

from configs import artifacts
from configs.environment import Environment
from inventory import artifact_cache
from inventory.access import Access
from jobs import web
from jobs.nomad import drivers, mirror, spec

NAME = "web-docker"

DIFFERENCES = web.DIFFERENCES
rollout = web.rollout

_IMAGE = f"socle/web:{artifacts.WEB.version}"
_FILE = "data/web.tar"


def job(env: Environment, checksum: mirror.Checksum = artifact_cache.sha256) -> spec.Job:
    """The job of an environment."""
    network = spec.Network(dynamic_ports=(spec.Port(label="http", to=web.PORT),))
    return web.whole(env, NAME, network, (_image(env, checksum), _task()))


def prepare(access: Access) -> None:
    """Have the job's secret in Vault and its setting in Consul; what is there already stays as it is."""
    web.seed(access, NAME)


def _image(env: Environment, checksum: mirror.Checksum) -> spec.Task:
    return spec.Task(
        name="image",
        driver="exec",
        lifecycle=spec.Lifecycle(hook="prestart"),
        config=drivers.Exec(command="local/web", args=("image", f"${{NOMAD_ALLOC_DIR}}/{_FILE}")),
        artifacts=(mirror.fetched(env, artifacts.WEB, checksum),),
        resources=spec.Resources(cpu=50, memory_mb=64),
        logs=spec.LogConfig(max_files=1, max_file_size_mb=1),
    )


def _task() -> spec.Task:
    # `load` is relative to the task's own folder; the allocation's shared one is beside it.
    config = drivers.Docker(image=_IMAGE, load=f"../../alloc/{_FILE}", ports=("http",), readonly_rootfs=True)
    # Docker stops with SIGTERM by itself. With a signal of Nomad's choice, a container that died with its host cannot
    # be stopped: Nomad tries to signal it for ever.
    return dataclasses.replace(web.task(NAME, "docker", config), kill_signal=None)
