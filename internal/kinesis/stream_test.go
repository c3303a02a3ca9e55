package kinesis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

func (f *fixture) describe(change ...func(*kinesisapi.DescribeStreamInput)) *kinesisapi.StreamDescription {
	f.Helper()
	in := &kinesisapi.DescribeStreamInput{StreamName: new("s")}
	for _, c := range change {
		c(in)
	}
	return must[kinesisapi.DescribeStreamOutput](f, kinesisapi.DescribeStream, in).StreamDescription
}

// TestNewStreamIsDescribed: names, defaults, ranges and numbers to the digit.
func TestNewStreamIsDescribed(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		d := f.describe()
		if *d.StreamName != "s" || *d.StreamARN != arnOfS || *d.StreamStatus != stateActive || *d.StreamModeDetails.StreamMode != "PROVISIONED" || *d.HasMoreShards ||
			*d.RetentionPeriodHours != 24 || !d.StreamCreationTimestamp.Equal(time.Now()) || *d.EncryptionType != "NONE" || d.KeyId != nil ||
			len(d.EnhancedMonitoring) != 1 || d.EnhancedMonitoring[0].ShardLevelMetrics == nil || len(d.EnhancedMonitoring[0].ShardLevelMetrics) != 0 {
			t.Errorf("%+v", d)
		}
		third := "113427455640312821154458202477256070485"
		for i, keys := range [][2]string{{"0", "113427455640312821154458202477256070484"}, {third, "226854911280625642308916404954512140969"}, {"226854911280625642308916404954512140970", "340282366920938463463374607431768211455"}} {
			sh := d.Shards[i]
			want := sequence{created: time.Now().Unix() - 2, time: time.Now().Unix() - 2, shard: uint32(i)}.String()
			if *sh.ShardId != shardID(i) || *sh.HashKeyRange.StartingHashKey != keys[0] || *sh.HashKeyRange.EndingHashKey != keys[1] ||
				*sh.SequenceNumberRange.StartingSequenceNumber != want || sh.SequenceNumberRange.EndingSequenceNumber != nil || sh.ParentShardId != nil {
				t.Errorf("%d: %+v", i, sh)
			}
		}
		s := f.summary("s")
		if *s.StreamName != "s" || *s.StreamARN != arnOfS || *s.StreamStatus != stateActive || *s.OpenShardCount != 3 || *s.ConsumerCount != 0 || *s.MaxRecordSizeInKiB != 1024 ||
			*s.RetentionPeriodHours != 24 || *s.EncryptionType != "NONE" || s.WarmThroughput != nil || s.RecordDistributionStrategy != nil {
			t.Errorf("%+v", s)
		}
		f.onDemand("d")
		s = f.summary("d")
		if *s.OpenShardCount != 4 || *s.StreamModeDetails.StreamMode != "ON_DEMAND" || *s.RecordDistributionStrategy != "USER_PARTITION_KEY" || s.WarmThroughput == nil {
			t.Errorf("%+v", s)
		}
		f.does(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: new("default")})
		if n := *f.summary("default").OpenShardCount; n != 4 {
			t.Errorf("%d shards by default", n)
		}
	})
}

func TestWhatStreamsAreRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		create := func(name string, change func(in *kinesisapi.CreateStreamInput)) *kinesisapi.CreateStreamInput {
			in := &kinesisapi.CreateStreamInput{StreamName: &name}
			if change != nil {
				change(in)
			}
			return in
		}
		for _, c := range []struct {
			in         *kinesisapi.CreateStreamInput
			code, text string
		}{
			{create("s", nil), codeInUse, "Stream s under account 000000000000 already exists."},
			{create("a b", nil), codeRefused, "1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"},
			{create(strings.Repeat("a", 129), nil), codeRefused, "1 validation error detected: Value '" + strings.Repeat("a", 129) + "' at 'streamName' failed to satisfy constraint: Member must have length less than or equal to 128"},
			{create("t", func(in *kinesisapi.CreateStreamInput) { in.ShardCount = new(int32(0)) }), codeRefused, "1 validation error detected: Value '0' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1"},
			{create("t", func(in *kinesisapi.CreateStreamInput) {
				in.ShardCount, in.StreamModeDetails = new(int32(1)), &kinesisapi.StreamModeDetails{StreamMode: new("ON_DEMAND")}
			}), codeInvalid, "ShardCount cannot be specified for on-demand streams."},
			{create("t", func(in *kinesisapi.CreateStreamInput) { in.RecordDistributionStrategy = new("AUTO") }), codeInvalid, "RecordDistributionStrategy AUTO is supported for on-demand streams only."},
			{create("t", func(in *kinesisapi.CreateStreamInput) { in.Tags = map[string]string{"a;b": ""} }), codeInvalid, "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @."},
			{&kinesisapi.CreateStreamInput{}, codeRefused, "1 validation error detected: Value null at 'streamName' failed to satisfy constraint: Member must not be null"},
		} {
			f.refused(kinesisapi.CreateStream, c.in, c.code, c.text)
		}
		f.create("a_b.c-D9", 1)
		f.in("eu-west-1").create("s", 1)
		f.by(other).create("s", 1)
	})
}

// TestStreamsAreNamedByNameOrARN, and whose ARN it is in the texts.
func TestStreamsAreNamedByNameOrARN(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		byARN := func(arn string) *kinesisapi.DescribeStreamSummaryInput {
			return &kinesisapi.DescribeStreamSummaryInput{StreamARN: &arn}
		}
		must[kinesisapi.DescribeStreamSummaryOutput](f, kinesisapi.DescribeStreamSummary, byARN(arnOfS))
		must[kinesisapi.DescribeStreamSummaryOutput](f.in("eu-west-1"), kinesisapi.DescribeStreamSummary, byARN(arnOfS))
		both := byARN(arnOfS)
		both.StreamName = new("s")
		must[kinesisapi.DescribeStreamSummaryOutput](f, kinesisapi.DescribeStreamSummary, both)
		f.refused(kinesisapi.DescribeStreamSummary, byARN(arnOfS+"2"), codeMissing, "Stream s2 under account 000000000000 not found.")
		f.refused(kinesisapi.DescribeStreamSummary, byARN("arn:aws:kinesis:us-east-1:1:stream/s"), codeRefused, "1 validation error detected: Value 'arn:aws:kinesis:us-east-1:1:stream/s' at 'streamARN' ...")
	})
}

