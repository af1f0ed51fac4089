"""What every test may use: the fixtures that users of the package have, and examples that are the same in every run."""

from hypothesis import settings

pytest_plugins = ["auriko.pytest_plugin"]

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
