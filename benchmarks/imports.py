"""What an import costs: CPU time, memory of the whole process, and modules, in a process that does nothing else."""

from __future__ import annotations

import json
import subprocess

from roster import Entrant

# Packages that no import of the client may bring along.
_FOREIGN = ("IPython", "httptools", "langchain_core", "llama_index", "opentelemetry", "openai", "pandas", "starlette")
_PROGRAM = f"""
import resource, sys, time
began, modules = time.process_time(), len(sys.modules)
exec(sys.argv[1])
spent, found = time.process_time() - began, len(sys.modules) - modules
foreign = sum(name in sys.modules for name in {_FOREIGN!r})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)
print([spent * 1000, peak, found, foreign], flush=True)
"""
ROUNDS = 5  # at most, since a process is started for each
NAMES = ("import: CPU ms", "import: MB", "import: modules", "import: foreign packages")


def cost(entrant: Entrant, environment: dict[str, str]) -> dict[str, float]:
    """The figures of one process, by `NAMES`.

    Raises:
        RuntimeError: The import failed.
    """
    # Without -I the folder that this is started in would come before the environment, and be the project's.
    command = [entrant.python, "-I", "-c", _PROGRAM, entrant.imports]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return dict(zip(NAMES, json.loads(done.stdout.splitlines()[-1]), strict=True))
