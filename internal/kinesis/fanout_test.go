package kinesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// register registers a consumer of stream s, and returns its ARN.
func (f *fixture) register(name string) string {
	f.Helper()
	return *must[kinesisapi.RegisterStreamConsumerOutput](f, kinesisapi.RegisterStreamConsumer, registering(name)).Consumer.ConsumerARN
}

func registering(name string) *kinesisapi.RegisterStreamConsumerInput {
	return &kinesisapi.RegisterStreamConsumerInput{StreamARN: new(arnOfS), ConsumerName: &name}
}

// subscribe is a SubscribeToShard, which tests change.
func subscribe(consumer, shard, kind string) *kinesisapi.SubscribeToShardInput {
	return &kinesisapi.SubscribeToShardInput{ConsumerARN: &consumer, ShardId: &shard, StartingPosition: &kinesisapi.StartingPosition{Type: &kind}}
}

func subscribeFrom(consumer, shard, kind, number string) *kinesisapi.SubscribeToShardInput {
	in := subscribe(consumer, shard, kind)
	in.StartingPosition.SequenceNumber = &number
	return in
}

// subscribed is a subscription of a test.
type subscribed struct {
	*fixture
	service.Events
}

func (f *fixture) subscribe(in *kinesisapi.SubscribeToShardInput) *subscribed {
	f.Helper()
	o, c, err := f.admit(kinesisapi.SubscribeToShard, in)
	if err != nil {
		f.Fatal(err)
	}
	events, err := o.Open(context.Background(), c, in)
	if err != nil {
		f.Fatal(err)
	}
	return &subscribed{f, events}
}

// next is the next event.
func (s *subscribed) next() *kinesisapi.SubscribeToShardEvent {
	s.Helper()
	event, err := s.Next(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	return event.(*kinesisapi.SubscribeToShardEvent)
}

// gets wants the data of the next event, and within a time.
func (s *subscribed) gets(want string, within time.Duration) *kinesisapi.SubscribeToShardEvent {
	s.Helper()
	began := time.Now()
	e := s.next()
	if got := data(e.Records); got != want || time.Since(began) > within {
		s.Errorf("%s after %v, want %s within %v", got, time.Since(began), want, within)
	}
	return e
}

// ends wants the end of the subscription: a code and a text, or "" for a clean one.
func (s *subscribed) ends(code, text string) {
	s.Helper()
	_, err := s.Next(context.Background())
	if code == "" {
		if !errors.Is(err, io.EOF) {
			s.Errorf("ended with %v", err)
		}
		return
	}
	s.isError(err, code, text)
}

// TestIdleSubscriptionBeats: at least every five seconds an event, from which another
// subscription can go on.
func TestIdleSubscriptionBeats(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		c := f.register("c")
		sub := f.subscribe(subscribe(c, "0", "LATEST"))
		first := f.shards("s")[0].SequenceNumberRange.StartingSequenceNumber
		for range 3 {
			e := sub.gets("[]", 5*time.Second)
			if e.ContinuationSequenceNumber == nil || *e.ContinuationSequenceNumber != *first || *e.MillisBehindLatest != 0 || e.ChildShards != nil || e.Records == nil {
				t.Errorf("%+v", e)
			}
		}
		sub.Close()
		n := *f.put("s", "k", "a").SequenceNumber
		f.wait(time.Second)
		sub = f.subscribe(subscribeFrom(c, "0", "AFTER_SEQUENCE_NUMBER", n))
		e := sub.gets("[]", 5*time.Second)
		sub.Close()
		f.put("s", "k", "b")
		sub = f.subscribe(subscribeFrom(c, "0", "AFTER_SEQUENCE_NUMBER", *e.ContinuationSequenceNumber))
		sub.gets("[b]", 0)
		sub.Close()
		sub = f.subscribe(subscribeFrom(c, "0", "AT_SEQUENCE_NUMBER", *e.ContinuationSequenceNumber))
		sub.gets("[a b]", 0)
		sub.Close()
	})
}

