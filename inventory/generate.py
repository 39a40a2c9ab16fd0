"""New secrets, made on the operator's machine."""

import base64
import os
import uuid


def gossip_key() -> str:
    """A new gossip key: 32 random bytes in base64."""
    return base64.b64encode(os.urandom(32)).decode()


def token() -> str:
    """A new token secret: Consul and Nomad want UUIDs."""
    return str(uuid.uuid4())
