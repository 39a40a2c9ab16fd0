"""Jobs on the command line: python -m jobs render|plan|run|status|stop JOB --env ENV [--json].

Exit codes: 0 done, 1 failed, 2 wrong usage, 5 the cluster is not reached. `plan` has those of `nomad plan`: 0 nothing
would change, 1 something would, 255 it could not be told.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from configs.errors import SocleError
from inventory import environments
from inventory.access import Access
from jobs import commands
from jobs.nomad import diff

FAILED, UNTOLD = 1, 255


def main(arguments: list[str]) -> int:
    """The command line's exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("job", help=f"{', '.join(commands.names())}, or the path of a job file")
    parser.add_argument("--env", required=True, help="dev, test, prod, or the path of an inventory file")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return UNTOLD if options.command == "plan" else error.exit_code


def _render(options: argparse.Namespace) -> int:
    _print(commands.load(options.job).job(environments.load(options.env)).to_api())
    return 0


def _plan(options: argparse.Namespace) -> int:
    planned = commands.plan(commands.load(options.job), _access(options))
    if options.json:
        _print({**asdict(planned), "changes": planned.changes})
    elif not planned.changes:
        sys.stdout.write(f"{planned.diff['ID']}: nothing would change\n")
    else:
        colour = sys.stdout.isatty()
        sys.stdout.writelines(f"{line.show(colour=colour)}\n" for line in diff.lines(planned.diff))
        sys.stdout.writelines(f"{note}\n" for note in (*planned.troubles, planned.warnings) if note)
    return int(planned.changes)


def _run(options: argparse.Namespace) -> int:
    ran = commands.run(commands.load(options.job), _access(options), _progress)
    if options.json:
        _print(asdict(ran))
    return 0


def _status(options: argparse.Namespace) -> int:
    access = _access(options)
    found = commands.status(commands.identify(options.job, access.env), access)
    if options.json:
        _print({**asdict(found), "whole": found.whole})
        return 0 if found.whole else FAILED
    sys.stdout.write(f"{found.id}: {found.status}, version {found.version}, {'' if found.whole else 'not '}whole\n")
    sys.stdout.writelines(f"  group {name}: {_counts(counts)}\n" for name, counts in found.groups.items())
    sys.stdout.writelines(f"  {line}\n" for line in (found.deployment, *found.troubles) if line)
    return 0 if found.whole else FAILED


def _stop(options: argparse.Namespace) -> int:
    access = _access(options)
    job_id = commands.identify(options.job, access.env)
    stopped = commands.stop(job_id, access)
    if options.json:
        _print({"job": job_id, "stopped": stopped})
    else:
        sys.stdout.write(f"{job_id}: {'stopped' if stopped else 'it does not run'}\n")
    return 0


_COMMANDS = {"render": _render, "plan": _plan, "run": _run, "status": _status, "stop": _stop}


def _access(options: argparse.Namespace) -> Access:
    return Access.for_environment(environments.load(options.env))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state.lower()}" for state, count in counts.items() if count) or "nothing runs"


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _print(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
