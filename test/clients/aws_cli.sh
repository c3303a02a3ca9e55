#!/usr/bin/env bash
# Calls Spillway with the AWS CLI. Version 1 does not read AWS_ENDPOINT_URL for
# every service, so the URL is given.
set -euo pipefail
sqs() { aws --endpoint-url "$AWS_ENDPOINT_URL" --output text sqs "$@"; }
want() { [ "$2" = "$3" ] || { echo "$1: got '$2', want '$3'"; exit 1; }; }
name=cli-$$
url=$(sqs create-queue --queue-name "$name" --attributes VisibilityTimeout=0 --tags team=shop --query QueueUrl)
want url "$url" "$AWS_ENDPOINT_URL/000000000000/$name"
want attribute "$(sqs get-queue-attributes --queue-url "$url" --attribute-names VisibilityTimeout --query Attributes.VisibilityTimeout)" 0
want tag "$(sqs list-queue-tags --queue-url "$url" --query Tags.team)" shop
sqs send-message --queue-url "$url" --message-body 'héllo & <world>' > /dev/null
want body "$(sqs receive-message --queue-url "$url" --wait-time-seconds 5 --query 'Messages[0].Body')" 'héllo & <world>'
handle=$(sqs receive-message --queue-url "$url" --query 'Messages[0].ReceiptHandle')
sqs delete-message --queue-url "$url" --receipt-handle "$handle"
want empty "$(sqs receive-message --queue-url "$url")" ''
if sqs get-queue-url --queue-name "$name-nope" > /dev/null 2> /tmp/$name; then
  echo 'a missing queue was found'
  exit 1
fi
grep -q AWS.SimpleQueueService.NonExistentQueue /tmp/$name
rm /tmp/$name
sqs delete-queue --queue-url "$url"
sns() { aws --endpoint-url "$AWS_ENDPOINT_URL" --output text sns "$@"; }
topic=$(sns create-topic --name "$name" --attributes DisplayName=d --query TopicArn)
want topic "$topic" "arn:aws:sns:us-east-1:000000000000:$name"
want attribute "$(sns get-topic-attributes --topic-arn "$topic" --query Attributes.DisplayName)" d
sns publish --topic-arn "$topic" --message 'héllo' > /dev/null
sns delete-topic --topic-arn "$topic"
aws --version 2>&1