// TestSubscriptionPushes what is there from its position on, and what comes at once.
func TestSubscriptionPushes(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		c := f.register("c")
		began := time.Now()
		f.put("s", "k", "a")
		f.wait(time.Second)
		n := *f.put("s", "k", "b").SequenceNumber
		at := subscribe(c, "0", "AT_TIMESTAMP")
		at.StartingPosition.Timestamp = new(began.Add(time.Millisecond))
		for _, c := range []struct {
			want string
			in   *kinesisapi.SubscribeToShardInput
		}{
			{"[a b]", subscribe(c, "0", "TRIM_HORIZON")}, {"[b]", at}, {"[b]", subscribeFrom(c, "0", "AT_SEQUENCE_NUMBER", n)},
		} {
			sub := f.subscribe(c.in)
			e := sub.gets(c.want, 0)
			if *e.ContinuationSequenceNumber != n || *e.MillisBehindLatest != 0 {
				t.Errorf("%+v", e)
			}
			sub.Close()
		}
		sub := f.subscribe(subscribe(c, "0", "LATEST"))
		defer sub.Close()
		time.AfterFunc(time.Second, func() { f.put("s", "k", "c") })
		sub.gets("[c]", time.Second)
		f.put("s", "k", "d")
		sub.gets("[d]", 0)
	})
}

// TestSubscriptionLastsFiveMinutes, and then ends in good order.
func TestSubscriptionLastsFiveMinutes(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		sub := f.subscribe(subscribe(f.register("c"), "0", "LATEST"))
		defer sub.Close()
		began := time.Now()
		for n := 0; ; n++ {
			_, err := sub.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n > 100 {
				t.Fatalf("event %d: %v", n, err)
			}
		}
		if lasted := time.Since(began); lasted != 5*time.Minute {
			t.Errorf("it lasted %v", lasted)
		}
	})
}

// TestBusySubscriptionLastsFiveMinutes, though there is always more to say.
func TestBusySubscriptionLastsFiveMinutes(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		sub := f.subscribe(subscribe(f.register("c"), "0", "LATEST"))
		defer sub.Close()
		for range 301 {
			f.put("s", "k", "x")
			f.put("s", "k", "y")
			f.wait(time.Second)
			if _, err := sub.Next(context.Background()); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
		t.Error("it goes on")
	})
}

// TestNextSubscriptionTakesOver, but not within five seconds.
func TestNextSubscriptionTakesOver(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		c, d := f.register("c"), f.register("d")
		text := "Another active subscription exists for this consumer: " + c
		old := f.subscribe(subscribe(c, "0", "LATEST"))
		defer old.Close()
		f.wait(4999 * time.Millisecond)
		f.refused(kinesisapi.SubscribeToShard, subscribe(c, "0", "LATEST"), codeInUse, text)
		others := []*subscribed{f.subscribe(subscribe(c, "1", "LATEST")), f.subscribe(subscribe(d, "0", "LATEST"))}
		f.wait(time.Millisecond)
		ended := make(chan error)
		go func() {
			_, err := old.Next(context.Background())
			ended <- err
		}()
		fresh := f.subscribe(subscribe(c, "0", "LATEST"))
		defer fresh.Close()
		f.isError(<-ended, codeInUse, text)
		old.Close() // and does not end the new one
		f.refused(kinesisapi.SubscribeToShard, subscribe(c, "0", "LATEST"), codeInUse, text)
		fresh.gets("[]", 5*time.Second)
		for _, o := range others {
			o.gets("[]", 5*time.Second)
			o.Close()
		}
		// One that was closed is in nobody's way.
		fresh.Close()
		f.subscribe(subscribe(c, "0", "LATEST")).Close()
	})
}

// TestSubscriptionEndsWithItsShard: the last event has the children, and no number to
// continue from.
func TestSubscriptionEndsWithItsShard(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		c := f.register("c")
		sub := f.subscribe(subscribe(c, "0", "LATEST"))
		time.AfterFunc(time.Second, func() { f.put("s", "k", "a"); f.split("s", "0", half) })
		const children = "1<[0] 0-170141183460469231731687303715884105727 2<[0] 170141183460469231731687303715884105728-340282366920938463463374607431768211455 "
		e := sub.gets("[a]", time.Second)
		if e.ChildShards == nil {
			e = sub.gets("[]", 50*time.Millisecond)
		}
		if e.ContinuationSequenceNumber != nil || showChildren(e.ChildShards) != children {
			t.Errorf("%+v", e)
		}
		sub.ends("", "")
		sub.Close()
		for _, kind := range []string{"LATEST", "TRIM_HORIZON"} {
			sub := f.subscribe(subscribe(c, "0", kind))
			e := sub.next()
			if e.ContinuationSequenceNumber != nil || showChildren(e.ChildShards) != children || (kind == "LATEST") != (len(e.Records) == 0) {
				t.Errorf("%s: %+v", kind, e)
			}
			sub.ends("", "")
			sub.Close()
		}
		sub = f.subscribe(subscribe(c, "1", "LATEST"))
		time.AfterFunc(time.Second, func() { f.merge("s", "1", "2") })
		e = sub.gets("[]", 1100*time.Millisecond)
		if e.ContinuationSequenceNumber != nil || showChildren(e.ChildShards) != "3<[1 2] 0-340282366920938463463374607431768211455 " {
			t.Errorf("%+v", e)
		}
		sub.ends("", "")
		sub.Close()
	})
}

