"""Train and deploy: from prepared CSV files to a public URL that answers predictions.

A deployment is described (``Wanted``), planned, shown, and run:
  1. what can be wrong here is checked, and what is built is built, before the first call;
  2. the steps run against a ``Planner``: they read what exists, and the calls they would make become the ``Plan``;
  3. the plan is printed, or a person is asked, as the target and the options have it;
  4. the same steps run against a ``PlanFollower``, which makes the plan's calls and no others.
"""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

from pathlib import Path

import click
from rich.console import Console

from aws import cost, options
from aws.calling import newman_options, who_can_call
from aws.client import Aws
from aws.config import load_settings
from aws.dataset import Dataset
from aws.deployment import Deployment, held_out_folder, record_path
from aws.documents.write import COLLECTION, ENVIRONMENT, OPENAPI, write_documents
from aws.errors import InputError, explained
from aws.names import Names, names_of
from aws.planning.carrying_out import accounted, ask, follower_of, plan_of
from aws.planning.plan import Plan
from aws.pricing.estimate import Hosting
from aws.report import Report
from aws.steps import access, algorithms, api, function, hosting, logs, own_image, permissions, scaling, stage, storage
from aws.steps import training as train
from aws.steps.account import require_account
from aws.steps.roles import ensure_role
from aws.target import Target
from aws.wanted import AUTHS, Auth, Wanted, require_together


def deploy(aws: Aws, names: Names, wanted: Wanted, report: Report) -> Deployment:
    """Run every step in order. Each makes its resource as wanted, or finds that it is so already.

    Raises ``AwsRoomError`` or an error of boto3; the steps before it stay done.
    """
    settings = wanted.settings
    with report.step("Bucket") as step:
        bucket = step.result = storage.ensure_bucket(aws, names)
    with report.step("Data") as step:
        step.result = f"{wanted.dataset.source}, {wanted.dataset.feature_dim} features"
        digests = train.upload_data(aws, bucket, wanted.dataset)
    with report.step("Image") as step:
        if wanted.image is not None:
            image = own_image.ensure_image(aws, names, wanted.image, step)
        else:
            image = algorithms.image_uri(wanted.algorithm.name, aws.target.region)
            step.result = image.partition("/")[2]
    with report.step("Roles") as step:
        step.result = f"{names.training_role}, {names.function_role}"
        training_role_arn = ensure_role(aws, names, permissions.training_role(aws, names, wanted))
        function_role_arn = ensure_role(aws, names, permissions.function_role(aws, names, wanted))
    with report.step("Log groups") as step:
        groups = logs.endpoint_group(names), logs.function_group(names)
        step.result = f"kept for {settings.log_days} days"
        for group in groups:
            logs.ensure_log_group(aws, names, group, settings.log_days)
    with report.step("Training job") as step:
        request = train.training_request(wanted, image=image, bucket=bucket, role_arn=training_role_arn)
        trained = train.train(aws, names, wanted.algorithm, request, digests, step)
    with report.step("Model") as step:
        model_name = step.result = hosting.ensure_model(aws, names, trained, training_role_arn)
    with report.step("Endpoint config") as step:
        config_name = step.result = hosting.ensure_endpoint_config(aws, names, wanted, model_name)
    with report.step("Endpoint") as step:
        target = hosting.ensure_endpoint(aws, names, config_name, wanted, scaling.find_target(aws, names), step)
    if wanted.autoscale is not None:
        with report.step("Scaling") as step:
            step.result = scaling.ensure_scaling(aws, names, wanted, target)
    with report.step("Function") as step:
        code = function.build_zip(wanted.dataset)
        limits = settings.function
        predicting = function.Function(
            names.function,
            function.HANDLER,
            function_role_arn,
            function.variables(names, asynchronous=wanted.asynchronous),
            memory_mb=limits.memory_mb,
            timeout_seconds=limits.timeout_seconds,
        )
        function_arn = function.ensure_function(aws, names, predicting, code, step)
    with report.step("REST API") as step:
        rest_api = api.ensure_rest_api(aws, names)
        rest_api_id = step.result = str(rest_api["id"])
        api.ensure_method(aws, rest_api, settings.api.path, wanted.auth, function_arn)
        api.ensure_permission(aws, names, rest_api_id, settings.api.path)
    with report.step("Stage") as step:
        step.result = settings.api.stage
        stage.ensure_stage(aws, rest_api_id, settings.api, wanted.auth, function_arn)
    with report.step("Access") as step:
        step.result = wanted.auth
        api_key_id = access.ensure_access(aws, names, rest_api_id, settings.api, wanted.auth)
    return Deployment(
        project=names.project,
        target=aws.target.name,
        account=aws.account_id,
        region=aws.target.region,
        algorithm=wanted.algorithm.name,
        source=wanted.dataset.source,
        generated=wanted.dataset.is_generated,
        data=str(wanted.dataset.folder),
        bucket=bucket,
        training_job_name=trained.job_name,
        model_name=model_name,
        endpoint_config_name=config_name,
        endpoint_name=names.endpoint,
        function_name=names.function,
        rest_api_id=rest_api_id,
        api_url=aws.target.api_url(rest_api_id, settings.api.stage, settings.api.path),
        auth=wanted.auth,
        asynchronous=wanted.asynchronous,
        api_key_id=api_key_id,
        metrics=trained.metrics,
    )


def make_plan(target: Target, names: Names, wanted: Wanted) -> Plan:
    """What ``deploy`` would do now. Only reads."""
    return plan_of(target, lambda aws, report: deploy(aws, names, wanted, report))


