"""SageMaker's built-in XGBoost on the xgboost library.

https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
"""
