"""Calls Spillway's SNS with an unmodified boto3, and verifies a signature with OpenSSL.

usage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 python3 boto3_sns.py
"""
import base64
import http.server
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.request
import uuid

import boto3
import botocore
from botocore.config import Config

config = Config(retries={"max_attempts": 1})
sns, sqs = boto3.client("sns", config=config), boto3.client("sqs", config=config)
run = uuid.uuid4().hex[:8]


def check(what, ok, detail=""):
    if not ok:
        sys.exit(f"boto3 sns: {what}: {detail}")


def make_queue(name, **attributes):
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    return url, arn


def receive(url):
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"])
    return got.get("Messages", [])


def to_queues():
    topic = sns.create_topic(Name=f"{run}-t", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    check("tags", sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "b"}])
    url, arn = make_queue(f"{run}-q")
    sub = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": '{"kind":["x"]}'})["SubscriptionArn"]
    kind = {"kind": {"DataType": "String", "StringValue": "x"}}
    sns.publish(TopicArn=topic, Message="filtered out")
    sent = sns.publish(TopicArn=topic, Message="hé \"llo\"\n", Subject="s", MessageAttributes=kind)
    (got,) = receive(url)
    body = json.loads(got["Body"])
    check("envelope", body["Message"] == "hé \"llo\"\n" and body["MessageId"] == sent["MessageId"] and body["Subject"] == "s", body)
    check("attributes", body["MessageAttributes"] == {"kind": {"Type": "String", "Value": "x"}}, body)
    sns.set_subscription_attributes(SubscriptionArn=sub, AttributeName="RawMessageDelivery", AttributeValue="true")
    batch = [{"Id": "1", "Message": "raw", "MessageAttributes": kind}, {"Id": "2", "Message": ""}]
    out = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=batch)
    check("batch", len(out["Successful"]) == len(out["Failed"]) == 1, out)
    (got,) = receive(url)
    check("raw", got["Body"] == "raw" and got["MessageAttributes"]["kind"]["StringValue"] == "x", got)
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    check("list", [s["SubscriptionArn"] for p in pages for s in p["Subscriptions"]] == [sub])
    try:
        sns.get_topic_attributes(TopicArn=topic + "x")
        sys.exit("boto3 sns: a missing topic was found")
    except sns.exceptions.NotFoundException:
        pass
    sns.delete_topic(TopicArn=topic)


def fifo():
    topic = sns.create_topic(Name=f"{run}.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    url, arn = make_queue(f"{run}-q.fifo", FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sent = [sns.publish(TopicArn=topic, Message=m, MessageGroupId="g") for m in ("a", "b", "a", "c")]
    check("duplicate", sent[0]["SequenceNumber"] == sent[2]["SequenceNumber"], sent)
    got = [json.loads(m["Body"])["Message"] for m in receive(url)]
    check("order", got == ["a", "b", "c"], got)


def over_http():
    arrived = queue.Queue()

    class Endpoint(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            arrived.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    topic = sns.create_topic(Name=f"{run}-h", Attributes={"SignatureVersion": "2"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/hook")
    headers, body = arrived.get(timeout=10)
    check("handshake", headers["x-amz-sns-message-type"] == "SubscriptionConfirmation", headers)
    urllib.request.urlopen(json.loads(body)["SubscribeURL"]).read()
    sns.publish(TopicArn=topic, Message="signed 😀\n")
    headers, body = arrived.get(timeout=10)
    m = json.loads(body)
    text = "".join(f"{k}\n{m[k]}\n" for k in ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("pem", urllib.request.urlopen(m["SigningCertURL"]).read()), ("sig", base64.b64decode(m["Signature"])), ("text", text.encode())):
            with open(f"{d}/{name}", "wb") as f:
                f.write(data)
        subprocess.run(f"cd {d} && openssl x509 -in pem -pubkey -noout > key && openssl dgst -sha256 -verify key -signature sig text", shell=True, check=True)
    urllib.request.urlopen(m["UnsubscribeURL"]).read()
    headers, _ = arrived.get(timeout=10)
    check("farewell", headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation", headers)
    server.shutdown()


for part in (to_queues, fifo, over_http):
    part()
print(f"boto3 {boto3.__version__} (botocore {botocore.__version__}), SNS at {os.environ['AWS_ENDPOINT_URL']}: ok")