def follow(target: Target, names: Names, wanted: Wanted, plan: Plan) -> Deployment:
    """Do what the plan says, step by step, before a person's eyes."""
    aws, report = follower_of(target, plan, Console())
    with accounted(report, target):
        deployment = deploy(aws, names, wanted, report)
    if aws.not_needed:
        report.line(f"In the plan, and not needed any more: {', '.join(map(str, aws.not_needed))}")
    return deployment


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.target
@click.option("--plan", "plan_only", is_flag=True, help="Print every call that would be made, and make none.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything on AWS.")
@click.option(
    "--algorithm",
    "algorithm_name",
    type=click.Choice(algorithms.NAMES),
    default="linear-learner",
    show_default=True,
    help="SageMaker's built-in algorithm to train; container: our own image of the same, built and pushed to ECR.",
)
@options.data
@click.option("--serverless", is_flag=True, help="Host on a serverless endpoint: nothing to pay while nobody asks.")
@click.option(
    "--auth",
    type=click.Choice(AUTHS),
    default="none",
    show_default=True,
    help="Who may call the URL: anyone; who sends the API key; identities of the account, with signed requests.",
)
@click.option(
    "--capture",
    is_flag=True,
    help="Have the endpoint write all it is asked and answers to the bucket, below capture/ (not with --serverless).",
)
@options.asynchronous
@options.autoscale
@click.option(
    "--managed-policies",
    is_flag=True,
    help="Attach AmazonSageMakerFullAccess to the roles, as tutorials do, beside the least they need.",
)
@options.region
@options.config
@options.build
@explained
def main(
    target_name: str,
    plan_only: bool,
    yes: bool,
    algorithm_name: str,
    data_folder: Path | None,
    serverless: bool,
    auth: Auth,
    capture: bool,
    asynchronous: bool,
    autoscale: tuple[int, int] | None,
    managed_policies: bool,
    region: str | None,
    config_path: Path,
    build_folder: Path,
) -> None:
    """Train a model and put it behind a public URL.

    Uploads the prepared data, trains, hosts the model on an endpoint, and puts a Lambda function and a
    REST API with POST /predict in front. Run it again after any change: only what changed is done, and the
    URL stays. With --target aws it shows the plan first, and asks.

    \b
    Before:  preflight up        (for --target local)
             python -m data_prep
    After:   python aws/predict.py     send test rows to the URL
             python aws/destroy.py     remove everything again
    """
    settings = load_settings(config_path)
    require_together(settings, serverless=serverless, capture=capture, asynchronous=asynchronous, autoscale=autoscale)
    dataset = Dataset.load(options.data_of(data_folder, build_folder, settings))
    algorithm = algorithms.algorithm_named(algorithm_name, settings)
    target = Target.named(target_name, region=region or settings.region)
    path = record_path(build_folder, settings.name, target_name)
    aws = Aws(target)
    require_account(aws, settings, path)
    names = names_of(aws, settings)
    image = own_image.build_image(names, target) if algorithm_name == algorithms.OWN_CONTAINER else None
    wanted = Wanted(
        settings, algorithm, dataset, image, auth, serverless, managed_policies, capture, asynchronous, autoscale
    )
    report = Report(Console(), aws.calls)
    if opening := access.opening(aws, names, settings.api.path, auth):
        report.line(opening)
    plan = make_plan(target, names, wanted)
    if plan_only or (target.asks_first and plan.calls):
        show_plan(plan, wanted, aws, report)
    if plan_only:
        return
    if target.asks_first and plan.calls and not yes:
        ask(plan)
    report.line(f"Deploying {algorithm_name} to {target.where}, region {target.region}")
    deployment = follow(target, names, wanted, plan)
    dataset.keep_held_out(held_out_folder(path))
    deployment.write(path)
    write_documents(deployment, dataset, path.parent)
    summarize(deployment, path, report)


def show_plan(plan: Plan, wanted: Wanted, aws: Aws, report: Report) -> None:
    """The plan before a person's eyes: where, every step and call, and on AWS what it will cost."""
    whose = f"account {aws.account_id}, region {aws.target.region}, as {aws.caller['Arn']}"
    report.line(f"Plan for {wanted.settings.name} on {aws.target.where}: {whose}")
    for line in plan.lines():
        report.line(line)
    if aws.target.asks_first:
        report.line(_price(wanted, aws.target.region))


def _price(wanted: Wanted, region: str) -> str:
    try:
        serverless_mb = wanted.settings.serverless.memory_mb if wanted.serverless else None
        hosting = Hosting(serverless_mb, wanted.capture, wanted.asynchronous, wanted.autoscale)
        return cost.summary(wanted.settings, region, hosting)
    except InputError as error:  # a plan is worth showing without its price
        return f"Price: unknown. {error}"


def summarize(deployment: Deployment, path: Path, report: Report) -> None:
    """The last lines: what came of the training, the URL, who can call it, and where it is written down."""
    for name, value in sorted(deployment.metrics.items()):
        if not name.startswith("train:"):  # all of them are in the record
            report.line(f"  {name} = {value:.4f}")
    if deployment.generated:
        report.line("The data is a generated sample, not a real survey.")
    report.line(f"URL: {deployment.api_url}")
    report.line(who_can_call(deployment))
    report.line(f"Written down in {path}; beside it {OPENAPI}, and what tries the URL out:")
    report.line(
        f"  npx newman run {path.with_name(COLLECTION)} -e {path.with_name(ENVIRONMENT)}{newman_options(deployment)}"
    )


if __name__ == "__main__":
    main()
