#!/usr/bin/env bash
# What the AWS CLI says, and how it exits, when SageMaker refuses.
aws sagemaker describe-training-job --training-job-name missing
echo "exit $?"
aws sagemaker create-endpoint --endpoint-name 'not valid' --endpoint-config-name c
echo "exit $?"
aws sagemaker delete-endpoint --endpoint-name missing
echo "exit $?"
aws sagemaker-runtime invoke-endpoint --endpoint-name missing --body 1 answer.json
echo "exit $?"
aws sagemaker wait endpoint-in-service --endpoint-name missing
echo "exit $?"
aws sagemaker list-auto-ml-jobs
echo "exit $?"
