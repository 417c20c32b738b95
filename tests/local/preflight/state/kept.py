"""What a stack is given to keep, service by service: ``make`` stores it, ``seen`` is what a client then sees of it."""

import io
import json
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from preflight.waiting import wait_until
from tests.local.conftest import XGBOOST, make_role, wait_for_endpoint
from tests.local.preflight.sagemaker.tuning.conftest import MAXIMIZE_SCORE, METRIC, SCRIPT, continuous, limits

Clients = Callable[[str], Any]
BUCKET = "kept"
ACCOUNT = "arn:aws:{}:us-east-1:000000000000:{}"
PART = b"p" * (5 * 1024 * 1024)
SECONDS = 60.0


@dataclass(frozen=True)
class Kept:
    make: Callable[[Clients], None]
    seen: Callable[[Clients], Any]


def _make_objects(client: Clients) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="a/ü &", Body=b"old", Metadata={"colour": "blue"}, ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket=BUCKET, Key="a/ü &", Body=b"new", ContentType="text/plain", Tagging="k=v")
    s3.put_object(Bucket=BUCKET, Key="deleted", Body=b"there once")
    s3.delete_object(Bucket=BUCKET, Key="deleted")
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"of a package")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="half")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="half", UploadId=upload, PartNumber=1, Body=PART)


def _seen_objects(client: Clients) -> Any:
    s3 = client("s3")
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix="a/")["Versions"]
    (upload,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    place = {"Bucket": BUCKET, "Key": "half", "UploadId": upload["UploadId"]}
    return (
        [(each["VersionId"], each["ETag"], each["IsLatest"]) for each in listed],
        [_object(s3, each["Key"], each["VersionId"]) for each in listed],
        [each["Key"] for each in s3.list_object_versions(Bucket=BUCKET)["DeleteMarkers"]],
        [(part["PartNumber"], part["ETag"], part["Size"]) for part in s3.list_parts(**place)["Parts"]],
        s3.get_object_tagging(Bucket=BUCKET, Key="a/ü &")["TagSet"],
    )


def objects(client: Clients) -> Any:
    """All versions of one bucket's objects, whatever their ids are."""
    s3 = client("s3")
    listed = s3.list_object_versions(Bucket=BUCKET)
    return [
        *((each["Key"], each["IsLatest"], _object(s3, each["Key"], each["VersionId"])) for each in listed["Versions"]),
        *((each["Key"], each["IsLatest"]) for each in listed["DeleteMarkers"]),
        s3.get_object_tagging(Bucket=BUCKET, Key="a/ü &")["TagSet"],
    ]


def _object(s3: Any, key: str, version: str) -> Any:
    found = s3.get_object(Bucket=BUCKET, Key=key, VersionId=version, ChecksumMode="ENABLED")
    return found["Body"].read(), found["ContentType"], found["Metadata"], found.get("ChecksumSHA256")


def complete_upload(client: Clients) -> bytes:
    """End the upload that a stack before this one began."""
    s3 = client("s3")
    (upload,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    place = {"Bucket": BUCKET, "Key": "half", "UploadId": upload["UploadId"]}
    last = s3.upload_part(**place, PartNumber=2, Body=b"last")["ETag"]
    parts = [*s3.list_parts(**place)["Parts"][:1], {"PartNumber": 2, "ETag": last}]
    together = {"Parts": [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]}
    s3.complete_multipart_upload(**place, MultipartUpload=together)
    body: bytes = s3.get_object(Bucket=BUCKET, Key="half")["Body"].read()
    return body


def _make_identities(client: Clients) -> None:
    iam = client("iam")
    iam.create_user(UserName="someone")
    iam.create_policy(PolicyName="some", PolicyDocument=_policy("s3:ListAllMyBuckets"))
    iam.attach_user_policy(UserName="someone", PolicyArn="arn:aws:iam::000000000000:policy/some")
    iam.create_access_key(UserName="someone")


def _policy(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _seen_identities(client: Clients) -> Any:
    iam = client("iam")
    return (
        iam.get_role(RoleName="preflight-lambda-us-east-1")["Role"],
        iam.list_attached_user_policies(UserName="someone")["AttachedPolicies"],
        [key["AccessKeyId"] for key in iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]],
    )


def _make_queue(client: Clients) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "0"}, tags={"of": "test"})["QueueUrl"]
    sqs.send_message(
        QueueUrl=url, MessageBody="waits", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}}
    )


