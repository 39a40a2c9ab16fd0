"""Whether an environment is healthy, on one screen: python -m deploy.status test."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

from configs.errors import SocleError
from deploy import health
from inventory import environments


def main(arguments: Sequence[str]) -> int:
    """Print every check; 0 when all is well, 1 when something is not, 2 wrong usage, 5 not reached."""
    parser = argparse.ArgumentParser(prog="python -m deploy.status", description=__doc__)
    parser.add_argument("environment", help="dev, test, prod, or the path of an inventory file")
    parser.add_argument("--json", action="store_true", help="print the checks as a JSON document")
    options = parser.parse_args(arguments)
    try:
        found = health.checks(environments.load(options.environment))
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(_document(found) if options.json else _screen(found))
    return 0 if all(check.ok for check in found) else 1


def _document(found: Sequence[health.Check]) -> str:
    checks = [dataclasses.asdict(check) for check in found]
    return json.dumps({"healthy": all(check.ok for check in found), "checks": checks}, indent=2) + "\n"


def _screen(found: Sequence[health.Check]) -> str:
    """One line a check; what is not well is marked and counted."""
    lines = [f"{'ok  ' if c.ok else 'FAIL'}  {c.part:<13} {c.what:<26} {c.detail}" for c in found]
    failed = sum(not check.ok for check in found)
    lines.append(f"{failed} of {len(found)} checks failed" if failed else f"all {len(found)} checks are well")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
