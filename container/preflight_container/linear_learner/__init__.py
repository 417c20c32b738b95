"""SageMaker's Linear Learner: linear and logistic models, many trained at once, the best one kept.

https://docs.aws.amazon.com/sagemaker/latest/dg/linear-learner.html
"""
