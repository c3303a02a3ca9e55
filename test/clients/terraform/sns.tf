# What teams declare of SNS.

resource "aws_sns_topic" "events" {
  name         = "tf-events"
  display_name = "Events"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "publish"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "SNS:Publish"
      Resource  = "arn:aws:sns:us-east-1:000000000000:tf-events"
    }]
  })
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget = 1, maxDelayTarget = 10, numRetries = 5, numMaxDelayRetries = 1
        numNoDelayRetries = 1, numMinDelayRetries = 1, backoffFunction = "exponential"
      }
      disableSubscriptionOverrides = false
      defaultThrottlePolicy        = { maxReceivesPerSecond = 10 }
    }
  })
  signature_version = 2
  tags = {
    team = "shop"
  }
}

resource "aws_sns_topic" "orders" {
  name                        = "tf-orders.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
  fifo_throughput_scope       = "MessageGroup"
}

resource "aws_sns_topic_policy" "orders" {
  arn = aws_sns_topic.orders.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "own"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::000000000000:root" }
      Action    = ["SNS:Publish", "SNS:Subscribe"]
      Resource  = aws_sns_topic.orders.arn
    }]
  })
}

resource "aws_sns_topic_subscription" "orders" {
  topic_arn            = aws_sns_topic.events.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.orders.arn
  raw_message_delivery = true
  filter_policy_scope  = "MessageBody"
  filter_policy        = jsonencode({ kind = ["order", { prefix = "order-" }] })
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn })
}

resource "aws_sns_topic_subscription" "payments" {
  topic_arn = aws_sns_topic.orders.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.payments.arn
}

resource "aws_sns_platform_application" "app" {
  name                = "tf-app"
  platform            = "GCM"
  platform_credential = "key"
}