// TestTransitions: what streams take while they are made, changed and deleted.
func TestTransitions(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		if d := f.describe(); *d.StreamStatus != "CREATING" || d.Shards == nil || len(d.Shards) != 0 || *d.HasMoreShards {
			t.Errorf("%+v", d)
		}
		f.refused(kinesisapi.GetShardIterator, from("s", "0", "LATEST"), codeMissing, "Shard shardId-000000000000 in stream s under account 000000000000 does not exist")
		f.refused(kinesisapi.PutRecord, record("s", "k", ""), codeMissing, "Stream s under account 000000000000 not found.")
		f.refused(kinesisapi.PutRecords, records("s", "k=x"), codeMissing, "Stream s under account 000000000000 not found.")
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s")}, codeInUse, "Stream s under account 000000000000 not ACTIVE, instead in state CREATING")
		f.wait(999 * time.Millisecond)
		if s := f.status("s"); s != "CREATING" {
			t.Error(s)
		}
		f.wait(time.Millisecond)
		if s := f.status("s"); s != "ACTIVE" {
			t.Error(s)
		}
		for what, change := range map[string]func(){
			"retention":  func() { f.retain("s", 24, 48) },
			"merge":      func() { f.merge("s", "0", "1") },
			"resize":     func() { f.resize("s", 2) },
			"encryption": func() { f.does(kinesisapi.StartStreamEncryption, encrypting("s")) },
			"monitoring": func() {
				must[kinesisapi.EnhancedMonitoringOutput](f, kinesisapi.EnableEnhancedMonitoring, &kinesisapi.EnableEnhancedMonitoringInput{StreamName: new("s"), ShardLevelMetrics: []string{"ALL"}})
			},
		} {
			if what == "resize" {
				f.refused(kinesisapi.UpdateShardCount, count("s", 5), codeLimit, "UpdateShardCount cannot ...")
			}
			if what == "merge" && *f.summary("s").OpenShardCount < 2 || what == "resize" && *f.summary("s").OpenShardCount == 2 {
				continue // in whatever order
			}
			change()
			if s := f.status("s"); s != "UPDATING" {
				t.Errorf("%s: %s", what, s)
			}
			f.put("s", "k", "")
			f.shards("s")
			f.get(f.iterator("s", "0", "TRIM_HORIZON"))
			f.refused(kinesisapi.UpdateShardCount, count("s", 2), codeInUse, "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING")
			f.wait(time.Second)
			if s := f.status("s"); s != "ACTIVE" {
				t.Errorf("%s: %s", what, s)
			}
		}
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")})
		if s := f.status("s"); s != "DELETING" {
			t.Error(s)
		}
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s")}, codeInUse, "Stream s under account 000000000000 not ACTIVE, instead in state DELETING")
		f.refused(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: new("s")}, codeInUse, "Stream s under account 000000000000 already exists.")
		const deleting = "Stream s under account 000000000000 not ACTIVE, instead in state DELETING"
		f.refused(kinesisapi.StartStreamEncryption, encrypting("s"), codeInUse, deleting) // nor does it come back to life
		f.refused(kinesisapi.IncreaseStreamRetentionPeriod, &kinesisapi.IncreaseStreamRetentionPeriodInput{StreamName: new("s"), RetentionPeriodHours: new(int32(72))}, codeInUse, deleting)
		f.refused(kinesisapi.RegisterStreamConsumer, &kinesisapi.RegisterStreamConsumerInput{StreamARN: new(name{region, account, "s"}.arn()), ConsumerName: new("c")}, codeInUse, deleting)
		f.wait(999 * time.Millisecond)
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}) // which does not begin anew
		f.wait(time.Millisecond)
		f.refused(kinesisapi.DescribeStream, &kinesisapi.DescribeStreamInput{StreamName: new("s")}, codeMissing, "Stream s under account 000000000000 not found.")
		if out := must[kinesisapi.ListStreamsOutput](f, kinesisapi.ListStreams, &kinesisapi.ListStreamsInput{}); len(out.StreamNames) != 0 {
			t.Errorf("%v", out.StreamNames)
		}
		if n := *must[kinesisapi.DescribeLimitsOutput](f, kinesisapi.DescribeLimits, &kinesisapi.DescribeLimitsInput{}).OpenShardCount; n != 0 {
			t.Errorf("%d shards are open", n)
		}
		f.create("other", 1)
		if x := f.lookup(name{region, account, "s"}); x != nil {
			t.Error("the stream that was deleted is kept for ever")
		}
		f.create("s", 1)
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}) // while it is made
		f.wait(time.Second)
		f.create("s", 1)
		f.wait(time.Second)
		f.reads("[]", "s", "0", "TRIM_HORIZON")
	}, slowly)
}

func encrypting(stream string) *kinesisapi.StartStreamEncryptionInput {
	return &kinesisapi.StartStreamEncryptionInput{StreamName: &stream, EncryptionType: new("KMS"), KeyId: new("alias/aws/kinesis")}
}

func TestEncryptionIsKeptAndShown(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.does(kinesisapi.StartStreamEncryption, encrypting("s"))
		d, s := f.describe(), f.summary("s")
		if *d.EncryptionType != "KMS" || *d.KeyId != "alias/aws/kinesis" || *s.EncryptionType != "KMS" || *s.KeyId != "alias/aws/kinesis" {
			t.Errorf("%+v %+v", d, s)
		}
		if out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", "k=x")); deref(out.EncryptionType) != "KMS" {
			t.Errorf("%+v", out)
		}
		f.does(kinesisapi.StopStreamEncryption, &kinesisapi.StopStreamEncryptionInput{StreamName: new("s"), EncryptionType: new("KMS"), KeyId: new("alias/aws/kinesis")})
		if d := f.describe(); *d.EncryptionType != "NONE" || d.KeyId != nil {
			t.Errorf("%+v", d)
		}
	})
}

