"""Certificates for the tests' servers, made by openssl."""

import ssl
import subprocess
from pathlib import Path


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """The files of a self-signed certificate for a host name or address, and of its key."""
    certificate, key = folder / f"{host}.pem", folder / f"{host}.key"
    kind = "IP" if host[0].isdigit() else "DNS"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=auriko-test", "-addext", f"subjectAltName={kind}:{host}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a server with this certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
