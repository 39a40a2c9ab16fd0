"""The shared environment with one more client, listed last as a person would."""

import dataclasses

from configs.environment import Role
from inventory import environments

_ENV = environments.load("inventory/test.py")
_LAST = _ENV.clients[-1]
_NETWORK, _, _NUMBER = _LAST.address.rpartition(".")
_MORE = dataclasses.replace(
    _LAST, name=f"{_ENV.name}-client-3", address=f"{_NETWORK}.{int(_NUMBER) + 1}", roles=frozenset({Role.CLIENT})
)

globals().update(environments.define(dataclasses.replace(_ENV, hosts=(*_ENV.hosts, _MORE))))
