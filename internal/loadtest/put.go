package loadtest

import "encoding/base64"

// putProtocol is Kinesis's: AWS JSON 1.1, of which put needs two operations. The key of a
// record is the end of its body, so that records go everywhere.
type putProtocol struct{ jsonProtocol }

func (putProtocol) contentType() string            { return "application/x-amz-json-1.1" }
func (putProtocol) target(operation string) string { return "Kinesis_20131202." + operation }

func (putProtocol) publishes() (single, several string) { return "PutRecord", "PutRecords" }

func (putProtocol) send(b []byte, stream string, m []message, batch bool) []byte {
	b = append(append(append(b, `{"StreamName":"`...), stream...), '"')
	if !batch {
		return append(appendRecord(append(b, ','), &m[0]), '}')
	}
	b = append(b, `,"Records":[`...)
	for i := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendRecord(append(b, '{'), &m[i]), '}')
	}
	return append(b, "]}"...)
}

func appendRecord(b []byte, m *message) []byte {
	const keyBytes = 8
	b = append(append(append(b, `"PartitionKey":"`...), m.body[len(m.body)-keyBytes:]...), `","Data":"`...)
	b = base64.StdEncoding.AppendEncode(b, m.body)
	return append(b, '"')
}
