"""The servers of Phoenix and MLflow, each from its own package, on free ports of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

_STARTS_WITHIN = 300.0
_STOPS_WITHIN = 20.0


@contextlib.contextmanager
def phoenix(folder: Path) -> Iterator[str]:
    """The address of a Phoenix server that keeps its data in the folder."""
    port = _free_port()
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(_free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    with _running("phoenix", [_command("phoenix"), "serve"], environment, folder, f"http://127.0.0.1:{port}/healthz"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def mlflow(folder: Path) -> Iterator[str]:
    """The address of an MLflow server that keeps its data in the folder."""
    port = _free_port()
    command = [_command("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    environment = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with _running("mlflow", command, environment, folder, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(name: str, command: list[str], environment: dict[str, str], folder: Path, probe: str) -> Iterator[None]:
    """A server that answers its probe; when the block ends, it and all that it has started are gone."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(name, server, probe, log)
        yield
    finally:
        _stop_group(server)


def _wait_for(name: str, server: subprocess.Popen[bytes], probe: str, log: Path) -> None:
    give_up = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < give_up:
        if server.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(probe, timeout=5).is_success:
                return
        time.sleep(0.5)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-20:])
    sys.exit(f"{name} did not start (exit code {server.poll()}):\n{tail}")


def _stop_group(server: subprocess.Popen[bytes]) -> None:
    """Ends the server's process group: MLflow leaves its workers behind when only the first process is stopped."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        give_up = time.monotonic() + _STOPS_WITHIN
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, sign)
            while time.monotonic() < give_up:
                server.poll()
                os.killpg(server.pid, 0)
                time.sleep(0.1)


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
