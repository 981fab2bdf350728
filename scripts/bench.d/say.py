"""What the bench says to people: progress and refusals, on standard error."""

import sys


class Refusal(Exception):
    """The bench, or a part of it, cannot run; the text names what and the remedy."""


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def stop(text):
    """Ends the bench with one line."""
    print(f"scripts/bench: {text}", file=sys.stderr, flush=True)
    sys.exit(2)
