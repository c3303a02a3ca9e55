// Calls Spillway with AWS's SDK for JavaScript, which sends to the origin of the
// queue URL: a URL with another host or port than the server's would fail here.
//
// usage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 node js_smoke.mjs
import assert from "node:assert/strict";
import {
  SQSClient, CreateQueueCommand, SendMessageCommand, SendMessageBatchCommand, ReceiveMessageCommand,
  DeleteMessageCommand, DeleteQueueCommand, GetQueueUrlCommand, QueueDoesNotExist,
} from "@aws-sdk/client-sqs";

const sqs = new SQSClient({ maxAttempts: 1 });
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "js-" + Date.now() }));
assert.equal(new URL(QueueUrl).origin, process.env.AWS_ENDPOINT_URL);

const MessageAttributes = { blob: { DataType: "Binary", BinaryValue: new Uint8Array([1, 2, 3]) } };
await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "héllo 😀", MessageAttributes }));
const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ["All"], WaitTimeSeconds: 5 }));
assert.equal(Messages[0].Body, "héllo 😀");
assert.deepEqual([...Messages[0].MessageAttributes.blob.BinaryValue], [1, 2, 3]);
await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle }));
const batch = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "a", MessageBody: "1" }, { Id: "b", MessageBody: "2" }] }));
assert.equal(batch.Successful.length, 2);
await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: "js-nope" })), QueueDoesNotExist);

// Without an endpoint of its own the client has only the queue URL to go by.
const endpoint = process.env.AWS_ENDPOINT_URL;
delete process.env.AWS_ENDPOINT_URL;
const plain = new SQSClient({ maxAttempts: 1, useQueueUrlAsEndpoint: true });
await plain.send(new SendMessageCommand({ QueueUrl, MessageBody: "by queue URL" }));
process.env.AWS_ENDPOINT_URL = endpoint;
await sqs.send(new DeleteQueueCommand({ QueueUrl }));
console.log("JavaScript SDK: ok");
