"""Train and deploy: from prepared CSV files to a public URL that answers predictions."""

from pathlib import Path

import click
from rich.console import Console

from aws import api, function, hosting, options, roles, storage, training
from aws.algorithms import ALGORITHMS, Algorithm
from aws.client import Aws
from aws.config import DeploySettings, load_settings
from aws.dataset import Dataset
from aws.deployment import Deployment, record_path
from aws.documents import COLLECTION, ENVIRONMENT, OPENAPI, write_documents
from aws.errors import EXIT_INTERRUPTED, explained
from aws.names import Names, names_of
from aws.report import Report
from aws.target import Target


def deploy(
    aws: Aws, names: Names, settings: DeploySettings, algorithm: Algorithm, dataset: Dataset, report: Report
) -> Deployment:
    """Run every step in order. Each makes its resource as wanted, or finds that it is so already.

    Raises ``AwsRoomError`` or an error of boto3; the steps before it stay done.
    """
    with report.step("Bucket") as step:
        bucket = step.result = storage.ensure_bucket(aws, names)
    with report.step("Data") as step:
        digests = training.upload_data(aws, bucket, dataset)
        step.result = f"{dataset.source}, {dataset.feature_dim} features"
    with report.step("Roles") as step:
        training_role_arn = roles.ensure_training_role(aws, names)
        function_role_arn = roles.ensure_function_role(aws, names)
        step.result = f"{names.training_role}, {names.function_role}"
    with report.step("Training job") as step:
        request = training.training_request(
            algorithm,
            settings,
            region=aws.target.region,
            bucket=bucket,
            role_arn=training_role_arn,
            feature_dim=dataset.feature_dim,
        )
        trained = training.train(aws, names, algorithm, request, digests, step)
    with report.step("Model") as step:
        model_name = step.result = hosting.ensure_model(aws, names, trained, training_role_arn)
    with report.step("Endpoint config") as step:
        config_name = step.result = hosting.ensure_endpoint_config(aws, names, settings, model_name)
    with report.step("Endpoint") as step:
        hosting.ensure_endpoint(aws, names, config_name, step)
    with report.step("Function") as step:
        code = function.build_zip(dataset)
        function_arn = function.ensure_function(aws, names, settings, function_role_arn, code, step)
    with report.step("REST API") as step:
        rest_api_id = step.result = api.ensure_rest_api(aws, names)
        api.ensure_method(aws, rest_api_id, settings.api, function_arn)
        api.ensure_permission(aws, names, rest_api_id, settings.api.path)
        api.ensure_deployment(aws, rest_api_id, settings.api, function_arn)
    return Deployment(
        project=names.project,
        target=aws.target.name,
        region=aws.target.region,
        algorithm=algorithm.name,
        source=dataset.source,
        generated=dataset.is_generated,
        data=str(dataset.folder),
        bucket=bucket,
        training_job_name=trained.job_name,
        model_name=model_name,
        endpoint_config_name=config_name,
        endpoint_name=names.endpoint,
        function_name=names.function,
        rest_api_id=rest_api_id,
        api_url=aws.target.api_url(rest_api_id, settings.api.stage, settings.api.path),
        metrics=trained.metrics,
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.target
@click.option(
    "--algorithm",
    "algorithm_name",
    type=click.Choice(list(ALGORITHMS)),
    default="linear-learner",
    show_default=True,
    help="SageMaker's built-in algorithm to train.",
)
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/data"),
    show_default=True,
    help="What `python -m data_prep` wrote.",
)
@options.region
@options.config
@options.build
@explained
def main(
    target_name: str,
    algorithm_name: str,
    data_folder: Path,
    region: str | None,
    config_path: Path,
    build_folder: Path,
) -> None:
    """Train a model and put it behind a public URL.

    Uploads the prepared data, trains, hosts the model on an endpoint, and puts a Lambda function and a
    REST API with POST /predict in front. Run it again after any change: only what changed is done, and the
    URL stays.

    \b
    Before:  python -m local up        (for --target local)
             python -m data_prep
    After:   python aws/predict.py     send test rows to the URL
             python aws/destroy.py     remove everything again
    """
    settings = load_settings(config_path)
    dataset = Dataset.load(data_folder)
    aws = Aws(Target.named(target_name, region=region or settings.region))
    report = Report(Console(), aws.changes)
    try:
        report.line(f"Deploying {algorithm_name} to {target_name}, region {aws.target.region}")
        names = names_of(aws, settings)
        deployment = deploy(aws, names, settings, ALGORITHMS[algorithm_name], dataset, report)
    except KeyboardInterrupt:
        report.line(
            f"Interrupted. {report.where()} Run the same command again to continue, "
            f"or `python aws/destroy.py --target {target_name}` to remove it all."
        )
        raise SystemExit(EXIT_INTERRUPTED) from None
    path = record_path(build_folder, target_name)
    deployment.write(path)
    write_documents(deployment, dataset, path.parent)
    summarize(deployment, path, report)


def summarize(deployment: Deployment, path: Path, report: Report) -> None:
    """The last lines: what came of the training, the URL, and where it is written down."""
    for name, value in sorted(deployment.metrics.items()):
        if not name.startswith("train:"):  # all of them are in the record
            report.line(f"  {name} = {value:.4f}")
    if deployment.generated:
        report.line("The data is a generated sample, not a real survey.")
    report.line(f"URL: {deployment.api_url}")
    report.line(f"Written down in {path}; beside it {OPENAPI}, and what tries the URL out:")
    report.line(f"  npx newman run {path.with_name(COLLECTION)} -e {path.with_name(ENVIRONMENT)}")


if __name__ == "__main__":
    main()
