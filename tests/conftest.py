"""What every test may use: the fixtures that users of the package have, and examples that are the same in every run."""

import signal

from hypothesis import settings

pytest_plugins = ["auriko.pytest_plugin"]

# A shell has what it runs in the background ignore Ctrl-C, and so would what tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
