"""An environment that is up ($INVENTORY), with a setting laid over each server's document that it does not know."""

import dataclasses
import os

from inventory import environments

_UNKNOWN = {"no_such_setting": 1}

globals().update(
    environments.define(
        dataclasses.replace(
            environments.load(os.environ["INVENTORY"]),
            extra=dict.fromkeys(("prometheus", "alertmanager", "loki", "collector"), _UNKNOWN),
        )
    )
)
