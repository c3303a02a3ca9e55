package kinesis

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

const maxTags = 50

// checkTags checks tags that are added to others.
func checkTags(n name, have, given map[string]string) error {
	all := maps.Clone(have)
	if all == nil {
		all = make(map[string]string)
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if !validTag(key) || !validTag(given[key]) {
			return invalid("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - %% @.")
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("Tag keys that begin with aws: are reserved.")
		}
		all[key] = given[key]
	}
	if len(all) > maxTags {
		return invalid("Failed to add tags to stream %s under account %s because a given stream cannot have more than %d tags associated with it.", n.stream, n.account, maxTags)
	}
	return nil
}

func validTag(s string) bool {
	for _, c := range s {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != ' ' && !strings.ContainsRune("_./=+-%@:", c) {
			return false
		}
	}
	return true
}

// listTags are tags in order of key.
func listTags(tags map[string]string) []kinesisapi.Tag {
	out := make([]kinesisapi.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, kinesisapi.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}

// addTags adds tags that are checked first.
func addTags(n name, tags *map[string]string, given map[string]string) error {
	if err := checkTags(n, *tags, given); err != nil {
		return err
	}
	if *tags == nil {
		*tags = make(map[string]string)
	}
	maps.Copy(*tags, given)
	return nil
}
