"""The command line: `farwork`."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from farwork.cli.entry import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