// TestSubscriptionEndsWithItsConsumerOrStream.
func TestSubscriptionEndsWithItsConsumerOrStream(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		c := f.register("c")
		ends := func(end func()) (err error) {
			sub := f.subscribe(subscribe(c, "1", "LATEST"))
			defer sub.Close()
			time.AfterFunc(time.Second, end)
			began := time.Now()
			for err == nil {
				_, err = sub.Next(context.Background())
			}
			if d := time.Since(began); d > 6*time.Second {
				t.Errorf("it ended after %v", d)
			}
			return err
		}
		err := ends(func() {
			f.does(kinesisapi.DeregisterStreamConsumer, &kinesisapi.DeregisterStreamConsumerInput{ConsumerARN: &c})
		})
		f.isError(err, codeMissing, "Consumer c under stream s under account 000000000000 not found.")
		f.wait(time.Second)
		c = f.register("c")
		err = ends(func() {
			f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s"), EnforceConsumerDeletion: new(true)})
		})
		f.isError(err, codeMissing, "Shard shardId-000000000001 in stream s under account 000000000000 does not exist")
	})
}

// TestEventsAreBounded: large records come one at a time, and none is missing.
func TestEventsAreBounded(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		for i := range 6 {
			f.put("s", "k", string(make([]byte, 700<<10))+string(rune('a'+i)))
		}
		sub := f.subscribe(subscribe(f.register("c"), "0", "TRIM_HORIZON"))
		defer sub.Close()
		for i := range 6 {
			e := sub.next()
			if len(e.Records) != 1 || e.Records[0].Data[700<<10] != byte('a'+i) {
				t.Fatalf("event %d has %d records", i, len(e.Records))
			}
		}
	})
}

// TestSubscriptionThatIsCutShort returns at once.
func TestSubscriptionThatIsCutShort(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		sub := f.subscribe(subscribe(f.register("c"), "0", "LATEST"))
		defer sub.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		if e, err := sub.Next(ctx); err == nil || time.Since(began) != time.Second {
			t.Errorf("%+v, %v after %v", e, err, time.Since(began))
		}
	})
}

// TestWhatSubscriptionsAreRefused.
func TestWhatSubscriptionsAreRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.wait(time.Second)
		began := time.Now().Unix()
		c := f.register("c")
		f.refused(kinesisapi.SubscribeToShard, subscribe(c, "0", "LATEST"), codeInUse, "Consumer c with creation timestamp "+
			fmt.Sprint(began)+" under stream: s , account 000000000000 is not in ACTIVE status.")
		f.wait(time.Second)
		for _, bad := range []struct {
			in         *kinesisapi.SubscribeToShardInput
			code, text string
		}{
			{subscribe(c, "3", "LATEST"), codeMissing, "Shard shardId-000000000003 in stream s under account 000000000000 does not exist"},
			{subscribe(c, "0", "AT_TIMESTAMP"), codeInvalid, "Must specify timestampInMillis parameter ..."},
			{subscribe(c, "0", "AT_SEQUENCE_NUMBER"), codeInvalid, "Must either specify ..."},
			{subscribe(arnOfS+"/consumer/d:1", "0", "LATEST"), codeMissing, "Consumer d under stream s under account 000000000000 not found."},
			{subscribe(arnOfS+"/consumer/c:1", "0", "LATEST"), codeMissing, "Consumer c under stream s under account 000000000000 not found."},
			{subscribe(arnOfS, "0", "LATEST"), codeRefused, "1 validation error detected: Value 'arn:aws:kinesis:us-east-1:000000000000:stream/s' at 'consumerARN' ..."},
		} {
			f.refused(kinesisapi.SubscribeToShard, bad.in, bad.code, bad.text)
		}
		f.subscribe(subscribe(c, "0", "LATEST")).Close()
	}, slowly)
}
