"""The Python file of a job that Nomad has, or that it parsed from HCL."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from jobs.nomad import check, document, drivers, said, source, spec
from jobs.nomad.document import Block
from jobs.nomad.source import Writer

_SIGNATURE = "_env: Environment"


def python_file(job: Mapping[str, Any]) -> str:
    """The text of a job file that renders to the same job.

    Args:
        job: the job as Nomad's API has it, or parsed it; what says nothing is left out (jobs.nomad.said), and so is
            what Nomad itself wrote into it.

    Raises:
        JobSpecError: when the job has mistakes, every one with its path.
    """
    made = _typed(spec.Job.from_api(said.only(job)).without_server_fields())
    writer = Writer(module=_module)
    names = {"job"}
    tasks = [_moved(writer, task, "task", names) for group in made.task_groups for task in group.tasks]
    groups = [_moved(writer, group, "group", names) for group in made.task_groups]
    whole = _function(f"job({_SIGNATURE})", "The job; it is the same in every environment so far.", writer.block(made))
    body = "".join([whole, *groups, *tasks])
    return _head(made.id, writer, body) + body


def _typed(job: spec.Job) -> spec.Job:
    """The job with its tasks' config as the drivers' types, where they hold it whole."""
    groups = tuple(
        dataclasses.replace(group, tasks=tuple(_configured(task) for task in group.tasks)) for group in job.task_groups
    )
    return dataclasses.replace(job, task_groups=groups)


def _configured(task: spec.Task) -> spec.Task:
    kind = drivers.BY_NAME.get(task.driver)
    if kind is None or task.config is None:
        return task
    config = document.decode(kind, task.config)
    whole = source.plain(config) and not check.findings(config, "") and config == task.config
    return dataclasses.replace(task, config=config) if whole else task


def _moved(writer: Writer, block: spec.Task | spec.TaskGroup, kind: str, names: set[str]) -> str:
    """A block in a function of its own, which is called where the block stood."""
    name = source.free_name(f"_{kind}_{source.name_of(block.name)}", names)
    names.add(name)
    text = _function(f"{name}()", f"The {kind} {block.name}.", writer.block(block), type(block).__name__)
    writer.moved[id(block)] = f"{name}()"
    return text


def _function(signature: str, does: str, value: source.Node, returns: str = "Job") -> str:
    body = source.lay_out(value, "    ", "return ")
    return f'\n\ndef {signature} -> spec.{returns}:\n    """{does}"""\n    {body}\n'


def _head(job: str, writer: Writer, body: str) -> str:
    """The file down to its functions; what they need is imported."""
    times = "from datetime import timedelta\n\n" if "timedelta(" in body else ""
    configs = "drivers, " if "=drivers." in body else ""
    constants = "".join(f"\n{name} = {value}\n" for name, value in writer.constants.items())
    return (
        f'"""{job}, as Nomad had it; what may differ between environments is still to be said."""\n\n'
        f"{times}from configs.environment import Environment\nfrom jobs.nomad import {configs}spec\n{constants}"
    )


def _module(block: type[Block]) -> str:
    return "drivers" if issubclass(block, drivers.Config) else "spec"
