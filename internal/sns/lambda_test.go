package sns

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/deliver"
)

// failingFunction is subscribed to a topic, and fails; runs are the times of its runs.
func failingFunction(f *fixture, fails int) (topic string, runs *[]time.Time) {
	topic, runs = f.topic("t", nil), new([]time.Time)
	f.subscribe(topic, "lambda", functionARN, nil)
	f.out.run = func(string, []byte) Invocation {
		f.out.mu.Lock()
		defer f.out.mu.Unlock()
		*runs = append(*runs, time.Now())
		if len(*runs) <= fails {
			return Invocation{Outcome: deliver.Outcome{Status: 200}, FunctionError: true, Payload: []byte(`{"errorMessage":"no"}`), RequestID: fmt.Sprint("r", len(*runs))}
		}
		return Invocation{Outcome: deliver.Outcome{Status: 200}, Payload: []byte(`"done"`), RequestID: fmt.Sprint("r", len(*runs))}
	}
	return topic, runs
}

func destinations(d Destinations) func(*Config) {
	return func(c *Config) { c.Outbound.Destinations = func(string) Destinations { return d } }
}

// TestFunctionsThatFail are run again after one and two minutes, as Lambda does, and
// then reported.
func TestFunctionsThatFail(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, runs := failingFunction(f, 9)
		dead := f.queue("failed", attrs{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN("failed") + `"}]}`})
		f.publish(topic, "m")
		f.wait(10 * time.Minute)
		if r := *runs; len(r) != 3 || r[1].Sub(r[0]).Round(time.Second) != time.Minute || r[2].Sub(r[1]).Round(time.Second) != 2*time.Minute {
			t.Fatal(r)
		}
		var record invocationRecord
		if err := json.Unmarshal([]byte(*f.one(dead).Body), &record); err != nil {
			t.Fatal(err)
		}
		f.same([]string{record.RequestContext.Condition, record.RequestContext.FunctionARN, fmt.Sprint(record.RequestContext.Invocations), record.ResponseContext.FunctionError, string(record.ResponsePayload)},
			[]string{"RetriesExhausted", functionARN + ":$LATEST", "3", "Unhandled", `{"errorMessage":"no"}`})
		f.same(string(record.RequestPayload), f.out.events[functionARN][0])
	}, destinations(Destinations{Retries: 2, OnFailure: queueARN("failed")}))
}

func TestFunctionsThatSucceedAreReported(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, runs := failingFunction(f, 1)
		q := f.queue("q", nil)
		f.subscribe(f.topic("done", nil), "sqs", q, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, "m")
		f.wait(10 * time.Minute)
		f.same(len(*runs), 2)
		var record invocationRecord
		if err := json.Unmarshal([]byte(*f.one(q).Body), &record); err != nil {
			t.Fatal(err)
		}
		f.same(record.RequestContext.Condition+string(record.ResponsePayload), `Success"done"`)
	}, destinations(Destinations{Retries: 2, OnSuccess: "arn:aws:sns:us-east-1:000000000000:done"}))
}

// TestLongRunsAreNotRepeated: the event stays hidden while the function runs, even for
// the quarter of an hour that Lambda allows.
func TestLongRunsAreNotRepeated(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.subscribe(topic, "lambda", functionARN, nil)
		f.out.run = func(string, []byte) Invocation {
			time.Sleep(15 * time.Minute)
			return Invocation{Outcome: deliver.Outcome{Status: 200}}
		}
		f.publish(topic, "m")
		f.wait(40 * time.Minute)
		f.same(len(f.out.events[functionARN]), 1)
	}, func(c *Config) { c.Outbound.LambdaTimeout = 15 * time.Minute })
}
