#!/usr/bin/env bash
# From train.csv (a label, then two features) to predictions of a batch and of an endpoint, and back to nothing, with the
# AWS CLI.
set -euo pipefail

name=aws-cli-$(date +%s)
image=382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1

aws s3 mb "s3://$name"
aws s3 cp train.csv "s3://$name/train/train.csv"
role=$(aws iam create-role --role-name "$name" --query Role.Arn --output text --assume-role-policy-document '{
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}')
for policy in AmazonSageMakerFullAccess AmazonS3FullAccess; do
    aws iam attach-role-policy --role-name "$name" --policy-arn "arn:aws:iam::aws:policy/$policy"
done

for job in "$name" "$name-again"; do
    aws sagemaker create-training-job --training-job-name "$job" --role-arn "$role" \
        --algorithm-specification "TrainingImage=$image,TrainingInputMode=File" \
        --hyper-parameters predictor_type=binary_classifier,feature_dim=2,epochs=3 \
        --input-data-config "ChannelName=train,ContentType=text/csv,DataSource={S3DataSource={S3DataType=S3Prefix,S3Uri=s3://$name/train}}" \
        --output-data-config "S3OutputPath=s3://$name/output" \
        --resource-config InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=5 \
        --stopping-condition MaxRuntimeInSeconds=600 --tags Key=project,Value=demo
done
aws sagemaker list-training-jobs --name-contains "$name" --page-size 1 --query 'TrainingJobSummaries[].TrainingJobName'
aws sagemaker list-tags --resource-arn "arn:aws:sagemaker:us-east-1:000000000000:training-job/$name" --query Tags

status() {
    aws sagemaker "describe-$1-job" "--$1-job-name" "$name" --output text \
        --query 'TrainingJobStatus || TransformJobStatus || ProcessingJobStatus'
}
until [ "$(status training)" != InProgress ]; do sleep 1; done # the waiters alone look once in a minute or two
aws sagemaker wait training-job-completed-or-stopped --training-job-name "$name"
model_data=$(aws sagemaker describe-training-job --training-job-name "$name" \
    --query ModelArtifacts.S3ModelArtifacts --output text)
aws s3 ls "$model_data"
stream=$(aws logs describe-log-streams --log-group-name /aws/sagemaker/TrainingJobs \
    --log-stream-name-prefix "$name/" --query 'logStreams[0].logStreamName' --output text)
aws logs get-log-events --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name "$stream" \
    --query 'events[].message' --output text | tr '\t' '\n' | grep quality_metric

aws sagemaker create-model --model-name "$name" --execution-role-arn "$role" \
    --primary-container "Image=$image,ModelDataUrl=$model_data"
printf '5,1\n0,2\n' >rows.csv
aws s3 cp rows.csv "s3://$name/rows/rows.csv"
aws sagemaker create-transform-job --transform-job-name "$name" --model-name "$name" \
    --transform-input "ContentType=text/csv,SplitType=Line,DataSource={S3DataSource={S3DataType=S3Prefix,S3Uri=s3://$name/rows}}" \
    --transform-output "S3OutputPath=s3://$name/batch,Accept=application/jsonlines,AssembleWith=Line" \
    --transform-resources InstanceType=ml.m5.large,InstanceCount=1
# SAGEMAKER_BASE_DIR is where the job has its /opt/ml, where that is not /opt/ml itself.
aws sagemaker create-processing-job --processing-job-name "$name" --role-arn "$role" \
    --app-specification '{"ImageUri": "'"$image"'", "ContainerEntrypoint": ["bash", "-c",
        "cd ${SAGEMAKER_BASE_DIR:-/opt/ml}/processing && grep -c . input/train.csv > output/count"]}' \
    --processing-inputs "InputName=table,S3Input={S3Uri=s3://$name/train,LocalPath=/opt/ml/processing/input,S3DataType=S3Prefix,S3InputMode=File}" \
    --processing-output-config "Outputs=[{OutputName=counted,S3Output={S3Uri=s3://$name/counted,LocalPath=/opt/ml/processing/output,S3UploadMode=EndOfJob}}]" \
    --processing-resources "ClusterConfig={InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=5}"
for kind in transform processing; do
    until [ "$(status $kind)" != InProgress ]; do sleep 1; done
    aws sagemaker wait $kind-job-completed-or-stopped --$kind-job-name "$name"
done
aws s3 cp "s3://$name/batch/rows.csv.out" -
aws s3 cp "s3://$name/counted/count" - | sed 's/^/rows: /'

aws sagemaker create-endpoint-config --endpoint-config-name "$name" --production-variants \
    "VariantName=AllTraffic,ModelName=$name,InstanceType=ml.m5.large,InitialInstanceCount=1"
aws sagemaker create-endpoint --endpoint-name "$name" --endpoint-config-name "$name"
aws sagemaker list-endpoints --name-contains "$name" --query 'Endpoints[].EndpointName'
aws sagemaker wait endpoint-in-service --endpoint-name "$name"
aws sagemaker-runtime invoke-endpoint --endpoint-name "$name" --content-type text/csv --body fileb://rows.csv answer.json
cat answer.json

aws sagemaker delete-endpoint --endpoint-name "$name"
aws sagemaker delete-endpoint-config --endpoint-config-name "$name"
aws sagemaker delete-model --model-name "$name"
aws sagemaker wait endpoint-deleted --endpoint-name "$name"
aws s3 rb --force "s3://$name"
