package loadtest

// publishProtocol is SNS's: the query protocol, of which publish needs one operation.
type publishProtocol struct{ queryProtocol }

func (publishProtocol) publishes() (single, several string) { return "Publish", "PublishBatch" }

func (publishProtocol) send(b []byte, topicARN string, m []message, batch bool) []byte {
	b = append(b, "Action=Publish"...)
	if batch {
		b = append(b, "Batch"...)
	}
	b = append(append(b, "&Version=2010-03-31&TopicArn="...), topicARN...)
	if !batch {
		return appendPublished(b, "", 0, &m[0])
	}
	const entry = "PublishBatchRequestEntries.member."
	for i := range m {
		b = append(appendFormName(b, entry, i+1, "Id="), 'a'+byte(i))
		b = appendPublished(b, entry, i+1, &m[i])
	}
	return b
}

func appendPublished(b []byte, prefix string, i int, m *message) []byte {
	b = append(appendFormName(b, prefix, i, "Message="), m.body...)
	if m.group != nil {
		b = append(appendFormName(b, prefix, i, "MessageGroupId="), m.group...)
		b = append(appendFormName(b, prefix, i, "MessageDeduplicationId="), m.dedup...)
	}
	return b
}
