"""The first cells of AWS's notebooks, SDK 2.x: on a notebook instance they ask nothing and nobody."""

import sagemaker
from sagemaker import get_execution_role
from sagemaker_core.helper import session_helper

print("role:", get_execution_role())
print("role for sagemaker-core:", session_helper.get_execution_role())
print("bucket:", sagemaker.Session().default_bucket())
print("account:", sagemaker.Session().account_id())
print("image:", sagemaker.image_uris.retrieve("xgboost", "us-east-1", "1.7-1"))