def messages(client: Clients, queue: str = "kept") -> list[str]:
    """The bodies of all messages of a queue; those stay."""
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [message["Body"] for message in answer.get("Messages", ())]


def _seen_queue(client: Clients) -> Any:
    url = client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
    return url, client("sqs").list_queue_tags(QueueUrl=url)["Tags"], messages(client)


def _new_queue(client: Clients, name: str) -> str:
    """Its ARN."""
    client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "0"})
    return ACCOUNT.format("sqs", name)


def _make_topic(client: Clients) -> None:
    topic = client("sns").create_topic(Name="kept")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_new_queue(client, "of-topic"))


def _seen_topic(client: Clients) -> Any:
    """Its subscriptions, and whether one message more is delivered than there were."""
    before = len(messages(client, "of-topic"))
    client("sns").publish(TopicArn=ACCOUNT.format("sns", "kept"), Message="told")
    delivered = wait_until(lambda: len(messages(client, "of-topic")) > before, SECONDS, 0.1)
    return client("sns").list_subscriptions()["Subscriptions"], delivered


def _make_rule(client: Clients) -> None:
    events = client("events")
    queue = _new_queue(client, "of-rule")
    events.create_event_bus(Name="own")
    for bus in ("default", "own"):
        events.put_rule(Name="kept", EventBusName=bus, EventPattern=json.dumps({"source": ["test"]}))
        events.put_targets(Rule="kept", EventBusName=bus, Targets=[{"Id": "q", "Arn": queue, "InputPath": "$.source"}])


def _seen_rule(client: Clients) -> Any:
    events = client("events")
    before = len(messages(client, "of-rule"))
    entry = {"Source": "test", "DetailType": "t", "Detail": "{}"}
    events.put_events(Entries=[entry, {**entry, "EventBusName": "own"}])
    delivered = wait_until(lambda: len(messages(client, "of-rule")) == before + 2, SECONDS, 0.1)
    return events.list_rules()["Rules"], events.list_targets_by_rule(Rule="kept")["Targets"], delivered


def _make_parameter(client: Clients) -> None:
    client("ssm").put_parameter(Name="/kept/one", Value="1", Type="SecureString")
    client("ssm").put_parameter(Name="/kept/one", Value="2", Type="SecureString", Overwrite=True)


def _seen_parameter(client: Clients) -> Any:
    found = client("ssm").get_parameter(Name="/kept/one", WithDecryption=True)["Parameter"]
    return found["Value"], found["Version"], found["Type"]


def _make_secret(client: Clients) -> None:
    client("secretsmanager").create_secret(Name="kept", SecretString="secret")
    client("secretsmanager").put_secret_value(SecretId="kept", SecretString="newer")


def _seen_secret(client: Clients) -> Any:
    values = [
        client("secretsmanager").get_secret_value(SecretId="kept", VersionStage=f"AWS{stage}")
        for stage in ("CURRENT", "PREVIOUS")
    ]
    return [(value["ARN"], value["SecretString"]) for value in values]


def _make_key(client: Clients) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    client("s3").put_object(Bucket=BUCKET, Key="sealed", Body=sealed)


def _seen_key(client: Clients) -> Any:
    sealed = client("s3").get_object(Bucket=BUCKET, Key="sealed")["Body"].read()
    return client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"], client("kms").list_aliases()["Aliases"]


def _make_logs(client: Clients) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/kept", tags={"of": "test"})
    logs.put_retention_policy(logGroupName="/kept", retentionInDays=7)
    logs.create_log_stream(logGroupName="/kept", logStreamName="one")
    line = {"timestamp": int(time.time() * 1000), "message": "written"}
    logs.put_log_events(logGroupName="/kept", logStreamName="one", logEvents=[line])


def _seen_logs(client: Clients) -> Any:
    """With what the example's training job has written."""
    logs = client("logs")
    streams = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="preflight")[
        "logStreams"
    ]
    written = [
        [
            event["message"]
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        ]
        for group, stream in [
            ("/kept", "one"),
            *(("/aws/sagemaker/TrainingJobs", each["logStreamName"]) for each in streams),
        ]
    ]
    assert all(written)
    return logs.describe_log_groups(logGroupNamePrefix="/kept")["logGroups"], written


