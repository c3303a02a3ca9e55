package loadtest

import (
	"net/url"
	"strconv"
)

// jsonProtocol is AWS JSON 1.0. Bodies and names have nothing to escape.
type jsonProtocol struct{}

func (jsonProtocol) contentType() string            { return "application/x-amz-json-1.0" }
func (jsonProtocol) target(operation string) string { return "AmazonSQS." + operation }

func (jsonProtocol) create(b []byte, queue string, fifo bool) []byte {
	b = append(append(append(b, `{"QueueName":"`...), queue...), '"')
	if fifo {
		b = append(b, `,"Attributes":{"FifoQueue":"true"}`...)
	}
	return append(b, '}')
}

func (jsonProtocol) send(b []byte, queueURL string, m []message, batch bool) []byte {
	b = append(append(append(b, `{"QueueUrl":"`...), queueURL...), '"')
	if !batch {
		return append(appendJSONMessage(b, &m[0]), '}')
	}
	b = append(b, `,"Entries":[`...)
	for i := range m {
		b = appendJSONID(b, i)
		b = append(appendJSONMessage(b, &m[i]), '}')
	}
	return append(b, "]}"...)
}

func appendJSONID(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"Id":"`...)
	return append(strconv.AppendInt(b, int64(i), 10), '"')
}

func appendJSONMessage(b []byte, m *message) []byte {
	b = append(append(append(b, `,"MessageBody":"`...), m.body...), '"')
	if m.group != nil {
		b = append(append(append(b, `,"MessageGroupId":"`...), m.group...), '"')
		b = append(append(append(b, `,"MessageDeduplicationId":"`...), m.dedup...), '"')
	}
	return b
}

func (jsonProtocol) receive(b []byte, queueURL string, most, wait int) []byte {
	b = append(append(append(b, `{"QueueUrl":"`...), queueURL...), `","MaxNumberOfMessages":`...)
	b = strconv.AppendInt(b, int64(most), 10)
	b = append(b, `,"WaitTimeSeconds":`...)
	return append(strconv.AppendInt(b, int64(wait), 10), '}')
}

func (jsonProtocol) remove(b []byte, queueURL string, handles [][]byte, batch bool) []byte {
	b = append(append(append(b, `{"QueueUrl":"`...), queueURL...), '"')
	if !batch {
		return append(append(append(b, `,"ReceiptHandle":"`...), handles[0]...), `"}`...)
	}
	b = append(b, `,"Entries":[`...)
	for i, h := range handles {
		b = appendJSONID(b, i)
		b = append(append(append(b, `,"ReceiptHandle":"`...), h...), `"}`...)
	}
	return append(b, "]}"...)
}

// queryProtocol is the AWS query protocol with XML answers.
type queryProtocol struct{}

func (queryProtocol) contentType() string {
	return "application/x-www-form-urlencoded; charset=utf-8"
}
func (queryProtocol) target(string) string { return "" }

func appendAction(b []byte, action, queueURL string) []byte {
	b = append(append(append(b, "Action="...), action...), "&Version=2012-11-05"...)
	if queueURL != "" {
		b = append(append(b, "&QueueUrl="...), url.QueryEscape(queueURL)...)
	}
	return b
}

func (queryProtocol) create(b []byte, queue string, fifo bool) []byte {
	b = append(append(appendAction(b, "CreateQueue", ""), "&QueueName="...), queue...)
	if fifo {
		b = append(b, "&Attribute.1.Name=FifoQueue&Attribute.1.Value=true"...)
	}
	return b
}

func (queryProtocol) send(b []byte, queueURL string, m []message, batch bool) []byte {
	if !batch {
		return appendFormMessage(appendAction(b, "SendMessage", queueURL), "", 0, &m[0])
	}
	b = appendAction(b, "SendMessageBatch", queueURL)
	for i := range m {
		b = appendFormName(b, "SendMessageBatchRequestEntry.", i+1, "Id=")
		b = strconv.AppendInt(b, int64(i), 10)
		b = appendFormMessage(b, "SendMessageBatchRequestEntry.", i+1, &m[i])
	}
	return b
}

// appendFormName appends &prefix.i.name, or &name without a prefix.
func appendFormName(b []byte, prefix string, i int, name string) []byte {
	b = append(b, '&')
	if prefix != "" {
		b = append(strconv.AppendInt(append(b, prefix...), int64(i), 10), '.')
	}
	return append(b, name...)
}

func appendFormMessage(b []byte, prefix string, i int, m *message) []byte {
	b = append(appendFormName(b, prefix, i, "MessageBody="), m.body...)
	if m.group != nil {
		b = append(appendFormName(b, prefix, i, "MessageGroupId="), m.group...)
		b = append(appendFormName(b, prefix, i, "MessageDeduplicationId="), m.dedup...)
	}
	return b
}

func (queryProtocol) receive(b []byte, queueURL string, most, wait int) []byte {
	b = append(appendAction(b, "ReceiveMessage", queueURL), "&MaxNumberOfMessages="...)
	b = append(strconv.AppendInt(b, int64(most), 10), "&WaitTimeSeconds="...)
	return strconv.AppendInt(b, int64(wait), 10)
}

func (queryProtocol) remove(b []byte, queueURL string, handles [][]byte, batch bool) []byte {
	if !batch {
		b = append(appendAction(b, "DeleteMessage", queueURL), "&ReceiptHandle="...)
		return appendEscaped(b, handles[0])
	}
	b = appendAction(b, "DeleteMessageBatch", queueURL)
	for i, h := range handles {
		b = appendFormName(b, "DeleteMessageBatchRequestEntry.", i+1, "Id=")
		b = strconv.AppendInt(b, int64(i), 10)
		b = appendEscaped(appendFormName(b, "DeleteMessageBatchRequestEntry.", i+1, "ReceiptHandle="), h)
	}
	return b
}

// appendEscaped escapes what base64 has and forms do not.
func appendEscaped(b, s []byte) []byte {
	for _, c := range s {
		switch c {
		case '+':
			b = append(b, "%2B"...)
		case '/':
			b = append(b, "%2F"...)
		case '=':
			b = append(b, "%3D"...)
		case '#':
			b = append(b, "%23"...)
		case '&':
			b = append(b, "%26"...)
		case '%':
			b = append(b, "%25"...)
		default:
			b = append(b, c)
		}
	}
	return b
}
