"""What a processing container finds below /opt/ml/config. What the request does not have is null.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from typing import Any

from preflight.sagemaker.processing.record import ProcessingJobRecord
from preflight.sagemaker.processing.request import ProcessingInput, ProcessingOutput


def processing_job_configuration(job: ProcessingJobRecord) -> dict[str, Any]:
    """processingjobconfig.json."""
    request, cluster, application = job.request, job.cluster, job.request.app_specification
    return {
        "ProcessingJobArn": job.arn,
        "ProcessingJobName": job.name,
        "AppSpecification": {
            "ImageUri": application.image_uri,
            "ContainerEntrypoint": application.container_entrypoint,
            "ContainerArguments": application.container_arguments,
        },
        "Environment": request.environment,
        "ProcessingInputs": [_input(entry) for entry in request.processing_inputs],
        "ProcessingOutputConfig": {
            "Outputs": [_output(output) for output in request.processing_output_config.outputs],
            "KmsKeyId": request.processing_output_config.kms_key_id,
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": cluster.instance_count,
                "InstanceType": cluster.instance_type,
                "VolumeSizeInGB": cluster.volume_size_in_gb,
                "VolumeKmsKeyId": cluster.volume_kms_key_id,
            }
        },
        "RoleArn": request.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": request.stopping_condition.max_runtime_in_seconds},
    }


def _input(entry: ProcessingInput) -> dict[str, Any]:
    """With a member that the API does not have."""
    source = entry.s3_input.model_dump(by_alias=True) | {"S3DownloadMode": "StartOfJob"} if entry.s3_input else None
    return {
        "InputName": entry.input_name,
        "AppManaged": entry.app_managed,
        "S3Input": source,
        "DatasetDefinition": None,
    }


def _output(output: ProcessingOutput) -> dict[str, Any]:
    return {
        "OutputName": output.output_name,
        "AppManaged": output.app_managed,
        "S3Output": output.s3_output.model_dump(by_alias=True) if output.s3_output else None,
        "FeatureStoreOutput": None,
    }
