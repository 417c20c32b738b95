"""``preflight state``: a stack into a file and out of one, in words."""

from collections import Counter
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from preflight.environments import Say
from preflight.stack import Stack, StackError
from preflight.state_file.archive import FileProblem
from preflight.state_file.exporting import NEVER, export_stack
from preflight.state_file.importing import import_file


def export(stack: Stack, path: Path, region: str, say: Say) -> None:
    """Raises StackError, OSError."""
    try:
        exported = export_stack(stack.endpoint_url, region, path)
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"The stack could not be read, and {path} is not written: {error}") from None
    say(f"{path} has {_as_text(exported.counts)} ({path.stat().st_size / 1e6:.1f} MB).")
    for each in exported.left_out:
        say(f"Left out: {each}.")
    say(f"Never in it: {NEVER}.")


def import_(stack: Stack, path: Path, max_gb: float, say: Say) -> None:
    """Raises StackError, OSError."""
    try:
        count = import_file(stack.endpoint_url, path, int(max_gb * 1e9))
    except FileProblem as problem:
        raise StackError(str(problem)) from None
    say(f"The stack at {stack.endpoint_url} has what {path} describes ({count} requests and documents).")
    say("Functions, scripts and models of it are somebody's code. They run once they are used, or at the next start.")


def _as_text(counts: Counter[str]) -> str:
    texts = [
        f"{count} {what.replace('resource', 'resources') if 'resource' in what else what + 's'}"
        if count != 1
        else f"{count} {what}"
        for what, count in counts.items()
        if count
    ]
    return ", ".join(texts) or "nothing"