def _make_alarm(client: Clients) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Kept", MetricData=[{"MetricName": "m", "Value": 3.0, "Timestamp": 1_700_000_000}]
    )
    cloudwatch.put_metric_alarm(
        AlarmName="kept",
        Namespace="Kept",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def _seen_alarm(client: Clients) -> Any:
    cloudwatch = client("cloudwatch")
    asked = {"Namespace": "Kept", "MetricName": "m", "Period": 60, "Statistics": ["Sum"]}
    points = cloudwatch.get_metric_statistics(**asked, StartTime=1_699_999_900, EndTime=1_700_000_100)["Datapoints"]
    alarms = cloudwatch.describe_alarms(AlarmNames=["kept"])["MetricAlarms"]
    return [(alarm["AlarmArn"], alarm["Threshold"]) for alarm in alarms], points


def _make_function(client: Clients) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "own.py", "import os\n\ndef handler(event, context):\n    return [event, os.environ['WORD']]\n"
        )
    function = client("lambda")
    role = make_role(client("iam"), "lambda.amazonaws.com")
    function.create_function(
        FunctionName="kept",
        Runtime="python3.12",
        Role=role,
        Handler="own.handler",
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"WORD": "first"}},
        Publish=True,
    )
    function.get_waiter("published_version_active").wait(FunctionName="kept", Qualifier="1")
    function.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")


def _seen_function(client: Clients) -> Any:
    answer = client("lambda").invoke(FunctionName="kept", Qualifier="live", Payload=b"1")
    return json.load(answer["Payload"]), client("lambda").get_function(FunctionName="kept")["Configuration"][
        "CodeSha256"
    ]


def _make_registered(client: Clients) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="kept", Tags=[{"Key": "of", "Value": "test"}])
    specification = {
        "Containers": [{"Image": XGBOOST, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    package = sagemaker.create_model_package(ModelPackageGroupName="kept", InferenceSpecification=specification)
    sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")


def _seen_registered(client: Clients) -> Any:
    sagemaker = client("sagemaker")
    group = sagemaker.describe_model_package_group(ModelPackageGroupName="kept")
    package = sagemaker.describe_model_package(
        ModelPackageName=f"{group['ModelPackageGroupArn'].replace('-group', '')}/1"
    )
    return _plain(group), _plain(package), sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]


def _make_experiment(client: Clients) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_experiment(ExperimentName="kept")
    sagemaker.create_trial(TrialName="kept", ExperimentName="kept")
    sagemaker.create_trial_component(TrialComponentName="kept", Parameters={"x": {"NumberValue": 1.5}})
    sagemaker.associate_trial_component(TrialName="kept", TrialComponentName="kept")
    metric = {"MetricName": "loss", "Timestamp": 1_700_000_000, "Value": 0.5}
    client("sagemaker-metrics").batch_put_metrics(TrialComponentName="kept", MetricData=[metric])


def _seen_experiment(client: Clients) -> Any:
    sagemaker = client("sagemaker")
    component = sagemaker.describe_trial_component(TrialComponentName="kept")
    named = {"Filters": [{"Name": "Parents.ExperimentName", "Operator": "Equals", "Value": "kept"}]}
    found = sagemaker.search(Resource="ExperimentTrialComponent", SearchExpression=named)["Results"]
    return _plain(component), [each["TrialComponent"]["TrialComponentName"] for each in found]


def _make_tuning(client: Clients) -> None:
    tune(client, "kept", {})
    described = lambda: client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="kept")  # noqa: E731
    assert wait_until(lambda: described()["HyperParameterTuningJobStatus"] == "Completed", 180, 0.1), described()


def _seen_tuning(client: Clients) -> Any:
    sagemaker = client("sagemaker")
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="kept")
    trained = sagemaker.describe_training_job(TrainingJobName=job["BestTrainingJob"]["TrainingJobName"])
    return _plain(job), _plain(trained)


def _make_pipeline(client: Clients) -> None:
    step = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "meant"}}
    arn = start_pipeline(client, "kept", step)
    described = lambda: client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)  # noqa: E731
    assert wait_until(lambda: described()["PipelineExecutionStatus"] == "Failed", SECONDS, 0.1), described()


