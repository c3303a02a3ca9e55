package kinesis

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

func TestRetentionLimits(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		increase := func(hours int) *kinesisapi.IncreaseStreamRetentionPeriodInput {
			return &kinesisapi.IncreaseStreamRetentionPeriodInput{StreamName: new("s"), RetentionPeriodHours: new(int32(hours))}
		}
		decrease := func(hours int) *kinesisapi.DecreaseStreamRetentionPeriodInput {
			return &kinesisapi.DecreaseStreamRetentionPeriodInput{StreamName: new("s"), RetentionPeriodHours: new(int32(hours))}
		}
		const short = "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
		const long = "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long."
		f.refused(kinesisapi.IncreaseStreamRetentionPeriod, increase(23), codeInvalid, short)
		f.refused(kinesisapi.DecreaseStreamRetentionPeriod, decrease(23), codeInvalid, short)
		f.refused(kinesisapi.IncreaseStreamRetentionPeriod, increase(8761), codeInvalid, long)
		f.refused(kinesisapi.DecreaseStreamRetentionPeriod, decrease(8761), codeInvalid, long)
		f.does(kinesisapi.IncreaseStreamRetentionPeriod, increase(24))
		f.does(kinesisapi.IncreaseStreamRetentionPeriod, increase(8760))
		f.refused(kinesisapi.IncreaseStreamRetentionPeriod, increase(48), codeInvalid, "Requested retention period (48 hours) for stream s can not be shorter than existing retention period (8760 hours). Use DecreaseRetentionPeriod API.")
		f.does(kinesisapi.DecreaseStreamRetentionPeriod, decrease(8760))
		f.does(kinesisapi.DecreaseStreamRetentionPeriod, decrease(30))
		f.refused(kinesisapi.DecreaseStreamRetentionPeriod, decrease(31), codeInvalid, "Requested retention period (31 hours) for stream s can not be longer than existing retention period (30 hours). Use IncreaseRetentionPeriod API.")
		if h := *f.summary("s").RetentionPeriodHours; h != 30 {
			t.Error(h)
		}
	})
}

// TestShorterRetentionHidesAtOnceAndForGood: records, and shards that have nothing else.
func TestShorterRetentionHidesAtOnceAndForGood(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.keepHours("s", 4)
		f.put("s", "k", "a")
		old := f.iterator("s", "0", "TRIM_HORIZON")
		f.split("s", "0", half)
		f.put("s", "k", "b", hashed("0"))
		f.wait(2 * time.Hour)
		f.put("s", "k", "c", hashed("0"))
		f.reads("[b c]", "s", "1", "TRIM_HORIZON")
		f.keepHours("s", 1)
		visible := func(when string) {
			f.Log(when)
			f.reads("[c]", "s", "1", "TRIM_HORIZON")
			f.reads("[c]", "s", "1", "AT_TIMESTAMP", timestamp(time.Now().Add(-100*time.Hour)))
			if all := f.shards("s"); ids(all) != "1 2" || all[0].ParentShardId != nil {
				t.Errorf("shards %s", ids(all))
			}
			if d := f.describe(); ids(d.Shards) != "1 2" {
				t.Errorf("shards %s are described", ids(d.Shards))
			}
			f.refused(kinesisapi.GetShardIterator, from("s", "0", "TRIM_HORIZON"), codeMissing, "Shard shardId-000000000000 in stream s under account 000000000000 does not exist")
		}
		visible("after it was shortened")
		f.retain("s", 1, 48)
		synctest.Wait() // the engine hides a moment later what the shorter retention had not yet
		visible("after it was extended")
		f.restart()
		visible("after a restart")
		f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &old}, "ExpiredIteratorException", "Iterator expired. ...")
	})
}

// TestRecordsExpire: what is too old is passed over, iterators before it begin with what
// is left, and closed shards leave with their last record.
func TestRecordsExpire(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.keepHours("s", 1)
		first := *f.put("s", "k", "a").SequenceNumber
		f.wait(40 * time.Minute)
		f.put("s", "k", "b")
		f.split("s", "0", half)
		f.wait(21 * time.Minute)
		f.reads("[b]", "s", "0", "TRIM_HORIZON")
		f.reads("[b]", "s", "0", "AT_SEQUENCE_NUMBER", number(first))
		f.reads("[b]", "s", "0", "AFTER_SEQUENCE_NUMBER", number(first))
		if got := ids(f.shards("s")); got != "0 1 2" {
			t.Error(got)
		}
		it := f.iterator("s", "0", "TRIM_HORIZON")
		f.wait(39*time.Minute + time.Second)
		if got := ids(f.shards("s")); got != "1 2" {
			t.Error(got)
		}
		_ = it
		f.refused(kinesisapi.GetShardIterator, from("s", "0", "LATEST"), codeMissing, "Shard shardId-000000000000 in stream s under account 000000000000 does not exist")
	})
}

func TestDeletedStreamTakesItsRecordsAlong(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.put("s", "k", "old")
		f.register("c")
		f.refused(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}, codeInUse, "Stream s under account 000000000000 has registered consumers, and EnforceConsumerDeletion is not set.")
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s"), EnforceConsumerDeletion: new(true)})
		f.refused(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")}, codeMissing, "Stream s under account 000000000000 not found.")
		f.create("s", 1)
		f.reads("[]", "s", "0", "TRIM_HORIZON")
		if n := *f.summary("s").ConsumerCount; n != 0 {
			t.Errorf("%d consumers", n)
		}
	})
}
