"""`python -m auriko`, the same as the `auriko` command."""

import sys

from auriko.cli import main

if __name__ == "__main__":
    sys.exit(main())
