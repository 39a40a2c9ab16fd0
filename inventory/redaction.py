"""The secrets this process has seen, so that no log of it shows them."""

import json
import logging

MASK = "********"
SHORTEST = 8
"""A shorter value would mask ordinary words."""

_seen: set[str] = set()


def remember(value: str) -> None:
    """Mask this value from now on: whole, line by line, and, where it is JSON, each text in it.

    A certificate is public and is left readable.
    """
    if not value.startswith("-----BEGIN CERTIFICATE"):
        _seen.update(part for part in _parts(value) if len(part) >= SHORTEST and not part.startswith("-----"))


def redact(text: str) -> str:
    """The text with every known secret masked, the longest first."""
    if not any(secret in text for secret in _seen):
        return text
    for secret in sorted(_seen, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _parts(value: str) -> list[str]:
    return [value.strip(), *(line.strip() for line in value.splitlines()), *_texts(value)]


def _texts(value: str) -> list[str]:
    """The texts in a JSON list or mapping; of a mapping, the values alone."""
    if value[:1] not in ("[", "{"):
        return []
    try:
        found = [json.loads(value)]
    except ValueError:
        return []
    texts = []
    while found:
        item = found.pop()
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, list | dict):
            found += item.values() if isinstance(item, dict) else item
    return texts


class Filter(logging.Filter):
    """Masks known secrets in whatever a logger is given: text, arguments, tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it is always let through."""
        if isinstance(record.msg, str):
            record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
