"""Prometheus and Loki as a rollout asks them: a short question, and an answer as it should be, or an error."""

import math
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import requests

from configs.errors import MeasureError
from jobs.rollout.counts import Series

TIMEOUT_S: Final = 3.0
"""How long a source may take to accept a connection, and then to answer, in seconds."""

_SHOWN: Final = 200
"""Characters of a refusal that are shown."""


class Source:
    """An API that answers queries as Prometheus does; Loki's is the same.

    Args:
        name: what people call it.
        url: its address with the path to `query`.
        session: what asks, with its authentication.
    """

    def __init__(self, name: str, url: str, session: requests.Session) -> None:
        self.name = name
        self._url = url
        self._session = session
        self._away: tuple[float, str] | None = None

    def number(self, query: str, at: float) -> float | None:
        """The one finite number that a query gives at a time (epoch seconds); None when there is nothing.

        Raises:
            MeasureError: when the source does not answer in time, refuses, or has anything else than one number.
        """
        match self._ask(query, at):
            case {"resultType": "vector", "result": []}:
                return None
            case {"resultType": "vector", "result": [{"value": [_, value]}]} | {
                "resultType": "scalar",
                "result": [_, value],
            }:
                return self._finite(value)
            case {"resultType": "vector", "result": [*several]} if len(several) > 1:
                raise MeasureError(f"{self.name} has {len(several)} series, and one number is needed: aggregate them")
            case {"resultType": str(kind)}:
                raise MeasureError(f"{self.name} answered with a {kind}, and one number is needed")
        raise MeasureError(f"{self.name} answered with something that is no result of a query")

    def series(self, query: str, at: float) -> list[Series]:
        """The raw samples that a range selector finds at a time (epoch seconds).

        Raises:
            MeasureError: when the source does not answer in time, refuses, or has anything else than samples.
        """
        match self._ask(query, at):
            case {"resultType": "matrix", "result": [*found]}:
                return [self._one_series(each) for each in found]
        raise MeasureError(f"{self.name} answered with something else than samples")

    def _ask(self, query: str, at: float) -> Any:
        answer = self._answer(query, at)
        if answer.status_code != HTTPStatus.OK:
            raise MeasureError(f"{self.name} answered {answer.status_code}: {_refusal(answer)}")
        match _json(answer):
            case {"status": "success", "data": data}:
                return data
        raise MeasureError(f"{self.name} answered with something that is not of a query API")

    def _answer(self, query: str, at: float) -> requests.Response:
        """What it answers; one that is away is waited for once at a time, not once for each check."""
        if self._away and self._away[0] == at:
            raise MeasureError(self._away[1])
        parameters = {"query": query, "time": f"{at:.3f}", "timeout": f"{TIMEOUT_S:g}s"}
        try:
            return self._session.get(f"{self._url}/query", params=parameters, timeout=TIMEOUT_S)
        except requests.Timeout:
            why = f"{self.name} did not answer within {TIMEOUT_S:g} s"
        except requests.RequestException as error:
            why = f"{self.name} is not reached at {self._url} ({type(error).__name__})"
        self._away = (at, why)
        raise MeasureError(why)

    def _finite(self, text: object) -> float:
        try:
            value = float(str(text))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise MeasureError(f"{self.name} answered {text}, which is no finite number")
        return value

    def _one_series(self, found: object) -> Series:
        match found:
            case {"metric": Mapping() as labels, "values": [*values]}:
                with suppress(TypeError, ValueError):
                    return Series(labels=labels, samples={float(at): self._finite(value) for at, value in values})
        raise MeasureError(f"{self.name} answered with a series that has no samples")


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None


def _refusal(answer: requests.Response) -> str:
    """Why: Prometheus says it in a document, Loki in plain text."""
    document = _json(answer)
    text = document.get("error") if isinstance(document, dict) else answer.text
    return " ".join(str(text).split())[:_SHOWN]
