package sqs

import (
	"encoding/base64"
	"sort"

	"github.com/spillway/spillway/internal/service"
)

// maxPage: ListQueues and ListDeadLetterSourceQueues, MaxResults.
const maxPage = 1000

// page cuts a page out of sorted names and returns their URLs. Without MaxResults
// there is one page of up to 1,000 and no token (recorded).
func page(c *service.Call, names []name, maxResults *int32, token *string) (urls []string, next *string, err error) {
	size := maxPage
	if maxResults != nil {
		size = int(*maxResults)
		if size < 1 || size > maxPage {
			return nil, nil, invalidParameter("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and %d.", maxPage)
		}
	}
	if t := deref(token); t != "" {
		after, err := base64.URLEncoding.DecodeString(t)
		if err != nil {
			return nil, nil, invalidParameter("Invalid or expired next token.")
		}
		names = names[sort.Search(len(names), func(i int) bool { return names[i].key() > string(after) }):]
	}
	if len(names) > size {
		names = names[:size]
		if maxResults != nil {
			next = new(base64.URLEncoding.EncodeToString([]byte(names[size-1].key())))
		}
	}
	for _, n := range names {
		urls = append(urls, *urlOf(c, n))
	}
	return urls, next, nil
}
