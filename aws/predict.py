"""Ask the deployed URL about rows it was not trained on, and say how well and how fast it answered.

Or have the model score a whole file by a transform job: ``--batch``.
"""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

import csv
import json
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from requests.auth import AuthBase
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from aws import options
from aws.batch import score_file
from aws.calling import authorization_of, curl_options
from aws.collecting import Collector
from aws.config import load_settings
from aws.deployment import Deployment, held_out_folder, record_path
from aws.documents.write import REQUEST
from aws.errors import EXIT_INTERRUPTED, AwsRoomError, InputError, explained
from aws.evaluation.answers import Answer
from aws.evaluation.importance import importance
from aws.evaluation.measures import figures
from aws.evaluation.page.page import write_page
from aws.evaluation.summary import summary
from aws.schema import Row, Schema
from aws.target import DEFAULT_PORT, Target, deploy_command

REPORT = "report.html"
REQUEST_TIMEOUT_SECONDS = 35  # API Gateway gives up after 29 s
THROTTLED_TRIES = 40
THROTTLED_PAUSE_SECONDS = 0.25


class NobodyAnswers(AwsRoomError):
    """What was deployed is not there any more, or not for us."""


def read_rows(path: Path, schema: Schema, limit: int) -> list[Row]:
    """``limit`` rows of a CSV with a header, as text, drawn alike on every call: the first rows of a survey need
    not be like the rest. Raises ``InputError`` if there are none, or not of this table."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = _draw(csv.DictReader(file), limit)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}). Run `python -m data_prep` first.") from error
    if not rows:
        raise InputError(f"{path} has no rows. Run `python -m data_prep` first.")
    named = [{name.strip(): value for name, value in row.items()} for row in rows]
    for column in (*schema.columns, schema.column):
        if column not in named[0]:
            raise InputError(f"{path} has no column {column}. Run `python -m data_prep` again.")
    return list(named)


def predict(session: requests.Session, url: str, schema: Schema, row: Row) -> tuple[Mapping[str, Any], float]:
    """What the URL says of one row, and the seconds it took.

    Raises:
        NobodyAnswers: there is no such URL.
        AwsRoomError: it answers otherwise.
    """
    try:
        answer, seconds = _post_when_it_may(session, url, schema.body(row))
    except requests.RequestException as error:
        raise NobodyAnswers(
            f"{url} does not answer ({type(error).__name__}): is its stack up (`preflight status`)?"
        ) from error
    if answer.status_code in (403, 404):
        raise NobodyAnswers(
            f"{url} lets nobody in ({answer.status_code}: {answer.text[:200]}): its stack has ended since, or these "
            "credentials may not call it, or its API key is younger than a minute."
        )
    if answer.status_code == 429:
        raise AwsRoomError(f"{url} takes no more requests now (429): see requests_per_second in [deploy.api].")
    try:
        said = answer.json()
    except ValueError:
        said = None
    if answer.status_code != 200 or not isinstance(said, Mapping):
        raise AwsRoomError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    return said, seconds


def _post_when_it_may(
    session: requests.Session, url: str, body: dict[str, dict[str, str]]
) -> tuple[requests.Response, float]:
    """The answer and its seconds; one that says to come later (429) only if it says so again and again."""
    for _ in range(THROTTLED_TRIES):
        started = time.perf_counter()
        answer = session.post(url, json=body, timeout=REQUEST_TIMEOUT_SECONDS)
        seconds = time.perf_counter() - started
        if answer.status_code != 429:
            break
        time.sleep(THROTTLED_PAUSE_SECONDS)
    return answer, seconds


def _draw(rows: Iterable[dict[str, str]], limit: int) -> list[dict[str, str]]:
    """A uniform sample without holding all rows (Vitter's algorithm R)."""
    random = Random(1)
    drawn: list[dict[str, str]] = []
    for count, row in enumerate(rows, start=1):
        if len(drawn) < limit:
            drawn.append(row)
        elif (place := random.randrange(count)) < limit:
            drawn[place] = row
    return drawn


def ask(
    url: str,
    auth: AuthBase | None,
    schema: Schema,
    rows: Sequence[Row],
    later: Collector | None,
    *,
    on_answer: Callable[[], None],
) -> list[Answer]:
    """Send every row over one connection. ``later`` fetches the answers of an endpoint that takes its time."""
    with requests.Session() as session:
        session.auth = auth
        said = []
        for row in rows:
            said.append(predict(session, url, schema, row))
            if later is None:
                on_answer()
    if later is not None:
        said = later.collect(schema, said, on_answer)
    try:
        return [Answer.of(schema, row, each, seconds) for row, (each, seconds) in zip(rows, said, strict=True)]
    except (ValueError, KeyError, TypeError) as error:
        raise AwsRoomError(f"{url} answered what is no prediction: {error!r}.") from error


def read_schema(data_folder: Path) -> Schema:
    """Of the data that test rows are taken from. Raises ``InputError`` if there is none."""
    path = data_folder / "schema.json"
    try:
        return Schema.of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as a schema. Run `python -m data_prep` first.") from error


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.target
@click.option("--rows", type=click.IntRange(min=1), default=200, show_default=True, help="How many test rows to send.")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of data_prep whose test_raw.csv is sent.  [default: what was deployed]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option(
    "--batch",
    "batch_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Score this file by a transform job instead: rows of a label and features, as data_prep's test_aws.csv.",
)
@click.option("--plan", "plan_only", is_flag=True, help="With --batch: print every call that would be made, make none.")
@click.option("--yes", is_flag=True, help="With --batch: do not ask before starting the job on AWS.")
@options.config
@options.build
@explained
def main(
    target_name: str,
    rows: int,
    data_folder: Path | None,
    as_json: bool,
    batch_file: Path | None,
    plan_only: bool,
    yes: bool,
    config_path: Path,
    build_folder: Path,
) -> None:
    """Send test rows, as a customer would, to the URL that deploy made.

    Prints accuracy and confusion matrix, or errors, as measured through the URL, how long answers took, and a curl
    line to try it yourself; report.html, beside the deployment's record, shows more. The rows are the ones data_prep
    held back: the model has not seen them.

    With --batch no URL is asked: a transform job scores the file, and its rows come back with the model's answers.
    """
    console = Console(stderr=as_json)
    settings = load_settings(config_path)
    record = record_path(build_folder, settings.name, target_name)
    deployment = Deployment.read(record, target_name)
    if batch_file is not None:
        target = Target.named(target_name, region=deployment.region)
        folder = record.parent / "batch"
        scored = score_file(target, settings, deployment, batch_file, folder, plan_only=plan_only, yes=yes)
        if scored is not None:
            click.echo(
                json.dumps({"rows": scored.rows, "accuracy": scored.accuracy, "path": str(scored.path)})
                if as_json
                else f"{scored.rows} rows scored, accuracy {scored.accuracy:.4f}: {scored.path}"
            )
        return
    data_folder = data_folder or held_out_folder(record)
    schema = read_schema(data_folder)
    test_rows = read_rows(data_folder / "test_raw.csv", schema, rows)
    auth = authorization_of(deployment)
    target = Target.named(target_name, region=deployment.region)
    later = Collector(target) if deployment.asynchronous else None
    if not console.is_terminal:
        console.print(f"Asking the URL about {len(test_rows)} test rows ...", highlight=False)
    try:
        # Not rich's track(): left by an exception, its thread keeps the program from ending.
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Asking the URL", total=len(test_rows))
            answers = ask(deployment.api_url, auth, schema, test_rows, later, on_answer=lambda: progress.advance(task))
    except NobodyAnswers as error:
        again = deploy_command(target_name)
        raise AwsRoomError(f"{error} {record} tells of a deployment that is not there: `{again}` makes it.") from error
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing was changed. Run the same command again.", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    report = record.with_name(REPORT)
    try:
        write_page(report, deployment, schema, answers, importance(target, deployment, data_folder))
    except OSError as error:  # such as a full disk
        raise AwsRoomError(f"{report} cannot be written: {error.strerror}.") from error
    if as_json:
        facts = deployment.model_dump(include={"api_url", "algorithm", "source", "generated"})
        click.echo(json.dumps(facts | {"report": str(report)} | figures(schema, answers), indent=2))
        return
    tell(console, deployment, schema, answers, record.parent)


def tell(console: Console, deployment: Deployment, schema: Schema, answers: Sequence[Answer], folder: Path) -> None:
    """For a person: figures, page, URL, a command to paste, how to take it all down."""

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style), soft_wrap=True)

    source = "a generated sample" if deployment.generated else deployment.source
    needs_environment = deployment.target == "local" and deployment.auth != "none"
    shell = ', after eval "$(preflight env)"' if needs_environment else ""
    line(f"{deployment.algorithm} on {source}: {len(answers)} test rows through the URL", "bold")
    console.print(summary(schema, answers))
    line(f"Report: {folder / REPORT}")
    console.print(Text.assemble("URL: ", (deployment.api_url, "bold underline green")), soft_wrap=True)
    line(f"Try it{shell}:")
    body = f"-H 'Content-Type: application/json' -d @{shlex.quote(str(folder / REQUEST))}"
    line(f"  curl -s {curl_options(deployment)}{body} \\\n    {deployment.api_url}", "cyan")
    line(f"Take it down: {take_down(deployment)}")


def take_down(deployment: Deployment, environ: Mapping[str, str] = os.environ) -> str:
    """The command that ends what runs. make and compose, which start the stack as well, give their own."""
    if deployment.target == "aws":
        return "python aws/destroy.py --target aws"
    if command := environ.get("PREFLIGHT_TAKE_DOWN"):
        return command
    port = urlsplit(deployment.api_url).port or DEFAULT_PORT
    option = "" if port == DEFAULT_PORT else f" --port {port}"
    return f"python aws/destroy.py; the stack with all that is in it: preflight down{option}"


if __name__ == "__main__":
    main()