def _seen_pipeline(client: Clients) -> Any:
    sagemaker = client("sagemaker")
    (execution,) = sagemaker.list_pipeline_executions(PipelineName="kept")["PipelineExecutionSummaries"]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution["PipelineExecutionArn"])
    return _plain(sagemaker.describe_pipeline(PipelineName="kept")), execution, steps["PipelineExecutionSteps"]


def _seen_example(client: Clients) -> Any:
    """What the example's deployment has made of SageMaker's."""
    sagemaker = client("sagemaker")
    endpoint = _plain(sagemaker.describe_endpoint(EndpointName="preflight"))
    jobs = sagemaker.list_training_jobs(NameContains="preflight")["TrainingJobSummaries"]
    described = [_plain(sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])) for job in jobs]
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    return endpoint, described, configs, sagemaker.list_models()["Models"]


QUEUED = "queued"  # an asynchronous endpoint of the example's model
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{QUEUED}/variant/v",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def _make_scaling(client: Clients) -> None:
    """An endpoint that is scaled to no instances, so that what it is asked waits."""
    sagemaker, scaling = client("sagemaker"), client("application-autoscaling")
    client("s3").put_object(Bucket=BUCKET, Key="row.csv", Body=",".join(["3"] * 22), ContentType="text/csv")
    variant = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    (model, *_) = sagemaker.list_models()["Models"]
    described = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    container = {name: described[name] for name in ("Image", "ModelDataUrl")}
    role = make_role(client("iam"), "sagemaker.amazonaws.com")  # the example's may not read this bucket
    sagemaker.create_model(ModelName=QUEUED, PrimaryContainer=container, ExecutionRoleArn=role)
    sagemaker.create_endpoint_config(
        EndpointConfigName=QUEUED,
        ProductionVariants=[{**variant, "ModelName": QUEUED}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/results"}},
    )
    sagemaker.create_endpoint(EndpointName=QUEUED, EndpointConfigName=QUEUED)
    assert wait_for_endpoint(sagemaker, QUEUED)["EndpointStatus"] == "InService"
    scaling.register_scalable_target(**VARIANT, MinCapacity=0, MaxCapacity=0, Tags={"of": "test"})
    steps = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    }
    scaling.put_scaling_policy(
        **VARIANT, PolicyName="kept", PolicyType="StepScaling", StepScalingPolicyConfiguration=steps
    )
    limits = {"MinCapacity": 0, "MaxCapacity": 0}
    scaling.put_scheduled_action(
        **VARIANT, ScheduledActionName="kept", Schedule="cron(0 0 1 1 ? 2100)", ScalableTargetAction=limits
    )
    assert wait_until(lambda: _instances(sagemaker) == 0, SECONDS, 0.2)
    assert wait_for_endpoint(sagemaker, QUEUED)["EndpointStatus"] == "InService"
    assert wait_until(lambda: _seen_scaling(client)[-1] == ["Successful"], SECONDS, 0.2)


def _instances(sagemaker: Any) -> int:
    (variant,) = sagemaker.describe_endpoint(EndpointName=QUEUED)["ProductionVariants"]
    count: int = variant["CurrentInstanceCount"]
    return count


def _seen_scaling(client: Clients) -> Any:
    scaling = client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    tags = scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    actions = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    activities = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    states = [activity["StatusCode"] for activity in activities]
    return target, tags, policies, actions, _instances(client("sagemaker")), states


def ask_later(client: Clients) -> str:
    """Where the answer will be to a request that waits for an instance; its input has been there for long."""
    asked = {"EndpointName": QUEUED, "InputLocation": f"s3://{BUCKET}/row.csv"}
    location: str = client("sagemaker-runtime").invoke_endpoint_async(**asked)["OutputLocation"]
    return location


def answer(client: Clients, location: str) -> bytes:
    """Give the endpoint an instance, and return what it answers."""
    client("application-autoscaling").register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=1)
    key, found = location.removeprefix(f"s3://{BUCKET}/"), {"Bucket": BUCKET, "Prefix": "results"}
    is_there = lambda: key in [each["Key"] for each in client("s3").list_objects_v2(**found).get("Contents", ())]  # noqa: E731
    assert wait_until(is_there, SECONDS, 0.2), location
    body: bytes = client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def _make_session(client: Clients) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="of-a-session", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    client("iam").put_role_policy(RoleName="of-a-session", PolicyName="some", PolicyDocument=_policy("s3:*"))
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="kept")["Credentials"]
    plain = json.dumps({name: str(value) for name, value in keys.items()})
    client("s3").put_object(Bucket=BUCKET, Key="session.json", Body=plain)


