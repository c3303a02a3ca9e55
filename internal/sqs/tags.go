package sqs

// maxTags: SQS quotas, "Queue tags".
const maxTags = 50

func checkTags(n name, tags map[string]string) error {
	if len(tags) > maxTags {
		return tooManyTags(n)
	}
	for key, value := range tags {
		if k := len([]rune(key)); k < 1 || k > 128 {
			return invalidParameter("Tag keys must be between 1 and 128 characters in length.")
		}
		if len([]rune(value)) > 256 {
			return invalidParameter("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

func tooManyTags(n name) error { return invalidParameter("Too many tags added for queue %s.", n.queue) }
