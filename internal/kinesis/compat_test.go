package kinesis

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

var update = flag.Bool("update", false, "write docs/compat/kinesis.md instead of comparing")

// compatPage has the page's text; %OPERATIONS% stands for the table.
//
//go:embed testdata/compat.md
var compatPage string

// deviations are the differences from AWS that belong to one operation. What
// holds for many is in testdata/compat.md.
var deviations = map[string]string{
	"AddTagsToStream":               "50 tags a call (older texts: 10)",
	"CreateStream":                  "active when it answers, unless `kinesis.transition` is set; any number of streams may be CREATING",
	"DecreaseStreamRetentionPeriod": "in force when it answers",
	"DeleteResourcePolicy":          "without a policy: ResourceNotFoundException (the code is a guess)",
	"DeleteStream":                  "gone when it answers, unless `kinesis.transition` is set; consumers go at once",
	"DeregisterStreamConsumer":      "immediate",
	"DescribeAccountSettings":       "-",
	"DescribeLimits":                "not limited to one call a second",
	"DescribeStream":                "while UPDATING it shows the new shards already",
	"DescribeStreamConsumer":        "-",
	"DescribeStreamSummary":         "no StreamId: SDKs would make a host name of it; no ChannelCount",
	"DisableEnhancedMonitoring":     "kept and shown; nothing is counted",
	"EnableEnhancedMonitoring":      "kept and shown; nothing is counted",
	"GetRecords":                    "finds what there is at once (AWS may answer with empty pages first); throttled only if asked for",
	"GetResourcePolicy":             "-",
	"GetShardIterator":              "iterators survive restarts",
	"IncreaseStreamRetentionPeriod": "what was hidden stays hidden",
	"ListShards":                    "-",
	"ListStreamConsumers":           "-",
	"ListStreams":                   "-",
	"ListTagsForResource":           "-",
	"ListTagsForStream":             "-",
	"MergeShards":                   "done when it answers; records go to the child at once, also while UPDATING",
	"PutRecord":                     "PartitionKey is required with AUTO distribution as well; SequenceNumberForOrdering is checked and changes nothing",
	"PutRecords":                    "within a shard the request's order is kept, and all of it is stored or none (AWS: record by record)",
	"PutResourcePolicy":             "-",
	"RegisterStreamConsumer":        "at most 20, on demand too; any number may be CREATING",
	"RemoveTagsFromStream":          "-",
	"SplitShard":                    "as MergeShards",
	"StartStreamEncryption":         "kept and shown; nothing is encrypted, no KMS error occurs, any key is taken",
	"StopStreamEncryption":          "as StartStreamEncryption",
	"SubscribeToShard":              "an event every 4 s on an idle shard; in a cluster take-over and the 5 s rule hold for each node",
	"TagResource":                   "-",
	"UntagResource":                 "-",
	"UpdateAccountSettings":         "nobody is billed; an end before 24 h shows ENABLED_UNTIL_EARLIEST_ALLOWED_END",
	"UpdateMaxRecordSize":           "-",
	"UpdateShardCount":              "one step, done when it answers; shards in between are listed as closed ones; any number a day",
	"UpdateStreamMode":              "shards stay as they are",

	"UpdateStreamRecordDistributionStrategy": "-",
	"UpdateStreamWarmThroughput":             "kept and shown",
}

// TestCompatPage: docs/compat/kinesis.md says what the code does.
//
//	go test ./internal/kinesis -run CompatPage -update
func TestCompatPage(t *testing.T) {
	var table strings.Builder
	fmt.Fprint(&table, "| Operation | State | Differs from AWS |\n|---|---|---|\n")
	done := operations.Bind(kinesisapi.Service, nil).Operations
	served := 0
	for _, op := range kinesisapi.Service.Operations {
		state := "no"
		if done[op.Name] != nil {
			state = "yes"
			served++
		}
		text, ok := deviations[op.Name]
		if !ok {
			t.Errorf("%s: say in deviations how it differs from AWS, or %q", op.Name, "-")
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", op.Name, state, text)
	}
	page := strings.NewReplacer("%OPERATIONS%\n", table.String(), "%SERVED%", fmt.Sprintf("%d of %d", served, len(kinesisapi.Service.Operations))).Replace(compatPage)
	const path = "../../docs/compat/kinesis.md"
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Error("docs/compat/kinesis.md is not up to date: go test ./internal/kinesis -run CompatPage -update")
	}
}

// TestOperations: every operation of the model has a handler.
func TestOperations(t *testing.T) {
	done := operations.Bind(kinesisapi.Service, nil).Operations
	for _, op := range kinesisapi.Service.Operations {
		if done[op.Name] == nil {
			t.Errorf("%s has no handler", op.Name)
		}
	}
}
