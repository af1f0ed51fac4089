"""The error of a command that cannot run."""


class CommandError(Exception):
    """The command cannot run as it was typed: one line for the user, exit code 2."""
