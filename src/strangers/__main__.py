"""`python -m strangers` is `strangers`."""

from strangers.cli import run

if __name__ == "__main__":
    run()
