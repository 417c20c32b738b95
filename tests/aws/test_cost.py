"""What a deployment costs: lines that add up, prices with a date, and AWS's own price list when it is asked."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aws import cost
from aws.pricing import prices


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "preflight.toml"
    path.write_text('[deploy]\nname = "priced"\n')
    return path


def bill(config: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(cost.main, ["--config", str(config), "--json", *options])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_an_endpoint_costs_its_instance_for_every_hour_of_a_month(config: Path) -> None:
    hourly = prices.PriceTable.load("us-east-1")["hosting.ml.m5.large"].usd

    idle = bill(config)["idle_month"]

    assert idle == pytest.approx(hourly * 730, rel=0.001)


def test_the_lines_add_up_to_the_month(config: Path) -> None:
    document = bill(config, "--requests", "3000000")

    monthly = sum(line["usd"] for line in document["lines"] if line["when"] in ("idle", "traffic"))
    assert document["month"] == pytest.approx(monthly)
    assert document["month"] > document["idle_month"] + 10


def test_a_batch_costs_its_instances_while_it_runs(config: Path) -> None:
    one = bill(config)["batch"]
    config.write_text("[deploy.batch]\ninstance_count = 3\n")

    assert 0 < one < 0.1
    assert bill(config)["batch"] == pytest.approx(3 * one)


def test_two_instances_cost_twice_as_much(config: Path) -> None:
    one = bill(config)["idle_month"]
    config.write_text("[deploy.endpoint]\ninstance_count = 2\n")

    assert bill(config)["idle_month"] == pytest.approx(2 * one, rel=0.001)


def test_what_is_captured_costs_its_files_and_nothing_while_idle(config: Path) -> None:
    plain, captured = bill(config, "--requests", "1000000"), bill(config, "--capture", "--requests", "1000000")

    assert captured["idle_month"] == plain["idle_month"]
    assert 0.2 < captured["month"] - plain["month"] < 0.4  # a file a minute, 2.6 GB


def test_an_endpoint_that_scales_costs_its_fewest_instances_while_idle_and_says_its_most(config: Path) -> None:
    idle = bill(config)["idle_month"]
    said = CliRunner().invoke(cost.main, ["--config", str(config), "--autoscale", "1:3"]).stdout

    assert bill(config, "--autoscale", "2:3")["idle_month"] == pytest.approx(2 * idle + 0.2, rel=0.001)
    assert bill(config, "--async", "--autoscale", "0:3")["idle_month"] == pytest.approx(0.3, abs=0.01)
    assert "With all 3 instances all the time: $25" in said


def test_asynchronous_requests_cost_their_objects(config: Path) -> None:
    plain, queued = bill(config, "--requests", "1000000"), bill(config, "--async", "--requests", "1000000")

    assert queued["idle_month"] == plain["idle_month"]
    assert 10 < queued["month"] - plain["month"] < 10.1  # two objects each


def test_a_serverless_endpoint_costs_nothing_while_idle(config: Path) -> None:
    document = bill(config, "--serverless", "--requests", "0")

    assert document["month"] < 0.01
    said = CliRunner().invoke(cost.main, ["--config", str(config), "--serverless"]).stdout
    assert "Idle it goes on costing $0.00 a month" in said


def test_a_person_reads_what_goes_on_costing_and_what_serverless_would_cost(config: Path) -> None:
    result = CliRunner().invoke(cost.main, ["--config", str(config), "--region", "eu-west-1"])

    assert "Idle it goes on costing $0.115 an hour" in result.stdout
    assert "With a serverless endpoint of 2048 MB instead" in result.stdout
    assert "eu-west-1, at us-east-1's prices" in result.stdout
    assert "the table lacks those of eu-west-1" in result.stdout


def test_a_region_that_aws_has_not_is_refused_with_those_near_it(config: Path) -> None:
    result = CliRunner().invoke(cost.main, ["--config", str(config), "--region", "eu-central-7"])

    assert result.exit_code == 2
    assert "no region 'eu-central-7'" in result.stderr and "eu-central-1" in result.stderr


def test_an_instance_type_without_a_price_says_how_to_get_it(config: Path) -> None:
    config.write_text('[deploy.endpoint]\ninstance_type = "ml.g5.xlarge"\n')

    result = CliRunner().invoke(cost.main, ["--config", str(config)])

    assert result.exit_code == 2
    assert "no price of hosting.ml.g5.xlarge" in result.stderr
    assert "--refresh" in result.stderr


def test_every_price_says_when_and_where_it_was_read() -> None:
    for table in json.loads(prices.PATH.read_text())["regions"].values():
        for key, price in table.items():
            assert price["usd"] > 0 and price["read"][:2] == "20" and price["source"], key


def product(usage_type: str, *tiers: tuple[str, str]) -> str:
    """One item of a PriceList as the API gives it: JSON in text, tiers in any order."""
    dimensions = {
        str(place): {"unit": "Hrs", "beginRange": begin, "pricePerUnit": {"USD": usd}}
        for place, (begin, usd) in enumerate(tiers)
    }
    terms = {"OnDemand": {"a": {"priceDimensions": dimensions}}}
    return json.dumps({"product": {"attributes": {"usagetype": usage_type}}, "terms": terms})


@pytest.fixture
def price_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """AWS's price list on this machine, for boto3's own client; gives the requests it was asked."""
    asked: list[dict[str, Any]] = []
    answers = {
        "AmazonSageMaker": [
            product("EU-Host:ml.m5.large-Tuning", ("0", "9")),
            product("EU-Host:ml.m5.large", ("0", "0.128")),
        ],
        "AmazonApiGateway": [product("EU-ApiGatewayRequest", ("333000000", "0.0000028"), ("0", "0.0000035"))],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"PriceList": answers.get(asked[-1]["ServiceCode"], [])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield asked
        server.shutdown()


def test_refresh_reads_the_first_tier_of_the_very_usage_type_of_the_region(
    config: Path, price_api: list[dict[str, Any]], tmp_path: Path
) -> None:
    table = tmp_path / "prices.json"
    shutil.copy(prices.PATH, table)
    options = ["--config", str(config), "--prices", str(table), "--region", "eu-west-1", "--refresh"]

    result = CliRunner().invoke(cost.main, options)

    read = json.loads(table.read_text())["regions"]["eu-west-1"]
    assert read["hosting.ml.m5.large"]["usd"] == 0.128
    assert read["api.requests"]["usd"] == 0.0000035
    assert "Not found there" in result.stdout and "s3.storage" in result.stdout
    assert {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"} in price_api[0]["Filters"]
    shown = CliRunner().invoke(cost.main, options[:-1]).stdout
    assert "eu-west-1, partly at us-east-1's prices" in shown and "$0.128/h" in shown