func TestEnhancedMonitoringIsKeptAndShown(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		enable := func(metrics ...string) *kinesisapi.EnhancedMonitoringOutput {
			return must[kinesisapi.EnhancedMonitoringOutput](f, kinesisapi.EnableEnhancedMonitoring, &kinesisapi.EnableEnhancedMonitoringInput{StreamName: new("s"), ShardLevelMetrics: metrics})
		}
		disable := func(metrics ...string) *kinesisapi.EnhancedMonitoringOutput {
			return must[kinesisapi.EnhancedMonitoringOutput](f, kinesisapi.DisableEnhancedMonitoring, &kinesisapi.DisableEnhancedMonitoringInput{StreamARN: new(arnOfS), ShardLevelMetrics: metrics})
		}
		is := func(out *kinesisapi.EnhancedMonitoringOutput, current, desired int) {
			t.Helper()
			if len(out.CurrentShardLevelMetrics) != current || len(out.DesiredShardLevelMetrics) != desired || *out.StreamName != "s" || *out.StreamARN != arnOfS ||
				slices.Contains(out.DesiredShardLevelMetrics, "ALL") || out.CurrentShardLevelMetrics == nil || out.DesiredShardLevelMetrics == nil {
				t.Errorf("%+v", out)
			}
		}
		is(enable("OutgoingBytes", "IncomingBytes"), 0, 2)
		is(enable("ALL"), 2, 7)
		is(disable("IncomingBytes"), 7, 6)
		if n := len(f.describe().EnhancedMonitoring[0].ShardLevelMetrics); n != 6 {
			t.Errorf("%d metrics", n)
		}
		is(disable("ALL"), 6, 0)
		f.refused(kinesisapi.EnableEnhancedMonitoring, &kinesisapi.EnableEnhancedMonitoringInput{StreamName: new("s"), ShardLevelMetrics: []string{"X"}}, codeRefused, "1 validation error detected: ...")
	})
}

// TestDescribeStreamPages: 100 shards at a time, and the rest behind a shard.
func TestDescribeStreamPages(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 150)
		d := f.describe()
		if len(d.Shards) != 100 || !*d.HasMoreShards {
			t.Errorf("%d, %v", len(d.Shards), *d.HasMoreShards)
		}
		after := func(id string, limit int) func(*kinesisapi.DescribeStreamInput) {
			return func(in *kinesisapi.DescribeStreamInput) { in.ExclusiveStartShardId, in.Limit = &id, new(int32(limit)) }
		}
		d = f.describe(after(*d.Shards[99].ShardId, 10_000))
		if len(d.Shards) != 50 || *d.HasMoreShards || *d.Shards[49].ShardId != shardID(149) {
			t.Errorf("%d, %v", len(d.Shards), *d.HasMoreShards)
		}
		d = f.describe(after("x-9", 2))
		if ids(d.Shards) != "10 11" || !*d.HasMoreShards {
			t.Errorf("%s, %v", ids(d.Shards), *d.HasMoreShards)
		}
		if d = f.describe(after("149", 1)); len(d.Shards) != 0 || *d.HasMoreShards {
			t.Errorf("%d, %v", len(d.Shards), *d.HasMoreShards)
		}
		in := &kinesisapi.DescribeStreamInput{StreamName: new("s"), ExclusiveStartShardId: new("x")}
		f.refused(kinesisapi.DescribeStream, in, codeMissing, "Could not find shard x in stream s under account 000000000000.")
	})
}

