"""pyinfra's settings; pyinfra reads this file from the folder it is run in."""

from pyinfra import config

config.REQUIRE_PYINFRA_VERSION = "~=3.10.0"
config.SUDO = True
config.PARALLEL = 500
config.CONNECT_TIMEOUT = 20
