"""prod: your hosts. Edit the list: a name, the address at which the other hosts reach it, its roles.

A host that the operator's machine reaches at another address, through a jump host or as another user says so with
`ssh=Ssh(hostname="203.0.113.5", user="admin", jump="ops@bastion.example.com")`; the rest comes from ~/.ssh/config.
"""

from configs.environment import Environment, Host, Role
from inventory import environments

_HOSTS = (
    Host(name="server-1", address="10.0.0.11", roles=frozenset({Role.SERVER, Role.MIRROR})),
    Host(name="server-2", address="10.0.0.12", roles=frozenset({Role.SERVER})),
    Host(name="server-3", address="10.0.0.13", roles=frozenset({Role.SERVER})),
    Host(name="monitor-1", address="10.0.0.14", roles=frozenset({Role.MONITOR})),
    Host(name="client-1", address="10.0.0.21", roles=frozenset({Role.CLIENT, Role.INGRESS})),
    Host(name="client-2", address="10.0.0.22", roles=frozenset({Role.CLIENT, Role.INGRESS})),
)

globals().update(
    environments.define(
        Environment(
            name="prod",
            hosts=_HOSTS,
            control=("10.0.0.0/28",),
            ingress_domain="prod.example.com",
        )
    )
)
