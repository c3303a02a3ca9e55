"""Calls Spillway's Kinesis with an unmodified boto3.

usage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 python3 boto3_kinesis.py
"""
import json
import sys
import threading
import time
import uuid

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

kinesis = boto3.client("kinesis", config=Config(retries={"max_attempts": 1}))
run = uuid.uuid4().hex[:8]
KEYS = 2**128


def check(what, ok, detail=""):
    if not ok:
        sys.exit(f"boto3 kinesis: {what}: {detail}")


def fails(code, call, **kw):
    try:
        call(**kw)
    except ClientError as e:
        check(code, e.response["Error"]["Code"] == code, e)
        return e.response["Error"]["Message"]
    sys.exit(f"boto3 kinesis: {code} expected")


def read(stream, shard):
    """All records of a shard, and the children if it is closed."""
    it = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    out = []
    while True:
        page = kinesis.get_records(ShardIterator=it)
        out += page["Records"]
        it = page.get("NextShardIterator")
        if it is None:
            return out, page["ChildShards"]
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return out, []


def put_and_read():
    name = f"{run}-s"
    kinesis.create_stream(StreamName=name, ShardCount=2, Tags={"team": "shop"})
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    about = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    check("summary", about["OpenShardCount"] == 2 and about["StreamStatus"] == "ACTIVE" and "StreamId" not in about, about)
    first = kinesis.put_record(StreamName=name, PartitionKey="a", Data=b"")
    many = [{"PartitionKey": "a", "Data": bytes([i]) + "é".encode()} for i in range(10)]
    out = kinesis.put_records(StreamName=name, Records=many)
    check("put_records", out["FailedRecordCount"] == 0 and all(r["ShardId"] == first["ShardId"] for r in out["Records"]), out)
    numbers = [int(r["SequenceNumber"]) for r in [first] + out["Records"]]
    check("numbers grow", numbers == sorted(set(numbers)), numbers)
    got, _ = read(name, first["ShardId"])
    check("read", [r["Data"] for r in got] == [b""] + [r["Data"] for r in many], got)
    check("time", abs(got[0]["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 60, got[0])
    at = kinesis.get_shard_iterator(StreamName=name, ShardId=first["ShardId"], ShardIteratorType="AT_TIMESTAMP", Timestamp=time.time() - 3600)
    check("at timestamp", len(kinesis.get_records(ShardIterator=at["ShardIterator"], Limit=3)["Records"]) == 3)

    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(KEYS // 4))
    kinesis.put_record(StreamName=name, PartitionKey="x", Data=b"left", ExplicitHashKey="0")
    _, children = read(name, "shardId-000000000000")
    check("children", [c["ShardId"][-1] for c in children] == ["2", "3"] and children[0]["ParentShards"] == ["shardId-000000000000"], children)
    check("record of a child", read(name, "shardId-000000000002")[0][0]["Data"] == b"left")
    kinesis.merge_shards(StreamName=name, ShardToMerge="shardId-000000000003", AdjacentShardToMerge="shardId-000000000001")
    shards = kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    check("shards", [s["ShardId"][-1] for s in shards] == ["2", "4"] and shards[1]["AdjacentParentShardId"][-1] == "1", shards)
    kinesis.update_shard_count(StreamName=name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    ranges = sorted(int(s["HashKeyRange"]["StartingHashKey"]) for s in kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"])
    check("uniform", ranges == [KEYS // 4 * i for i in range(4)], ranges)
    page = kinesis.list_shards(StreamName=name, MaxResults=2)  # boto3's paginator repeats StreamName, which AWS refuses
    listed = page["Shards"]
    while "NextToken" in page:
        page = kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2)
        listed += page["Shards"]
    check("pages of shards", [int(s["ShardId"][-12:]) for s in listed] == list(range(len(listed))) and len(listed) > 8, listed)
    check("pages of streams", name in [s for p in kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1}) for s in p["StreamNames"]])
    check("no shard", "does not exist" in fails("ResourceNotFoundException", kinesis.get_shard_iterator, StreamName=name, ShardId="99", ShardIteratorType="LATEST"))
    check("iterator", fails("InvalidArgumentException", kinesis.get_records, ShardIterator="x" * 200) == "Invalid ShardIterator.")
    return name, about["StreamARN"]


def manage(name, arn):
    kinesis.add_tags_to_stream(StreamName=name, Tags={"a": "1"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["team"])
    check("tags", kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "a", "Value": "1"}])
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Sid": "read", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kinesis:GetRecords", "Resource": arn}]})
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    check("policy", kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == policy)
    kinesis.delete_resource_policy(ResourceARN=arn)
    check("no policy", kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}")
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    about = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    check("changes", about["RetentionPeriodHours"] == 48 and about["EncryptionType"] == "KMS", about)
    large = kinesis.put_record(StreamARN=arn, PartitionKey="large", Data=b"x" * (3 << 19))
    check("a large record", large["EncryptionType"] == "KMS", large)


def fan_out(name, arn):
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
    check("register", consumer["ConsumerStatus"] == "CREATING" and "StreamARN" not in consumer, consumer)
    check("active", kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="c")["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE")
    shard = kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"][0]
    sub = kinesis.subscribe_to_shard(ConsumerARN=consumer["ConsumerARN"], ShardId=shard["ShardId"], StartingPosition={"Type": "LATEST"})
    began, got = time.time(), []
    first = shard["HashKeyRange"]["StartingHashKey"]

    def later():
        time.sleep(0.3)
        kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"pushed", ExplicitHashKey=first)
        time.sleep(0.3)
        kinesis.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(int(first) + 2))

    threading.Thread(target=later).start()
    last = None
    for event in sub["EventStream"]:
        last = event["SubscribeToShardEvent"]
        got += [r["Data"] for r in last["Records"]]
    check("pushed", got == [b"pushed"] and time.time() - began < 5, (got, time.time() - began))
    check("end of the shard", len(last["ChildShards"]) == 2 and "ContinuationSequenceNumber" not in last, last)

    shard = last["ChildShards"][0]["ShardId"]
    sub = kinesis.subscribe_to_shard(ConsumerARN=consumer["ConsumerARN"], ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"})
    began = time.time()
    again = fails("ResourceInUseException", kinesis.subscribe_to_shard, ConsumerARN=consumer["ConsumerARN"], ShardId=shard, StartingPosition={"Type": "LATEST"})
    check("in use", "Another active subscription" in again, again)
    event = next(iter(sub["EventStream"]))["SubscribeToShardEvent"]
    check("heartbeat", event["Records"] == [] and event["MillisBehindLatest"] == 0 and time.time() - began < 6, event)
    sub["EventStream"].close()
    fails("ResourceInUseException", kinesis.delete_stream, StreamName=name)
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=name)


stream = put_and_read()
manage(*stream)
fan_out(*stream)
print(f"boto3 {boto3.__version__}, botocore {botocore.__version__}")
