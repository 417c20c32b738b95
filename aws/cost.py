"""What the deployment of preflight.toml costs on AWS, before anything is deployed."""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

import json
from dataclasses import asdict
from pathlib import Path

import boto3
import click
from rich.console import Console
from rich.table import Table

from aws import options
from aws.config import DeploySettings, load_settings
from aws.errors import InputError, explained
from aws.pricing.estimate import (
    SERVERLESS_MEMORY_MB,
    Estimate,
    Hosting,
    Usage,
    break_even_requests,
    estimate,
    most_in_a_month,
    preparation,
)
from aws.pricing.prices import API_REGION, PATH, TABLE_REGION, PriceTable, refresh
from aws.wanted import require_together

WHEN = {
    "once": "once",
    "idle": "a month, idle too",
    "traffic": "a month of that traffic",
    "batch": "each batch",
    "pipeline": "each run",
    "preparation": "each preparation",
}


def summary(settings: DeploySettings, region: str, hosting: Hosting) -> str:
    """One sentence for plan and deploy: what it costs, and what goes on costing."""
    prices = PriceTable.load(region)
    bill = estimate(settings, Usage(), prices, hosting)
    more = f"{' --serverless' if hosting.serverless_mb else ''}{' --capture' if hosting.capture else ''}"
    more += f"{' --async' if hosting.asynchronous else ''}"
    most = ""
    if hosting.autoscale:
        low, high = hosting.autoscale
        more += f" --autoscale {low}:{high}"
        most = f", ${most_in_a_month(settings, Usage(), prices, hosting):.2f} with {high} instances all the time"
    where = f" ({prices.whose})" if prices.whose else ""
    return (
        f"Price{where}: ${bill.once:.2f} to train, then {_idle(bill)} without a request, "
        f"${bill.month:.2f} in a month of {Usage().requests:,} requests{most}, "
        "until `python aws/destroy.py --target aws`. "
        f"Details: python aws/cost.py{more}"
    )


def batch_summary(settings: DeploySettings, region: str) -> str:
    """One sentence for the plan of a batch: what its job costs."""
    prices = PriceTable.load(region)
    where = f" ({prices.whose})" if prices.whose else ""
    line = next(line for line in estimate(settings, Usage(), prices).lines if line.when == "batch")
    return f"Price{where}: ${line.usd:.2f} for {line.how}; nothing of it goes on costing but its files."


def preparation_summary(settings: DeploySettings, region: str, instances: int) -> str:
    """One sentence for the plan of a preparation: what its jobs cost."""
    try:
        prices = PriceTable.load(region)
        line = preparation(settings, Usage(), prices, instances)
    except InputError as error:  # a plan is worth showing without its price
        return f"Price: unknown. {error}"
    where = f" ({prices.whose})" if prices.whose else ""
    return f"Price{where}: ${line.usd:.2f} for {line.how}; nothing of it goes on costing but its files."


def pipeline_summary(settings: DeploySettings, region: str, *, approve: bool, tune: bool) -> str:
    """One sentence for the plan of a pipeline: what a run costs, and what goes on costing if its model is deployed."""
    try:
        prices = PriceTable.load(region)
        bill = estimate(settings, Usage(), prices, trials=settings.tuning.jobs if tune else 1)
    except InputError as error:  # a plan is worth showing without its price
        return f"Price: unknown. {error}"
    where = f" ({prices.whose})" if prices.whose else ""
    line = next(line for line in bill.lines if line.when == "pipeline")
    stays = (
        f"the endpoint then {_idle(bill)}, until `python aws/destroy.py --target aws`" if approve else "then nothing"
    )
    return f"Price{where}: ${line.usd:.2f} for {line.how}; {stays}."


def _idle(bill: Estimate) -> str:
    """What it costs while nobody asks; by the hour only where an hour costs something, as an instance does."""
    by_the_hour = f"${bill.idle_hour:.3f} an hour, " if bill.idle_hour >= 0.0005 else ""
    return f"{by_the_hour}${bill.idle_month:.2f} a month"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--requests", default=Usage.requests, show_default=True, type=click.IntRange(0), help="In a month.")
