package sns

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/spillway/spillway/internal/api/snsapi"
)

// maxTags: SNS quotas.
const maxTags = 50

// addTags returns the tags with others added.
func addTags(have map[string]string, given []snsapi.Tag) (map[string]string, error) {
	out := maps.Clone(have)
	if out == nil {
		out = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, t := range given {
		key := deref(t.Key)
		if seen[key] {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tags Reason: aws: prefixed tag key names are not allowed for external use.")
		}
		seen[key] = true
		out[key] = deref(t.Value)
	}
	if len(out) > maxTags {
		return nil, snsapi.TagLimitExceededException.New("Could not complete request: tag quota of per resource exceeded")
	}
	return out, nil
}

func validJSONObject(text string) bool {
	var v map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &v) == nil && v != nil
}
