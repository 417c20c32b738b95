"""The first cells of AWS's notebooks, SDK 3.x: on a notebook instance they ask nothing and nobody."""

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role

print("role:", get_execution_role())
print("bucket:", Session().default_bucket())
print("account:", Session().account_id())
print("image:", image_uris.retrieve("xgboost", "us-east-1", version="1.7-1"))