@click.option("--model-ms", default=Usage.model_ms, show_default=True, type=click.FloatRange(0), help="Of one request.")
@click.option(
    "--training-minutes",
    default=Usage.training_minutes,
    show_default=True,
    type=click.FloatRange(0),
    help="From the instance's start to the upload of the model.",
)
@click.option("--serverless", is_flag=True, help="Price `python aws/deploy.py --serverless`.")
@click.option(
    "--memory-mb",
    default=SERVERLESS_MEMORY_MB,
    show_default=True,
    type=click.IntRange(1024, 6144),
    help="Of a serverless endpoint.",
)
@click.option("--capture", is_flag=True, help="Price `python aws/deploy.py --capture`.")
@options.asynchronous
@options.autoscale
@click.option("--instances", type=click.IntRange(1), help="Price `python aws/prepare.py --instances N`, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
@click.option("--refresh", "is_refresh", is_flag=True, help="First read the prices from AWS (free; needs credentials).")
@click.option(
    "--prices",
    "table_path",
    default=PATH,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The price table, read and refreshed.  [default: aws/pricing/prices.json]",
)
@click.option("--region", help=f"AWS region.  [default: `region` of [deploy], else {TABLE_REGION}]")
@options.config
@explained
def main(
    requests: int,
    model_ms: float,
    training_minutes: float,
    serverless: bool,
    memory_mb: int,
    capture: bool,
    asynchronous: bool,
    autoscale: tuple[int, int] | None,
    instances: int | None,
    as_json: bool,
    is_refresh: bool,
    table_path: Path,
    region: str | None,
    config_path: Path,
) -> None:
    """Say what a deployment costs on AWS: a training run, an hour, a month, and a month's requests.

    Makes no call, unless --refresh asks AWS for today's prices. The price table with its dates and sources is
    aws/pricing/prices.json; free tiers and discounts are left out.
    """
    settings = load_settings(config_path)
    require_together(settings, serverless=serverless, capture=capture, asynchronous=asynchronous, autoscale=autoscale)
    region = region or settings.region or TABLE_REGION
    console = Console(soft_wrap=True, highlight=False)
    if is_refresh:
        types = {
            "training": settings.training.instance_type,
            "hosting": settings.endpoint.instance_type,
            "transform": settings.batch.instance_type,
            "processing": settings.pipeline.instance_type,
        }
        keys = {f"{use}.{instance_type}" for use, instance_type in types.items()}
        keys.add(f"processing.{settings.prepare.instance_type}")
        keys |= {key for key in PriceTable.load(region, table_path) if ".ml." in key}
        missing = refresh(boto3.client("pricing", region_name=API_REGION), region, sorted(keys), table_path)
        console.print(f"Read the prices of {region} into {table_path}." + _kept(missing))
    prices = PriceTable.load(region, table_path)
    usage = Usage(requests=requests, model_ms=model_ms, training_minutes=training_minutes)
    hosting = Hosting(memory_mb if serverless else None, capture, asynchronous, autoscale)
    bill = estimate(settings, usage, prices, hosting)
    if instances:
        bill = Estimate((*bill.lines, preparation(settings, usage, prices, instances)))
    if as_json:
        print(json.dumps(_document(bill, prices), indent=2))
        return
    console.print(_table(bill, settings, prices))
    if autoscale:
        most = most_in_a_month(settings, usage, prices, hosting)
        console.print(f"With all {autoscale[1]} instances all the time: ${most:.2f} in such a month.")
    for line in _verdict(bill, settings, usage, prices, memory_mb=memory_mb, serverless=serverless):
        console.print(line)


def _kept(missing: list[str]) -> str:
    return f" Not found there, so as before: {', '.join(missing)}." if missing else ""


def _document(bill: Estimate, prices: PriceTable) -> dict[str, object]:
    return {
        "currency": "USD",
        "region": prices.region,
        "prices": prices.whose or "its own",
        "once": bill.once,
        "idle_month": bill.idle_month,
        "month": bill.month,
        "batch": bill.batch,
        "lines": [asdict(line) for line in bill.lines],
    }


def _table(bill: Estimate, settings: DeploySettings, prices: PriceTable) -> Table:
    where = f"{prices.region}, {prices.whose}" if prices.whose else prices.region
    table = Table(title=f"{settings.name} in {where}", title_justify="left", box=None)
    for column in ("what", "how", "when"):
        table.add_column(column)
    table.add_column("USD", justify="right")
    for line in bill.lines:
        table.add_row(
            line.what, line.how, WHEN[line.when], f"{line.usd:,.2f}" if line.usd >= 0.01 else f"{line.usd:.4f}"
        )
    return table


def _verdict(
    bill: Estimate, settings: DeploySettings, usage: Usage, prices: PriceTable, *, memory_mb: int, serverless: bool
) -> list[str]:
    other = estimate(settings, usage, prices, Hosting(None if serverless else memory_mb))
    even = break_even_requests(settings, usage, prices, memory_mb)
    kind = f"{settings.endpoint.instance_type} endpoint" if serverless else f"serverless endpoint of {memory_mb} MB"
    verdict = [
        f"In all: ${bill.once:.2f} to train, then ${bill.month:.2f} in a month of {usage.requests:,} requests.",
        f"Idle it goes on costing {_idle(bill)}, until `python aws/destroy.py --target aws`.",
        f"With a {kind} instead: ${other.month:.2f} a month, ${other.idle_month:.2f} while idle. "
        f"Serverless is the cheaper one below {even:,} requests a month.",
        f"List prices, the oldest read {prices.oldest}; dates and sources in {PATH.name}, anew with --refresh. "
        "Without tax, free tier and discounts.",
    ]
    if prices.whose:
        verdict.append(
            f"This is {prices.whose}: the table lacks those of {prices.region}. To read them: "
            f"python aws/cost.py --refresh --region {prices.region}"
        )
    return verdict


if __name__ == "__main__":
    main()