def _seen_session(client: Clients) -> Any:
    """Who it is, what it may do, and what not."""
    keys = json.load(client("s3").get_object(Bucket=BUCKET, Key="session.json")["Body"])
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    url = client("sts").meta.endpoint_url
    try:
        session.client("iam", endpoint_url=url).list_users()
        refused = ""
    except ClientError as error:
        refused = error.response["Error"]["Code"]
    identity = session.client("sts", endpoint_url=url).get_caller_identity()["Arn"]
    body = session.client("s3", endpoint_url=url).get_object(Bucket=BUCKET, Key="session.json")["Body"].read()
    return identity, json.loads(body), refused


def script(client: Clients) -> dict[str, Any]:
    """A training job of a script that scores a hyperparameter, or waits for its end."""
    client("s3").put_object(Bucket=BUCKET, Key="sourcedir.tar.gz", Body=_packed())
    return {
        "AlgorithmSpecification": {
            "TrainingImage": XGBOOST,
            "TrainingInputMode": "File",
            "MetricDefinitions": [METRIC],
        },
        "RoleArn": make_role(client("iam"), "sagemaker.amazonaws.com"),
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def words(**more: str) -> dict[str, str]:
    """Hyperparameters of the script."""
    all_of_them = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/sourcedir.tar.gz"}
    return {name: json.dumps(value) for name, value in {**all_of_them, **more}.items()}


def _packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(SCRIPT.encode())
        tar.addfile(entry, io.BytesIO(SCRIPT.encode()))
    return buffer.getvalue()


def tune(client: Clients, name: str, static: dict[str, str]) -> None:
    """Start a tuning job of one trial."""
    client("sagemaker").create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": MAXIMIZE_SCORE,
            "ResourceLimits": limits(1, 1),
            "ParameterRanges": continuous(),
        },
        TrainingJobDefinition={"StaticHyperParameters": words(**static), **script(client)},
    )


def start_pipeline(client: Clients, name: str, *steps: Any) -> str:
    """The ARN of its execution."""
    sagemaker = client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": list(steps)}),
        ClientRequestToken="t" * 32,
        RoleArn=make_role(client("iam"), "sagemaker.amazonaws.com"),
    )
    arn: str = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    return arn


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


SERVICES = {
    "s3": Kept(_make_objects, _seen_objects),
    "iam": Kept(_make_identities, _seen_identities),
    "sqs": Kept(_make_queue, _seen_queue),
    "sns": Kept(_make_topic, _seen_topic),
    "events": Kept(_make_rule, _seen_rule),
    "ssm": Kept(_make_parameter, _seen_parameter),
    "secretsmanager": Kept(_make_secret, _seen_secret),
    "kms": Kept(_make_key, _seen_key),
    "logs": Kept(_make_logs, _seen_logs),
    "cloudwatch": Kept(_make_alarm, _seen_alarm),
    "lambda": Kept(_make_function, _seen_function),
    "scaling": Kept(_make_scaling, _seen_scaling),
    "sts": Kept(_make_session, _seen_session),
    "example": Kept(lambda client: None, _seen_example),
    "registry": Kept(_make_registered, _seen_registered),
    "experiments": Kept(_make_experiment, _seen_experiment),
    "tuning": Kept(_make_tuning, _seen_tuning),
    "pipelines": Kept(_make_pipeline, _seen_pipeline),
}

LISTS = [
    *(("s3", "list_buckets"), ("iam", "list_roles"), ("sts", "get_caller_identity"), ("sqs", "list_queues")),
    *(("sns", "list_topics"), ("events", "list_rules"), ("ssm", "describe_parameters"), ("kms", "list_keys")),
    *(("secretsmanager", "list_secrets"), ("logs", "describe_log_groups"), ("cloudwatch", "describe_alarms")),
    *(("lambda", "list_functions"), ("apigateway", "get_rest_apis"), ("sagemaker", "list_models")),
]
