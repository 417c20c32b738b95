"""Run the whole way as a SageMaker pipeline: prepare, train or tune, score, evaluate, register if it is good enough.

Described (``Wanted``), planned, shown and run as a deployment is: see aws/deploy.py.
"""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

import json
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
from aws.errors import InputError, explained
from aws.names import Names, names_of
from aws.planning.carrying_out import accounted, follower_of, is_agreed, plan_of
from aws.report import Report
from aws.schema import Schema
from aws.steps import algorithms, approval, hosting, logs, permissions, pipeline, storage
from aws.steps.account import require_account
from aws.steps.data_prep import described_table, write_program
from aws.steps.function import PROJECT_FOLDER
from aws.steps.pipeline_definition import Sources, definition
from aws.steps.roles import ensure_role
from aws.target import Target
from aws.wanted import Wanted


@dataclass(frozen=True)
class Run:
    """What one run of the pipeline is made of. ``approve``: what it registers is approved, and so deployed."""

    wanted: Wanted
    table: Path
    description: Path
    approve: bool


def run_pipeline(aws: Aws, names: Names, run: Run, report: Report) -> str | None:
    """Run every step in order, and return the ARN of the registered model package; None while it is only planned.

    Raises ``AwsRoomError`` or an error of boto3; the steps before it stay done.
    """
    wanted = run.wanted
    with report.step("Bucket") as step:
        step.result = storage.ensure_bucket(aws, names)
    with report.step("Table, programs") as step:
        step.result = run.table.name
        sources = upload_sources(aws, names, run)
    with report.step("Roles") as step:
        step.result = f"{names.training_role}, {names.pipeline_role}, {names.approval_role}"
        job_role = ensure_role(aws, names, permissions.training_role(aws, names, wanted))
        pipeline_role = ensure_role(aws, names, permissions.pipeline_role(aws, names))
        approval_role = ensure_role(aws, names, permissions.approval_role(aws, names))
    with report.step("Log groups") as step:
        groups = logs.endpoint_group(names), logs.approval_group(names)
        step.result = f"kept for {wanted.settings.log_days} days"
        for group in groups:
            logs.ensure_log_group(aws, names, group, wanted.settings.log_days)
    with report.step("Packages") as step:
        step.result = names.package_group
        pipeline.ensure_package_group(aws, names)
    with report.step("On approval") as step:
        function_arn = approval.ensure_approval_function(
            aws, names, wanted, role_arn=approval_role, model_role_arn=job_role, step=step
        )
        approval.ensure_rule(aws, names, function_arn)
    with report.step("Pipeline") as step:
        step.result = names.pipeline
        described = definition(
            names,
            wanted,
            sources,
            image=algorithms.image_uri(wanted.algorithm.name, aws.target.region),
            scripts_image=algorithms.scripts_image_uri(aws.target.region),
            role_arn=job_role,
        )
        pipeline.ensure_pipeline(aws, names, described, pipeline_role)
    with report.step("Execution") as step:
        execution_arn = pipeline.find_or_start(aws, names, approve=run.approve)
        step.result = execution_arn.rpartition("/")[2]
        pipeline.wait_until_ended(aws, execution_arn, step, tune=wanted.tune)
    package_arn = pipeline.registered_package(aws, execution_arn)
    if package_arn is not None and run.approve:
        with report.step("Endpoint") as step:
            step.result = names.endpoint
            pipeline.wait_until_served(aws, names, package_arn, step)
    return package_arn


def upload_sources(aws: Aws, names: Names, run: Run) -> Sources:
    """The table and what the jobs need beside it. A key holds its content's digest: other content, other key."""
    program = write_program(run.description.parent)
    files = run.table, run.description, program, PROJECT_FOLDER / "aws" / "jobs" / "evaluate.py"
    return Sources(*(storage.upload_by_digest(aws, names.bucket, path) for path in files))


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.target
@click.option("--plan", "plan_only", is_flag=True, help="Print every call that would be made, and make none.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything on AWS.")
@click.option("--approve", is_flag=True, help="Approve the model that is registered: the endpoint then serves it.")
@click.option("--tune", is_flag=True, help="Tune hyperparameters ([deploy.tuning]) and take the best model.")
@click.option(
    "--algorithm",
    "algorithm_name",
    type=click.Choice(list(algorithms.ALGORITHMS)),
    default="linear-learner",
    show_default=True,
    help="SageMaker's built-in algorithm to train.",
)
@click.option("--features", type=click.Choice(["ordinal", "engineered"]), default="ordinal", show_default=True)
@options.region
@options.config
@options.build
@explained
def main(
    table: Path,
    target_name: str,
    plan_only: bool,
    yes: bool,
    approve: bool,
    tune: bool,
    algorithm_name: str,
    features: str,
    region: str | None,
    config_path: Path,
    build_folder: Path,
) -> None:
    """Run TABLE, a raw CSV, through a pipeline of SageMaker to a registered model, and with --approve to an endpoint.

    The jobs are: data_prep on the raw table, training or tuning, scoring of the held-out rows, evaluation. What is
    accurate enough (least_accuracy of [deploy.pipeline]) is registered as a model package. Whoever approves one, by
    --approve, the console or the API, sets off the function that has the project's endpoint serve it.
    """
    settings = load_settings(config_path)
    target = Target.named(target_name, region=region or settings.region)
    record = record_path(build_folder, settings.name, target_name)
    aws = Aws(target)
    require_account(aws, settings, record)
    names = names_of(aws, settings)
    description = described_table(table.resolve(), features, config_path.resolve(), record.parent / "pipeline")
    document = json.loads(description.read_text(encoding="utf-8"))
    dataset = Dataset(description.parent, document, Schema.of(document))
    if dataset.schema.kind == "regression":
        raise InputError("The pipeline decides by accuracy, which is of classes: this table's label is a number.")
    wanted = Wanted(settings, algorithms.algorithm_named(algorithm_name, settings), dataset, tune=tune)
    run = Run(wanted, table, description, approve)
    if approve:
        hosting.require_updatable(aws, names)
    plan = plan_of(target, lambda planner, unseen: run_pipeline(planner, names, run, unseen))
    follower, report = follower_of(target, plan, Console())
    price = partial(cost.pipeline_summary, settings, target.region, approve=approve, tune=tune)
    if not is_agreed(target, plan, report, price, plan_only=plan_only, yes=yes):
        return
    report.line(f"Running the pipeline {names.pipeline} on {target.where}, region {target.region}")
    with accounted(report, target):
        package_arn = run_pipeline(follower, names, run, report)
    report.line(f"Registered: {package_arn}")
    report.line(
        f"The endpoint {names.endpoint} serves it."
        if approve
        else "To approve it, and so deploy it: aws sagemaker update-model-package "
        f"--model-approval-status Approved --model-package-arn {package_arn}"
    )


if __name__ == "__main__":
    main()
