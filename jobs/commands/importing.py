"""import: the job file of a job in HCL, as Nomad itself parses it."""

import argparse
from pathlib import Path
from typing import Any

from configs.errors import ConfigError
from jobs.commands import options, output
from jobs.commands.exits import Exit
from jobs.commands.options import Site
from jobs.nomad import imported
from jobs.nomad.client import Client

HELP = "write the job file for a job in HCL; Nomad itself parses it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument("file", type=Path, help="a job in HCL, such as web.nomad.hcl")
    options.environment(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="such as jobs/web.py; standard output by default")
    parser.add_argument("--force", action="store_true", help="overwrite the output file")
    options.document(parser)


def run(given: argparse.Namespace) -> Exit:
    """Parse it, and write the file."""
    return run_on(Site.named(given.env), given)


def run_on(site: Site, given: argparse.Namespace) -> Exit:
    """Have it parsed in one environment."""
    parsed = parse(site.nomad, given.file)
    text = imported.python_file(parsed)
    if given.output:
        write(given.output, text, force=given.force)
    if given.json:
        output.document({"job": parsed["ID"], "file": str(given.output or ""), "text": text})
    else:
        output.text(f"{given.output}: written" if given.output else text.rstrip("\n"))
    return Exit.DONE


def parse(client: Client, file: Path) -> dict[str, Any]:
    """A job as Nomad's API has it.

    Raises:
        ConfigError: when there is no such file.
        JobError: when Nomad does not take it for a job.
    """
    try:
        return client.parse(file.read_text())
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror} - give the path of a job in HCL"]) from None


def write(file: Path, text: str, *, force: bool) -> None:
    """Write a file that is not there yet, or any.

    Raises:
        ConfigError: when it is there, or cannot be written.
    """
    try:
        with file.open("w" if force else "x") as opened:
            opened.write(text)
    except FileExistsError:
        raise ConfigError([f"{file}: it is there already - give another name, or --force"]) from None
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror} - give a file in a folder that is there"]) from None