// TestListStreamsPages by tokens, and by names, as older SDKs do.
func TestListStreamsPages(t *testing.T) {
	virtually(t, func(f *fixture) {
		for i := range 7 {
			f.create(fmt.Sprint("s", i), 1)
		}
		f.in("eu-west-1").create("elsewhere", 1)
		f.by(other).create("theirs", 1)
		list := func(token, after *string) *kinesisapi.ListStreamsOutput {
			return must[kinesisapi.ListStreamsOutput](f, kinesisapi.ListStreams, &kinesisapi.ListStreamsInput{Limit: new(int32(3)), NextToken: token, ExclusiveStartStreamName: after})
		}
		var byToken, byName []string
		for out := list(nil, nil); ; out = list(out.NextToken, nil) {
			byToken = append(byToken, out.StreamNames...)
			if len(out.StreamSummaries) != len(out.StreamNames) || *out.HasMoreStreams != (out.NextToken != nil) {
				t.Errorf("%+v", out)
			}
			if !*out.HasMoreStreams {
				break
			}
		}
		for out := list(nil, nil); ; out = list(nil, &byName[len(byName)-1]) {
			byName = append(byName, out.StreamNames...)
			if !*out.HasMoreStreams {
				break
			}
		}
		const want = "[s0 s1 s2 s3 s4 s5 s6]"
		if fmt.Sprint(byToken) != want || fmt.Sprint(byName) != want {
			t.Errorf("%v %v", byToken, byName)
		}
		s := list(nil, nil).StreamSummaries[0]
		if *s.StreamName != "s0" || *s.StreamARN != "arn:aws:kinesis:us-east-1:000000000000:stream/s0" || *s.StreamStatus != "ACTIVE" || *s.StreamModeDetails.StreamMode != "PROVISIONED" || s.StreamCreationTimestamp == nil {
			t.Errorf("%+v", s)
		}
		token := list(nil, nil).NextToken
		f.wait(5*time.Minute + time.Second)
		f.refused(kinesisapi.ListStreams, &kinesisapi.ListStreamsInput{NextToken: token}, "ExpiredNextTokenException", "The specified NextToken has expired.")
		f.refused(kinesisapi.ListStreams, &kinesisapi.ListStreamsInput{NextToken: new("x")}, codeInvalid, "NextToken is invalid.")
	})
}

func TestModeChangesTwiceADay(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		mode := func(m string) *kinesisapi.UpdateStreamModeInput {
			return &kinesisapi.UpdateStreamModeInput{StreamARN: new(arnOfS), StreamModeDetails: &kinesisapi.StreamModeDetails{StreamMode: &m}}
		}
		f.does(kinesisapi.UpdateStreamMode, mode("ON_DEMAND"))
		f.does(kinesisapi.UpdateStreamMode, mode("ON_DEMAND")) // is no change
		if got := *f.describe().StreamModeDetails.StreamMode; got != "ON_DEMAND" {
			t.Error(got)
		}
		f.does(kinesisapi.UpdateStreamRecordDistributionStrategy, distribution("AUTO"))
		f.does(kinesisapi.UpdateStreamMode, mode("PROVISIONED"))
		f.refused(kinesisapi.UpdateStreamMode, mode("ON_DEMAND"), codeLimit, "Stream s under account 000000000000 has changed its mode twice within 24 hours.")
		f.split("s", "0", "5")
	})
}

func distribution(strategy string) *kinesisapi.UpdateStreamRecordDistributionStrategyInput {
	return &kinesisapi.UpdateStreamRecordDistributionStrategyInput{StreamARN: new(arnOfS), RecordDistributionStrategy: &strategy}
}

// TestRecordsOfAutoDistributionGoAnywhere: no key says where, and all shards get some.
func TestRecordsOfAutoDistributionGoAnywhere(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("p", 1)
		in := distribution("AUTO")
		in.StreamARN = new("arn:aws:kinesis:us-east-1:000000000000:stream/p")
		f.refused(kinesisapi.UpdateStreamRecordDistributionStrategy, in, codeInvalid, "RecordDistributionStrategy AUTO is supported for on-demand streams only.")
		f.onDemand("s")
		f.does(kinesisapi.UpdateStreamRecordDistributionStrategy, distribution("AUTO"))
		if got := *f.summary("s").RecordDistributionStrategy; got != "AUTO" {
			t.Error(got)
		}
		used := map[string]bool{}
		for range 100 {
			used[*f.put("s", "same", "", hashed("0")).ShardId] = true
		}
		if len(used) != 4 {
			t.Errorf("%d of 4 shards got records", len(used))
		}
		f.put("s", "k", "", hashed("340282366920938463463374607431768211456")) // says nothing here
		f.does(kinesisapi.UpdateStreamRecordDistributionStrategy, distribution("USER_PARTITION_KEY"))
		for range 10 {
			if got := *f.put("s", "same", "", hashed("0")).ShardId; got != shardID(0) {
				t.Error(got)
			}
		}
	})
}

