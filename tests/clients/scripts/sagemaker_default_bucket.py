"""The first call of most SageMaker SDK scripts."""

import os

import sagemaker

os.environ.pop("SAGEMAKER_ADMIN_CONFIG_OVERRIDE")  # without Preflight's defaults for the SDK
sagemaker.Session().default_bucket()
