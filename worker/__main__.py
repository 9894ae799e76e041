"""`customer-worker`, and `python -m worker`."""

import signal
import sys


def main() -> None:
    """Run the command. Ctrl-C leaves no traceback either while its modules are still loaded, for a second or more."""
    try:
        from worker.cli import main as command  # noqa: PLC0415  as said

        command()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
