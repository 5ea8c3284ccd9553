"""`python -m strangers` is `strangers`."""

import signal


def run() -> None:
    """Run the `strangers` program. Ctrl-C while its modules are imported ends it without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from strangers.cli import run

    run()


if __name__ == "__main__":
    run()
