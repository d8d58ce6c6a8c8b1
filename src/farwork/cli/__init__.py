"""The command line: `farwork`."""

import sys


def main() -> None:
    """Run the command line."""
    from farwork.cli.entry import run

    sys.exit(run(sys.argv[1:]))
