"""An authority that signs the certificates of the tests' servers."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs certificates for hosts.

    Attributes:
        certificate: The file that a client has to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.certificate = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.certificate)
        self._made: dict[str, ssl.SSLContext] = {}

    def server(self, host: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server needs that goes by this name or address."""
        if host not in self._made:
            self._made[host] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(self._made[host])
        return self._made[host]
