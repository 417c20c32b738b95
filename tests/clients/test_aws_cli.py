"""The AWS CLI as it is."""

import json
import re

import pytest

from tests.clients.conftest import Flow


@pytest.mark.flow("aws-cli", "aws_cli.sh")
def test_the_aws_cli_goes_from_a_csv_to_predictions_and_back(flow: Flow) -> None:
    flow.require_success()
    assert "train binary_classification_accuracy <score>=" in flow.output
    assert re.findall(r'^{"score".*"predicted_label": (\d)}$', flow.output, re.MULTILINE) == ["1", "0"], "the batch"
    assert "rows: 400" in flow.output
    answer = next(line for line in flow.output.splitlines() if line.startswith('{"predictions"'))
    answer, _ = json.JSONDecoder().raw_decode(answer)
    assert [row["predicted_label"] for row in answer["predictions"]] == [1, 0]
    assert flow.output.rstrip().splitlines()[-1].startswith("remove_bucket: ")


@pytest.mark.flow("aws-cli", "aws_cli_errors.sh")
def test_the_aws_cli_shows_what_sagemaker_refuses_and_exits_255(flow: Flow) -> None:
    said = [line for line in flow.output.splitlines() if line]

    assert said[1::2] == ["exit 255"] * 6, flow.output
    for line, words in zip(
        said[::2],
        [
            "(ValidationException) when calling the DescribeTrainingJob operation: Requested resource not found.",
            "1 validation error detected: Value 'not valid' at 'endpointName' failed to satisfy constraint",
            'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/missing".',
            "(ValidationError) when calling the InvokeEndpoint operation: Endpoint missing of account 000000000000",
            "Waiter EndpointInService failed",
            "(UnsupportedByPreflight) when calling the ListAutoMLJobs operation: ListAutoMLJobs is not supported",
        ],
        strict=True,
    ):
        assert words in line
