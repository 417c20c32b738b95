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
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from requests.auth import AuthBase
from rich.console import Console
from rich.progress import Progress

from aws import options
from aws.batch import score_file
from aws.calling import authorization_of, curl_options
from aws.config import load_settings
from aws.deployment import Deployment, record_path
from aws.errors import EXIT_INTERRUPTED, AwsRoomError, InputError, explained
from aws.target import DEFAULT_PORT, Target

REQUEST_TIMEOUT_SECONDS = 35  # API Gateway gives up after 29 s
THROTTLED_TRIES = 40
THROTTLED_PAUSE_SECONDS = 0.25
Row = dict[str, str]


@dataclass(frozen=True)
class Scores:
    """What came back for rows whose label is known. Latencies are whole requests, in milliseconds."""

    rows: int
    accuracy: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    latency_p50_ms: float
    latency_p95_ms: float


def read_rows(path: Path, limit: int) -> list[Row]:
    """``limit`` rows of a CSV with a header, as text, drawn alike on every call: the first rows of a survey need
    not be like the rest. Raises ``InputError`` if there are none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = _draw(csv.DictReader(file), limit)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}). Run `python -m data_prep` first.") from error
    if not rows:
        raise InputError(f"{path} has no rows. Run `python -m data_prep` first.")
    return rows


def request_body(row: Row, label: dict[str, Any]) -> dict[str, Row]:
    """What to send for one raw row: its features."""
    not_sent = {label["column"], *label["ignored"]}
    return {label["key"]: {column: value for column, value in row.items() if column not in not_sent}}


def predict(session: requests.Session, url: str, body: dict[str, Row], result: str) -> tuple[int, float]:
    """The predicted class, 0 or 1: ``result`` of the answer; and the seconds that the answered request took.

    Raises:
        AwsRoomError: the URL answers otherwise.
    """
    try:
        answer, seconds = _post_when_it_may(session, url, body)
    except requests.RequestException as error:
        raise AwsRoomError(
            f"{url} does not answer ({type(error).__name__}). Is the stack up (`preflight status`)? "
            "Run `python aws/deploy.py` to deploy again."
        ) from error
    if answer.status_code in (403, 404):
        raise AwsRoomError(
            f"{url} lets nobody in ({answer.status_code}: {answer.text[:200]}): it is not deployed any more, or these "
            "credentials may not call it, or its API key is younger than a minute. Run `python aws/deploy.py` again."
        )
    if answer.status_code == 429:
        raise AwsRoomError(f"{url} takes no more requests now (429): see requests_per_second in [deploy.api].")
    try:
        return int(answer.json()[result]), seconds
    except (ValueError, KeyError, TypeError) as error:
        said = answer.text[:500]
        raise AwsRoomError(f"{url} answered {answer.status_code}: {said}") from error


def _post_when_it_may(session: requests.Session, url: str, body: dict[str, Row]) -> tuple[requests.Response, float]:
    """The answer and its seconds; one that says to come later (429) only if it says so again and again."""
    for _ in range(THROTTLED_TRIES):
        started = time.perf_counter()
        answer = session.post(url, json=body, timeout=REQUEST_TIMEOUT_SECONDS)
        seconds = time.perf_counter() - started
        if answer.status_code != 429:
            break
        time.sleep(THROTTLED_PAUSE_SECONDS)
    return answer, seconds


def _draw(rows: Iterable[Row], limit: int) -> list[Row]:
    """A uniform sample without holding all rows (Vitter's algorithm R)."""
    random = Random(1)
    drawn: list[Row] = []
    for count, row in enumerate(rows, start=1):
        if len(drawn) < limit:
            drawn.append(row)
        elif (place := random.randrange(count)) < limit:
            drawn[place] = row
    return drawn


def score(
    url: str, auth: AuthBase | None, rows: Sequence[Row], label: dict[str, Any], *, on_answer: Callable[[], None]
) -> Scores:
    """Send every row over one connection and compare the answers with the rows' own labels."""
    counts = {(actual, predicted): 0 for actual in (0, 1) for predicted in (0, 1)}
    seconds: list[float] = []
    with requests.Session() as session:
        session.auth = auth
        for row in rows:
            body = request_body(row, label)
            predicted, took = predict(session, url, body, label["result"])
            seconds.append(took)
            actual = int(row[label["column"]].strip() == str(label["positive"]))
            counts[actual, predicted] += 1
            on_answer()
    seconds.sort()
    return Scores(
        rows=len(seconds),
        accuracy=(counts[0, 0] + counts[1, 1]) / len(seconds),
        true_positives=counts[1, 1],
        false_positives=counts[0, 1],
        true_negatives=counts[0, 0],
        false_negatives=counts[1, 0],
        latency_p50_ms=1000 * seconds[len(seconds) // 2],
        latency_p95_ms=1000 * seconds[int(len(seconds) * 0.95)],
    )


def read_label(data_folder: Path) -> dict[str, Any]:
    """What schema.json says of the label (its column, the value that means 1), of other columns that are no features,
    and of the keys of a request and its answer."""
    path = data_folder / "schema.json"
    try:
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        label = schema["label"]
        facts = {"column": label["column"], "positive": label["positive"], "ignored": list(schema["ignored"])}
        return facts | {name: schema["request"][name] for name in ("key", "result")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as a schema. Run `python -m data_prep` first.") from error


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.target
@click.option("--rows", type=click.IntRange(min=1), default=1000, show_default=True, help="How many test rows to send.")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="What `python -m data_prep` wrote; its test_raw.csv is sent.  [default: what was deployed]",
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

    Prints accuracy and confusion matrix as measured through the URL, how long answers took, and a curl line
    to try it yourself. The rows are the ones data_prep held back: the model has not seen them.

    With --batch no URL is asked: a transform job scores the file, and its rows come back with the model's answers.
    """
    console = Console(stderr=as_json)
    deployment = Deployment.read(record_path(build_folder, target_name))
    if batch_file is not None:
        settings = load_settings(config_path)
        target = Target.named(target_name, region=deployment.region)
        folder = record_path(build_folder, target_name).parent / "batch"
        scored = score_file(target, settings, deployment, batch_file, folder, plan_only=plan_only, yes=yes)
        if scored is not None:
            click.echo(
                json.dumps({"rows": scored.rows, "accuracy": scored.accuracy, "path": str(scored.path)})
                if as_json
                else f"{scored.rows} rows scored, accuracy {scored.accuracy:.4f}: {scored.path}"
            )
        return
    data_folder = data_folder or Path(deployment.data)
    label = read_label(data_folder)
    test_rows = read_rows(data_folder / "test_raw.csv", rows)
    if label["column"] not in test_rows[0]:
        raise InputError(f"{data_folder / 'test_raw.csv'} has no column {label['column']}. Run data_prep again.")
    auth = authorization_of(deployment)
    if not console.is_terminal:
        console.print(f"Asking the URL about {len(test_rows)} test rows ...", highlight=False)
    try:
        # Not rich's track(): left by an exception, its thread keeps the program from ending.
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Asking the URL", total=len(test_rows))
            scores = score(deployment.api_url, auth, test_rows, label, on_answer=lambda: progress.advance(task))
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing was changed. Run the same command again.", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    if as_json:
        facts = deployment.model_dump(include={"api_url", "algorithm", "source", "generated"})
        click.echo(json.dumps(facts | asdict(scores), indent=2))
        return
    for line in describe(deployment, scores, label, test_rows[0]):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def describe(deployment: Deployment, scores: Scores, label: dict[str, Any], example: Row) -> list[str]:
    """The lines for a person: figures, URL, a command to paste, how to take it all down."""
    body = json.dumps(request_body(example, label))
    curl = f"curl -s {curl_options(deployment)}-H 'Content-Type: application/json'"
    source = "a generated sample" if deployment.generated else deployment.source
    needs_environment = deployment.target == "local" and deployment.auth != "none"
    shell = ', after eval "$(preflight env)"' if needs_environment else ""
    return [
        f"{deployment.algorithm} on {source}: {scores.rows} test rows through the URL",
        f"  accuracy          {scores.accuracy:.4f}" + ("  (generated sample)" if deployment.generated else ""),
        f"  {'':<18}{'said 1':>8}{'said 0':>8}",
        f"  {'is 1':<18}{scores.true_positives:>8}{scores.false_negatives:>8}",
        f"  {'is 0':<18}{scores.false_positives:>8}{scores.true_negatives:>8}",
        f"  latency           p50 {scores.latency_p50_ms:.1f} ms, p95 {scores.latency_p95_ms:.1f} ms",
        f"URL: {deployment.api_url}",
        f"Try it{shell}:",
        f"  {curl} -d {shlex.quote(body)} {deployment.api_url}",
        f"Take it down: {take_down(deployment)}",
    ]


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
