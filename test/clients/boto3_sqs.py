"""Calls Spillway with an unmodified boto3, as applications do.

usage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 python3 boto3_sqs.py
"""
import hashlib
import json
import os
import struct
import sys
import uuid

import boto3
import botocore
from botocore.config import Config

client = boto3.client("sqs", config=Config(retries={"max_attempts": 1}))
run = uuid.uuid4().hex[:8]


def check(what, ok, detail=""):
    if not ok:
        sys.exit(f"boto3: {what}: {detail}")


def refused(what, error, call, code):
    try:
        call()
    except error as e:
        check(what, e.response["Error"]["Code"] == code, e.response["Error"])
        return e
    sys.exit(f"boto3: {what}: not refused")


def create(name, **attributes):
    return client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def attributes_md5(attributes):
    """The digest of message attributes, as the SQS developer guide has it."""
    h = hashlib.md5()
    for name in sorted(attributes):
        a = attributes[name]
        for field in (name.encode(), a["DataType"].encode()):
            h.update(struct.pack(">I", len(field)) + field)
        binary = a["DataType"].startswith("Binary")
        value = a["BinaryValue"] if binary else a["StringValue"].encode()
        h.update((b"\x02" if binary else b"\x01") + struct.pack(">I", len(value)) + value)
    return h.hexdigest()


def queues():
    urls = [create(f"{run}-page-{i}") for i in range(5)]
    pages = client.get_paginator("list_queues").paginate(QueueNamePrefix=f"{run}-page", PaginationConfig={"PageSize": 2})
    check("list_queues", sorted(u for p in pages for u in p["QueueUrls"]) == sorted(urls))
    check("get_queue_url", client.get_queue_url(QueueName=f"{run}-page-0")["QueueUrl"] == urls[0])
    client.tag_queue(QueueUrl=urls[0], Tags={"team": "a", "é": "b"})
    check("tags", client.list_queue_tags(QueueUrl=urls[0])["Tags"] == {"team": "a", "é": "b"})
    got = client.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["All"])["Attributes"]
    check("attributes", got["MaximumMessageSize"] == "1048576" and got["SqsManagedSseEnabled"] == "true", got)
    for url in urls:
        client.delete_queue(QueueUrl=url)


def messages():
    url = create(f"{run}-messages")
    attributes = {
        "text": {"DataType": "String", "StringValue": "é\r<>"},
        "number": {"DataType": "Number.int", "StringValue": "5"},
        "blob": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    sent = client.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attributes)
    check("body MD5", sent["MD5OfMessageBody"] == hashlib.md5(b"hello").hexdigest(), sent)
    check("attributes MD5", sent["MD5OfMessageAttributes"] == attributes_md5(attributes), sent)
    m = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], WaitTimeSeconds=5)["Messages"][0]
    check("attributes", m["MessageAttributes"] == attributes, m)
    check("received MD5", m["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"], m)
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    m = client.receive_message(QueueUrl=url, AttributeNames=["ApproximateReceiveCount"])["Messages"][0]
    check("receive count", m["Attributes"] == {"ApproximateReceiveCount": "2"}, m)
    client.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    check("empty", "Messages" not in client.receive_message(QueueUrl=url))

    out = client.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": f"b{i}"} for i in range(10)])
    check("send batch", len(out["Successful"]) == 10 and "Failed" not in out, out)
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)]
    out = client.delete_message_batch(QueueUrl=url, Entries=entries + [])
    check("delete batch", len(out["Successful"]) == len(got) == 10, out)
    out = client.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": "garbage"}])
    check("failed entry", out["Failed"][0]["Code"] == "ReceiptHandleIsInvalid" and out["Failed"][0]["SenderFault"], out)
    client.delete_queue(QueueUrl=url)


def fifo():
    url = create(f"{run}.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    first = client.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="g")
    again = client.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="g")
    check("duplicate", first["SequenceNumber"] == again["SequenceNumber"] and first["MessageId"] == again["MessageId"], again)
    client.send_message(QueueUrl=url, MessageBody="two", MessageGroupId="g")
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    check("order", [m["Body"] for m in got] == ["one", "two"], got)
    client.delete_queue(QueueUrl=url)


def dead_letters():
    dead = create(f"{run}-dead")
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = create(f"{run}-source", VisibilityTimeout="0", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"}))
    pages = client.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=dead)
    check("sources", [u for p in pages for u in p["queueUrls"]] == [url])
    sent = client.send_message(QueueUrl=url, MessageBody="poison")
    client.receive_message(QueueUrl=url)
    client.receive_message(QueueUrl=url)
    m = client.receive_message(QueueUrl=dead, WaitTimeSeconds=5, VisibilityTimeout=0)["Messages"][0]
    check("dead letter", m["MessageId"] == sent["MessageId"], m)
    client.start_message_move_task(SourceArn=arn)
    m = client.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]
    check("redrive", m["Body"] == "poison", m)
    client.delete_queue(QueueUrl=url)
    client.delete_queue(QueueUrl=dead)


def errors():
    e = client.exceptions
    refused("missing queue", e.QueueDoesNotExist, lambda: client.get_queue_url(QueueName=f"{run}-nope"), "AWS.SimpleQueueService.NonExistentQueue")
    url = create(f"{run}-errors", DelaySeconds="0")
    refused("other attributes", e.QueueNameExists, lambda: create(f"{run}-errors", DelaySeconds="1"), "QueueAlreadyExists")
    refused("bad handle", e.ReceiptHandleIsInvalid, lambda: client.delete_message(QueueUrl=url, ReceiptHandle="x"), "ReceiptHandleIsInvalid")
    refused("empty batch", e.EmptyBatchRequest, lambda: client.send_message_batch(QueueUrl=url, Entries=[]), "AWS.SimpleQueueService.EmptyBatchRequest")
    refused("attribute name", e.InvalidAttributeName, lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["X"]), "InvalidAttributeName")
    got = refused("parameter", e.ClientError, lambda: client.receive_message(QueueUrl=url, MaxNumberOfMessages=11), "InvalidParameterValue")
    check("request id", len(got.response["ResponseMetadata"]["RequestId"]) == 36, got.response)
    client.delete_queue(QueueUrl=url)


for part in (queues, messages, fifo, dead_letters, errors):
    part()
print(f"boto3 {boto3.__version__} (botocore {botocore.__version__}) at {os.environ['AWS_ENDPOINT_URL']}: ok")
