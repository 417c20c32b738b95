"""Take a deployment down: everything of the project that exists, whether or not it was written down."""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

from pathlib import Path

import click
from botocore.exceptions import ClientError
from rich.console import Console

from aws import options
from aws.client import Aws
from aws.config import load_settings
from aws.deployment import record_path
from aws.errors import EXIT_INTERRUPTED, InputError, ResourceError, explain, explained
from aws.names import Names, names_of
from aws.report import Report
from aws.steps.account import require_account
from aws.steps.inventory import count_training_jobs, inventory, left_over
from aws.target import Target

ROUNDS = 3


def destroy(aws: Aws, names: Names, report: Report) -> int:
    """Remove all of a project until nothing is found any more. Returns how many things were removed.

    A late log line brings its group back, so it is looked for again. Raises ``ResourceError`` if things stay.
    """
    removed = 0
    for _ in range(ROUNDS):
        found = inventory(aws, names)
        for item in found:
            with report.step(item.kind) as step:
                step.result = item.name
                item.remove(step)
            removed += 1
        if not found:
            return removed
    left = ", ".join(f"{item.kind} {item.name}" for item in inventory(aws, names))
    if left:
        raise ResourceError(f"Still there after {ROUNDS} rounds: {left}. Run the same command again.")
    return removed


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.target
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.region
@options.config
@options.build
@explained
def main(target_name: str, yes: bool, region: str | None, config_path: Path, build_folder: Path) -> None:
    """Remove everything that deploy made: API, function, endpoint, models, roles, logs, bucket with all its data.

    Things are found by the project's name and tag, so it works without deployment.json and after a deploy that
    stopped half-way. Run it as often as you like.
    """
    settings = load_settings(config_path)
    aws = Aws(Target.named(target_name, region=region or settings.region))
    path = record_path(build_folder, settings.name, target_name)
    require_account(aws, settings, path)
    report = Report(Console(), aws.calls)
    aws.tell = report.tell
    names = names_of(aws, settings)
    try:
        if not yes:
            _ask(aws, names, report)
        removed = destroy(aws, names, report)
    except KeyboardInterrupt:
        report.line(f"Interrupted after removing {len(report.done)}. Run the same command again to go on.")
        raise SystemExit(EXIT_INTERRUPTED) from None
    is_stale = path.exists() and not removed
    path.unlink(missing_ok=True)
    where = f"of {names.project} in {aws.target.region}, target {aws.target.where}"
    things = "1 thing" if removed == 1 else f"{removed} things"
    report.line(f"Removed {things} {where}; a last look found none." if removed else f"Nothing is left {where}.")
    if is_stale:
        report.line(f"{path} told of what is not there any more, as of a stack that has ended; it is removed.")
    _tell_what_stays(aws, names, report)


def _tell_what_stays(aws: Aws, names: Names, report: Report) -> None:
    if jobs := count_training_jobs(aws, names):
        records = "record of 1 training job; it costs" if jobs == 1 else f"records of {jobs} training jobs; they cost"
        report.line(f"SageMaker keeps the {records} nothing.")
    try:
        left = left_over(aws, names)
    except ClientError as error:
        report.line(f"Whether anything else bears the project's tag could not be looked up: {explain(error)}")
        return
    if left:
        report.line(
            f"AWS still lists these {len(left)} under the project's tag (what was just removed may take minutes):"
        )
    for arn in left:
        report.line(f"  {arn}")


def _ask(aws: Aws, names: Names, report: Report) -> None:
    found = inventory(aws, names)
    if not found:
        return
    for item in found:
        report.line(f"  {item.kind:<17} {item.name}")
    if not sys.stdin.isatty():
        raise InputError("Nothing was removed: there is no terminal to ask at. Add --yes to remove all of the above.")
    if not click.confirm(f"Remove these {len(found)} things for good?"):
        raise InputError("Nothing was removed.")


if __name__ == "__main__":
    main()
