"""Prepare a table on several machines: data_prep as processing jobs of SageMaker, each machine with part of the rows.

Described, planned, shown and run as a deployment is: see aws/deploy.py. What comes out is what ``python -m data_prep``
makes of the table on one machine, and is put in the same place.
"""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from aws import cost, options
from aws.client import Aws
from aws.config import load_settings
from aws.dataset import Dataset
from aws.deployment import record_path
from aws.errors import explained
from aws.names import Names, names_of
from aws.planning.carrying_out import accounted, follower_of, is_agreed, plan_of
from aws.report import Report
from aws.schema import Schema
from aws.steps import algorithms, permissions, preparation, storage
from aws.steps.account import require_account
from aws.steps.data_prep import cut_table, described_table, join_parts, write_program
from aws.steps.roles import ensure_role
from aws.target import Target
from aws.wanted import Wanted


@dataclass(frozen=True)
class Run:
    """What one preparation is made of: the table, its parts, and what is said of them."""

    wanted: Wanted
    table: Path
    parts: Sequence[Path]
    parts_list: Path
    description: Path
    instances: int


def prepare(aws: Aws, names: Names, run: Run, report: Report) -> str:
    """Run every step in order, and return where in S3 the results are.

    Raises ``AwsRoomError`` or an error of boto3; the steps before it stay done.
    """
    with report.step("Bucket") as step:
        step.result = storage.ensure_bucket(aws, names)
    with report.step("Table, program") as step:
        step.result = f"{run.table.name} in {len(run.parts)} parts"
        table = preparation.upload_parts(aws, names, run.table, run.parts)
        sources = [
            storage.upload_by_digest(aws, names.bucket, path)
            for path in (run.parts_list, run.description, write_program(run.description.parent))
        ]
    with report.step("Role") as step:
        step.result = names.training_role
        role_arn = ensure_role(aws, names, permissions.training_role(aws, names, run.wanted))
    image, machine = algorithms.scripts_image_uri(aws.target.region), run.wanted.settings.prepare
    parts, description, program = sources
    prepared = preparation.Preparation(table, parts, description, program, image, role_arn, machine, run.instances)
    with report.step("Counting") as step:
        gathered = preparation.gather(aws, names, prepared, step)
    with report.step("Encoding") as step:
        return preparation.encode(aws, names, prepared, gathered, step)


def fetch(target: Target, uri: str, folder: Path) -> None:
    """Download all below ``uri`` to ``folder``, which holds nothing else then."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    shutil.rmtree(folder, ignore_errors=True)
    s3 = target.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for found in page.get("Contents", []):
            path = folder / found["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, found["Key"], str(path))


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--instances", type=click.IntRange(1, 100), default=2, show_default=True, help="How many machines share the rows."
)
@options.target
@click.option("--plan", "plan_only", is_flag=True, help="Print every call that would be made, and make none.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything on AWS.")
@click.option("--features", type=click.Choice(["ordinal", "engineered"]), default="ordinal", show_default=True)
@options.data
@options.region
@options.config
@options.build
@explained
def main(
    table: Path,
    instances: int,
    target_name: str,
    plan_only: bool,
    yes: bool,
    features: str,
    data_folder: Path | None,
    region: str | None,
    config_path: Path,
    build_folder: Path,
) -> None:
    """Prepare TABLE, a raw CSV, by processing jobs, for `aws/deploy.py` to train on: what data_prep does here, there.

    The table is cut into as many parts as there are machines. A first job counts what each part holds, a second one
    encodes each part by the medians of the whole table; what comes out is the same, byte for byte, as on one machine.
    """
    settings = load_settings(config_path)
    target = Target.named(target_name, region=region or settings.region)
    record = record_path(build_folder, settings.name, target_name)
    aws = Aws(target)
    require_account(aws, settings, record)
    names = names_of(aws, settings)
    folder = record.parent / "prepare"
    description = described_table(table.resolve(), features, config_path.resolve(), folder.resolve())
    shutil.rmtree(folder / "parts", ignore_errors=True)
    *parts, parts_list = cut_table(table.resolve(), description, instances, folder.resolve() / "parts")
    document = json.loads(description.read_text(encoding="utf-8"))
    dataset = Dataset(folder, document, Schema.of(document))
    wanted = Wanted(settings, algorithms.ALGORITHMS["linear-learner"], dataset)  # none is trained here
    run = Run(wanted, table, parts, parts_list, description, instances)
    plan = plan_of(target, lambda planner, unseen: prepare(planner, names, run, unseen))
    follower, report = follower_of(target, plan, Console())
    price = partial(cost.preparation_summary, settings, target.region, instances)
    if not is_agreed(target, plan, report, price, plan_only=plan_only, yes=yes):
        return
    report.line(f"Preparing {table.name} on {target.where}, region {target.region}")
    with accounted(report, target):
        uri = prepare(follower, names, run, report)
    fetch(target, uri, folder / "made")
    output = options.data_of(data_folder, build_folder, settings)
    report.line(join_parts(parts_list, (folder / "made").resolve(), description, output.resolve()))


if __name__ == "__main__":
    main()
