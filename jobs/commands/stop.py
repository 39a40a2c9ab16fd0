"""stop: nothing of the job runs any more."""

import argparse
from datetime import timedelta

from jobs import files
from jobs.commands import options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad import watch
from jobs.nomad.client import Client

HELP = "stop the job and wait until nothing of it runs"

WITHIN = timedelta(minutes=10)
"""How long its tasks may take to end."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    options.usual(parser)


def run(given: argparse.Namespace) -> Exit:
    """Stop it."""
    site = Site.named(given.env)
    job_id = files.identify(given.job, site.env)
    stopped = stop(site.nomad, job_id)
    if given.json:
        output.document({"job": job_id, "stopped": stopped})
    else:
        output.text(f"{job_id}: {'stopped' if stopped else 'it does not run'}")
    return Exit.DONE


def stop(client: Client, job_id: str, within: timedelta = WITHIN) -> bool:
    """Stop a job and wait until nothing of it runs; whether there was anything to stop."""
    found = client.find(job_id)
    if found is None or found["Stop"]:
        return False
    client.stop(job_id)
    watch.stopped(client, job_id, within=within)
    return True
