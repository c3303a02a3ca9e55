// Calls Spillway with AWS's SDK for JavaScript, which sends to the origin of the
// queue URL: a URL with another host or port than the server's would fail here.
//
// usage: AWS_ENDPOINT_URL=http://127.0.0.1:4566 node js_smoke.mjs
import assert from "node:assert/strict";
import {
  SQSClient, CreateQueueCommand, SendMessageCommand, SendMessageBatchCommand, ReceiveMessageCommand,
  DeleteMessageCommand, DeleteQueueCommand, GetQueueUrlCommand, QueueDoesNotExist,
} from "@aws-sdk/client-sqs";
import { SNSClient, CreateTopicCommand, SubscribeCommand, PublishCommand, DeleteTopicCommand } from "@aws-sdk/client-sns";
import MessageValidator from "sns-validator";
import http from "node:http";
import https from "node:https";
import { PassThrough } from "node:stream";

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

// SNS, with the validator that its users have. It takes certificates from AWS's hosts
// only, so the certificate is handed to it.
const sns = new SNSClient({ maxAttempts: 1 });
const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "js-" + Date.now() }));
const arrived = [];
let arrive;
const server = http.createServer((req, res) => {
  let body = "";
  req.on("data", d => body += d);
  req.on("end", () => { res.end(); arrived.push(JSON.parse(body)); arrive?.(); });
}).listen(0, "127.0.0.1");
await new Promise(done => server.on("listening", done));
const next = async () => {
  while (!arrived.length) await new Promise(done => arrive = done);
  return arrived.shift();
};
await sns.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint: `http://127.0.0.1:${server.address().port}/` }));
const valid = async message => {
  const pem = await (await fetch(message.SigningCertURL)).text();
  const fake = { ...message, SigningCertURL: "https://sns.us-east-1.amazonaws.com/x.pem" };
  const validator = new MessageValidator();
  https.get = (_, then) => { const r = new PassThrough(); r.statusCode = 200; r.setEncoding("utf8"); then(r); r.end(pem); return { on() { return this; } }; };
  await new Promise((ok, fail) => validator.validate(fake, err => err ? fail(err) : ok()));
};
const handshake = await next();
await valid(handshake);
await fetch(handshake.SubscribeURL);
await sns.send(new PublishCommand({ TopicArn, Subject: "s", Message: "héllo 😀\n" }));
await valid(await next());
await sns.send(new DeleteTopicCommand({ TopicArn }));
server.close();
server.closeAllConnections();
console.log("JavaScript SDK: ok");
