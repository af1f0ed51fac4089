"""What every test may use: the fixtures that users of the package have."""

pytest_plugins = ["auriko.pytest_plugin"]
