"""Whether an RPC port keeps a stream: stream.py ADDRESS PORT TLS KIND CA CERT KEY NAME prints `kept` or why not.

Consul and Nomad tell streams apart by one byte each: the first asks for TLS, the second, inside, for raft or calls.
"""

import socket
import ssl
import sys

WAIT_S = 2.0
"""A refused stream is closed at once; one that is kept waits for us to speak."""


def main(address: str, port: str, tls: str, kind: str, ca: str, cert: str, key: str, name: str) -> str:
    """Open the stream, and see whether the server hangs up."""
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    with socket.create_connection((address, int(port)), timeout=WAIT_S) as plain:
        plain.sendall(bytes([int(tls)]))
        try:
            with context.wrap_socket(plain, server_hostname=name) as stream:
                stream.sendall(bytes([int(kind)]))
                return "kept" if stream.recv(1) else "closed"
        except TimeoutError:
            return "kept"
        except OSError as error:
            return f"refused: {error}"


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:]))