func TestAccountSettings(t *testing.T) {
	virtually(t, func(f *fixture) {
		settings := func() *kinesisapi.MinimumThroughputBillingCommitmentOutput {
			return must[kinesisapi.DescribeAccountSettingsOutput](f, kinesisapi.DescribeAccountSettings, &kinesisapi.DescribeAccountSettingsInput{}).MinimumThroughputBillingCommitment
		}
		commit := func(status string) *kinesisapi.MinimumThroughputBillingCommitmentOutput {
			return must[kinesisapi.UpdateAccountSettingsOutput](f, kinesisapi.UpdateAccountSettings, &kinesisapi.UpdateAccountSettingsInput{
				MinimumThroughputBillingCommitment: &kinesisapi.MinimumThroughputBillingCommitmentInput{Status: &status},
			}).MinimumThroughputBillingCommitment
		}
		if got := settings(); *got.Status != "DISABLED" || got.StartedAt != nil || got.EndedAt != nil || got.EarliestAllowedEndAt != nil {
			t.Errorf("%+v", got)
		}
		f.onDemand("s")
		warm := &kinesisapi.UpdateStreamWarmThroughputInput{StreamName: new("s"), WarmThroughputMiBps: new(int32(100))}
		f.refused(kinesisapi.UpdateStreamWarmThroughput, warm, codeInvalid, "Warm throughput is supported for on-demand streams of accounts with MinimumThroughputBillingCommitment only.")
		began := time.Now()
		commit("ENABLED")
		f.wait(time.Second)
		for _, got := range []*kinesisapi.MinimumThroughputBillingCommitmentOutput{commit("ENABLED"), settings()} {
			if *got.Status != "ENABLED" || !got.StartedAt.Equal(began) || got.EarliestAllowedEndAt == nil {
				t.Errorf("%+v", got)
			}
		}
		if *must[kinesisapi.DescribeAccountSettingsOutput](f.by(other), kinesisapi.DescribeAccountSettings, &kinesisapi.DescribeAccountSettingsInput{}).MinimumThroughputBillingCommitment.Status != "DISABLED" {
			t.Error("another account is committed")
		}
		out := must[kinesisapi.UpdateStreamWarmThroughputOutput](f, kinesisapi.UpdateStreamWarmThroughput, warm)
		if *out.StreamName != "s" || *out.StreamARN != arnOfS || *out.WarmThroughput.TargetMiBps != 100 || *f.summary("s").WarmThroughput.CurrentMiBps != 100 {
			t.Errorf("%+v", out)
		}
		warm.WarmThroughputMiBps = new(int32(10<<10 + 1))
		f.refused(kinesisapi.UpdateStreamWarmThroughput, warm, codeInvalid, "WarmThroughputMiBps must not be more than 10240.")
		f.create("p", 1)
		f.refused(kinesisapi.UpdateStreamWarmThroughput, &kinesisapi.UpdateStreamWarmThroughputInput{StreamName: new("p"), WarmThroughputMiBps: new(int32(1))}, codeInvalid, "Warm throughput ...")
		commit("DISABLED")
		if got := settings(); *got.Status != "ENABLED_UNTIL_EARLIEST_ALLOWED_END" {
			t.Errorf("%+v", got)
		}
		if n := *must[kinesisapi.DescribeLimitsOutput](f, kinesisapi.DescribeLimits, &kinesisapi.DescribeLimitsInput{}).OnDemandStreamCount; n != 1 {
			t.Error(n)
		}
	})
}
