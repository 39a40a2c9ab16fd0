"""Jobs on the command line: python -m jobs COMMAND JOB --env ENV [--json].

Exit codes: 0 done, 1 failed or reverted, 2 wrong usage, 3 held for a person, 4 another rollout has the job, 5 the
environment is not reached, 6 refused and nothing changed, 130 interrupted. `plan` has those of `nomad plan`: 0 nothing
would change, 1 something would, 255 it could not be told.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final

from configs.errors import SocleError
from jobs.commands import advance, history, importing, plan, render, request, rollback, run, status, stop
from jobs.commands.exits import Exit, PlanExit

_Arguments = Callable[[argparse.ArgumentParser], None]
_Run = Callable[[argparse.Namespace], int]

COMMANDS: Final[dict[str, tuple[str, _Arguments, _Run]]] = {
    "render": (render.HELP, render.arguments, render.run),
    "plan": (plan.HELP, plan.arguments, plan.run),
    "run": (run.HELP, run.arguments, run.run),
    "status": (status.HELP, status.arguments, status.run),
    **{action: (text, request.arguments, request.command(action)) for action, text in request.HELP.items()},
    "rollback": (rollback.HELP, rollback.arguments, rollback.run),
    "history": (history.HELP, history.arguments, history.run),
    "stop": (stop.HELP, stop.arguments, stop.run),
    "import": (importing.HELP, importing.arguments, importing.run),
    "advance": (advance.HELP, advance.arguments, advance.run),
}


def main(arguments: list[str]) -> int:
    """The command line's exit code."""
    given = parser().parse_args(arguments)
    try:
        return int(COMMANDS[given.command][2](given))
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return PlanExit.UNTOLD if given.command == "plan" else error.exit_code
    except BrokenPipeError:
        # Whoever read the output has seen enough; what Python would still write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: an open rollout waits for the cluster's controller, or for resume or abort\n")
        return Exit.INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    made = argparse.ArgumentParser(
        prog="python -m jobs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    several = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, add, _) in COMMANDS.items():
        add(several.add_parser(name, help=text, description=text))
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
