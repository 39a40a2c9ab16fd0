"""Whether a job is the same in every environment but for what its file states, and what is called the same.

A job is made for a neutral environment as well (jobs.promotion.neutral). With an environment's facts put in its
neutral form must be the environment's job, but for the stated differences: else the job depends on the environment in
another way, and nothing is known of how it is in the next.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from configs.environment import Environment
from configs.errors import PromotionError, SocleError
from jobs.differences import Differences
from jobs.files import JobFile
from jobs.promotion import neutral


def fingerprint(file: JobFile, env: Environment) -> str:
    """What a version of a job is in every environment: SHA-256 of its neutral form, stated differences left open.

    The checksums of the artifacts are in it; the architecture of the clients is by them.

    Raises:
        PromotionError: with the path of each field that depends on the environment without being stated.
    """
    if found := undeclared(file, env):
        raise PromotionError(found)
    return digest(file, env)


def known(file: JobFile, env: Environment) -> str:
    """The fingerprint, or nothing for a job that depends on its environment in ways that are not stated."""
    try:
        return fingerprint(file, env)
    except PromotionError:
        return ""


def same_but_for_differences(file: JobFile, env_a: Environment, env_b: Environment) -> list[str]:
    """The path of each field that differs between two environments and is not stated to; empty when it is the same."""
    between = [f"{env_b.name}: {finding}" for finding in differing(_neutral(file, env_a), _neutral(file, env_b))]
    return [*undeclared(file, env_a), *undeclared(file, env_b), *between]


def digest(file: JobFile, env: Environment) -> str:
    """The digest of a job's neutral form, of whichever environment it is made."""
    text = json.dumps(_neutral(file, env), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def undeclared(file: JobFile, env: Environment) -> list[str]:
    """The path of each field of an environment's job that depends on it in another way than is stated."""
    made, stated = file.job(env), _stated(file)
    untrue = differing(stated.applied(env.name, made).to_api(), made.to_api())
    facts = neutral.of(env)
    expected = stated.blanked(facts.actual(_made(file, facts.env)))
    return [f"{env.name}: {finding}" for finding in (*untrue, *differing(expected, stated.blanked(made.to_api())))]


def differing(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where two documents of Nomad's API differ: paths by its field names, items of lists by their own names."""
    match expected, found:
        case Mapping(), Mapping():
            for key in sorted({*expected, *found}):
                yield from differing(expected.get(key), found.get(key), f"{path}.{key}" if path else key)
        case list(), list() if len(expected) == len(found):
            for number, (one, other) in enumerate(zip(expected, found, strict=True)):
                yield from differing(one, other, f"{path}[{_label(one, number)}]")
        case _ if expected != found:
            yield f"{path}: {_apart(found, expected)}"


def _neutral(file: JobFile, env: Environment) -> dict[str, Any]:
    return _stated(file).blanked(_made(file, neutral.of(env).env))


def _made(file: JobFile, env: Environment) -> dict[str, Any]:
    """The job for a neutral environment, which a file may not be prepared for."""
    try:
        return file.job(env).to_api()
    except SocleError:
        raise
    except Exception as error:
        finding = (
            f"the job cannot be made for an environment that it does not know ({type(error).__name__}: {error}), so "
            "nothing can be said of how it differs - state in DIFFERENCES what it looks up by the environment's name"
        )
        raise PromotionError([finding]) from error


def _stated(file: JobFile) -> Differences:
    stated: Differences = getattr(file, "DIFFERENCES", Differences())
    return stated


def _label(item: Any, number: int) -> object:
    return item.get("Name") or item.get("ID") or number if isinstance(item, Mapping) else number


def _apart(found: Any, expected: Any) -> str:
    """Two values, of long texts where they begin to differ."""
    one, other = repr(found), repr(expected)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    start = max(0, same - _SHORT // 2) if max(len(one), len(other)) > _SHORT else 0
    return f"{_cut(one, start)} in place of {_cut(other, start)}"


def _cut(text: str, start: int) -> str:
    end = start + _SHORT
    return f"{'...' if start else ''}{text[start:end]}{'...' if end < len(text) else ''}"


_SHORT = 80
"""Characters of a value that are told."""
