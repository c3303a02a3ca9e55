package sns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/deliver"
)

// times are the seconds between posts.
func times(posts []post) (out []float64) {
	for i := 1; i < len(posts); i++ {
		out = append(out, posts[i].at.Sub(posts[i-1].at).Round(time.Millisecond).Seconds())
	}
	return out
}

// failing is a subscription whose endpoint always answers with a status, and its
// dead-letter queue.
func (f *fixture) failing(code int, a attrs) (topic, dead string) {
	f.Helper()
	topic, dead = f.topic("t", nil), f.queue("dead", nil)
	all := attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`}
	for k, v := range a {
		all[k] = v
	}
	f.confirmed(topic, "http", web, all)
	f.wait(time.Second)
	f.out.took("")
	f.out.answers(func(context.Context, post) deliver.Outcome { return status(code) })
	return topic, dead
}

func TestHTTPRetriesByDefault(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.failing(500, nil)
		f.publish(topic, "m", with("a", "String", "v"), subject("s"))
		f.wait(5 * time.Minute)
		posts := f.out.took(web)
		f.same(fmt.Sprint(times(posts)), "[20 20 20]")
		m := f.one(dead)
		f.same(*m.Body, string(posts[0].Body)) // what the endpoint would have got, and nothing else
		f.same(len(m.MessageAttributes), 0)
		s := f.Stats()
		f.same(fmt.Sprint(s.Attempts.Load(), s.Failed.Load(), s.DeadLettered.Load()), "4 1 1")
	})
}

func TestHTTPAnswers(t *testing.T) {
	for code, attempts := range map[int]int{200: 1, 204: 1, 400: 1, 403: 1, 404: 1, 429: 4, 500: 4, 503: 4} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			virtually(t, func(f *fixture) {
				topic, dead := f.failing(code, nil)
				f.publish(topic, "m")
				f.wait(5 * time.Minute)
				if n := len(f.out.took(web)); n != attempts {
					t.Errorf("%d attempts", n)
				}
				if n := len(f.receive(dead)); n != 1 && code >= 300 || n != 0 && code < 300 {
					t.Errorf("%d dead letters", n)
				}
			})
		})
	}
}

func TestRawDeadLetters(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.failing(404, attrs{"RawMessageDelivery": "true"})
		f.publish(topic, "m", with("a", "String", "v"))
		f.wait(time.Second)
		m := f.one(dead)
		f.same(*m.Body, "m")
		f.same(*m.MessageAttributes["a"].StringValue, "v")
	})
}

// TestBackoffPhases: at once, at the least delay, rising, and at the greatest.
func TestBackoffPhases(t *testing.T) {
	for _, c := range []struct{ function, want string }{
		{"linear", "[0 0 10 10 10 25 40 40]"},
		{"arithmetic", "[0 0 10 10 10 20 40 40]"},
		{"geometric", "[0 0 10 10 10 20 40 40]"},
		{"exponential", "[0 0 10 10 10 20 40 40]"},
	} {
		t.Run(c.function, func(t *testing.T) {
			virtually(t, func(f *fixture) {
				topic, dead := f.failing(500, attrs{"DeliveryPolicy": `{"healthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":40,"numRetries":8,"numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":1,"backoffFunction":"` + c.function + `"}}`})
				f.publish(topic, "m")
				f.wait(10 * time.Minute)
				f.same(fmt.Sprint(times(f.out.took(web))), c.want)
				f.has(dead, "m")
			})
		})
	}
}

func TestRiseReachesBothEnds(t *testing.T) {
	t.Parallel()
	for function := range rise {
		for _, n := range []int{1, 2, 3, 10, 100} {
			p := retryPolicy{MinDelayTarget: 5, MaxDelayTarget: 30, NumRetries: n, BackoffFunction: function}
			last := time.Duration(0)
			for i := 1; i <= n; i++ {
				d, more := p.delay(i)
				if !more || d < last || d < 5*time.Second || d > 30*time.Second {
					t.Errorf("%s %d/%d: %v after %v", function, i, n, d, last)
				}
				last = d
			}
			first, _ := p.delay(1)
			if first != 5*time.Second || n > 1 && last.Round(time.Millisecond) != 30*time.Second {
				t.Errorf("%s/%d: from %v to %v", function, n, first, last)
			}
			if _, more := p.delay(n + 1); more {
				t.Errorf("%s/%d does not end", function, n)
			}
		}
	}
}

// TestFixedPolicies: facts-sns.md 8, in all and phase by phase.
func TestFixedPolicies(t *testing.T) {
	t.Parallel()
	sum := func(f func(int) (time.Duration, bool)) (n int, total time.Duration) {
		for {
			d, more := f(n + 1)
			if !more {
				return n, total
			}
			n, total = n+1, total+d
		}
	}
	if n, total := sum(managed); n != 100_015 || total < 23*24*time.Hour || total > 24*24*time.Hour {
		t.Errorf("%d in %v", n, total)
	}
	if n, total := sum(customer); n != 50 || total < 6*time.Hour || total > 8*time.Hour {
		t.Errorf("%d in %v", n, total)
	}
	at := func(f func(int) (time.Duration, bool), i int) time.Duration {
		d, _ := f(i)
		return d.Round(time.Second)
	}
	for i, want := range map[int]time.Duration{1: 0, 3: 0, 4: time.Second, 5: time.Second, 6: time.Second, 15: 20 * time.Second, 16: 20 * time.Second, 100_015: 20 * time.Second} {
		if got := at(managed, i); got != want {
			t.Errorf("managed %d: %v", i, got)
		}
	}
	for i, want := range map[int]time.Duration{1: 10 * time.Second, 2: 10 * time.Second, 3: 10 * time.Second, 12: 600 * time.Second, 13: 600 * time.Second, 50: 600 * time.Second} {
		if got := at(customer, i); got != want {
			t.Errorf("customer %d: %v", i, got)
		}
	}
}

func TestFunctionsThatCannotBeRunAreTriedAgain(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		f.subscribe(topic, "lambda", functionARN, nil)
		var at []time.Time
		f.out.run = func(string, []byte) Invocation {
			at = append(at, time.Now())
			if len(at) < 8 {
				return Invocation{Outcome: deliver.Fail(errors.New("not attached"), false)}
			}
			return Invocation{}
		}
		f.publish(topic, "m")
		f.wait(5 * time.Minute)
		if len(at) != 8 || at[3].Sub(at[0]) != 0 || at[4].Sub(at[3]) != time.Second {
			t.Error(at)
		}
	})
}

func TestThrottle(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, _ := f.failing(200, attrs{"DeliveryPolicy": `{"throttlePolicy":{"maxReceivesPerSecond":2}}`})
		for i := range 20 {
			f.publish(topic, fmt.Sprint(i))
		}
		f.wait(time.Minute)
		posts := f.out.took(web)
		if took := posts[len(posts)-1].at.Sub(posts[0].at); len(posts) != 20 || took < 9*time.Second || took > 11*time.Second {
			t.Errorf("%d in %v", len(posts), took)
		}
	})
}

// TestConcurrencyToOneEndpoint is bounded, and not one at a time.
func TestConcurrencyToOneEndpoint(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, _ := f.failing(200, nil)
		f.out.answers(func(ctx context.Context, _ post) deliver.Outcome {
			select {
			case <-time.After(10 * time.Second):
				return status(200)
			case <-ctx.Done():
				return deliver.Fail(ctx.Err(), false)
			}
		})
		for i := range 3 * 16 {
			f.publish(topic, fmt.Sprint(i))
		}
		f.wait(9 * time.Second)
		f.same(len(f.out.took(web)), 16)
		f.wait(10 * time.Second)
		f.same(len(f.out.took(web)), 16)
		f.wait(20 * time.Second)
	})
}

// TestHangingEndpoints: half of a topic's endpoints hang, the others do not notice.
func TestHangingEndpoints(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic := f.topic("t", nil)
		for i := range 100 {
			f.confirmed(topic, "http", fmt.Sprintf("http://%d.example.com/", i), nil)
		}
		f.wait(time.Minute)
		f.out.took("")
		hanging, most := 0, 0
		f.out.answers(func(ctx context.Context, p post) deliver.Outcome {
			var n int
			fmt.Sscanf(p.URL, "http://%d", &n)
			if n%2 == 0 {
				return status(200)
			}
			f.out.mu.Lock()
			hanging++
			most = max(most, hanging)
			f.out.mu.Unlock()
			<-ctx.Done()
			f.out.mu.Lock()
			hanging--
			f.out.mu.Unlock()
			return deliver.Fail(ctx.Err(), false)
		})
		const messages = 20
		began := time.Now()
		for i := range messages {
			f.publish(topic, fmt.Sprint(i))
		}
		f.wait(time.Second)
		got := map[string]int{}
		for _, p := range f.out.took("") {
			got[p.URL]++
			if late := p.at.Sub(began); late > 500*time.Millisecond {
				t.Fatalf("%s had to wait %v", p.URL, late)
			}
		}
		for i := range 100 {
			url := fmt.Sprintf("http://%d.example.com/", i)
			if want := messages; i%2 == 0 && got[url] != want || i%2 == 1 && got[url] > attemptsAtOnce {
				t.Errorf("%s got %d", url, got[url])
			}
		}
		if most > 50*attemptsAtOnce {
			t.Errorf("%d attempts hung at once", most)
		}
		// A later message is not late either.
		f.publish(topic, "late")
		f.wait(time.Second)
		n := 0
		for _, p := range f.out.took("") {
			if f.open(string(p.Body)).Message == "late" {
				n++
			}
		}
		f.same(n, 50)
	})
}

// TestAttemptsThatHangEnd: an endpoint that never answers fails like any other.
func TestAttemptsThatHangEnd(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.failing(500, attrs{"DeliveryPolicy": `{"healthyRetryPolicy":{"numRetries":1,"minDelayTarget":1,"maxDelayTarget":1}}`})
		f.out.answers(func(ctx context.Context, _ post) deliver.Outcome {
			<-ctx.Done()
			return deliver.Fail(ctx.Err(), false)
		})
		f.publish(topic, "m")
		f.wait(3 * time.Minute)
		f.same(len(f.out.took(web)), 2)
		f.has(dead, "m")
	})
}

func TestDeletedQueueGoesToDeadLettersAtOnce(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, dead := f.topic("t", nil), f.queue("q", nil), f.queue("dead", nil)
		redrive := `{"deadLetterTargetArn":"` + dead + `"}`
		f.subscribe(topic, "sqs", q, attrs{"RedrivePolicy": redrive})
		f.subscribe(topic, "sqs", queueARN("never"), attrs{"RedrivePolicy": redrive, "RawMessageDelivery": "true"})
		f.does(sqsapi.DeleteQueue, &sqsapi.DeleteQueueRequest{QueueUrl: queueURL(q)})
		f.publish(topic, "m", with("a", "String", "v"))
		got := f.receive(dead)
		if len(got) != 2 {
			t.Fatalf("%d dead letters", len(got))
		}
		raw, enveloped := 0, 0
		for _, m := range got {
			if *m.Body == "m" && *m.MessageAttributes["a"].StringValue == "v" && len(m.MessageAttributes) == 1 {
				raw++
			} else if f.open(*m.Body).Message == "m" && len(m.MessageAttributes) == 0 {
				enveloped++
			}
		}
		f.same(fmt.Sprint(raw, enveloped), "1 1")
	})
}

func TestQueuesDecideWhoMaySend(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.topic("t", nil), f.queue("dead", nil)
		policy := func(queue, condition string) string {
			return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queue + `"` + condition + `}]}`
		}
		for i, c := range []struct {
			policy string // %s is the queue
			gets   bool
		}{
			{"", false}, // the same account is not enough
			{policy("%s", ""), true},
			{policy("%s", `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+topic+`"}}`), true},
			{policy("%s", `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:*:t"}}`), true},
			{policy("%s", `,"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}}`), true},
			{policy("%s", `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+topic+`2"}}`), false},
			{policy("arn:aws:sqs:us-east-1:000000000000:other", ""), false},
			{strings.Replace(policy("%s", ""), "sns.amazonaws.com", "events.amazonaws.com", 1), false},
			{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sqs:SendMessage","Resource":"%s"}]}`, false},
			{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"%s"}]}`, true},
		} {
			name := fmt.Sprint("q", i)
			q := f.queue(name, attrs{"Policy": strings.ReplaceAll(c.policy, "%s", queueARN(name))})
			arn := f.subscribe(topic, "sqs", q, attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
			f.publish(topic, "m") // is fine in any case
			if got := len(f.receive(q)) == 1; got != c.gets {
				t.Errorf("%s: %v", c.policy, got)
			}
			if got := len(f.receive(dead)) == 1; got == c.gets {
				t.Errorf("%s: dead letter: %v", c.policy, got)
			}
			f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: &arn})
		}
	})
}

// TestDeadLetterQueueDecidesToo: without its policy the message is lost, as on AWS.
func TestDeadLetterQueueDecidesToo(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.topic("t", nil), f.queue("dead", attrs{"Policy": ""})
		f.subscribe(topic, "sqs", queueARN("none"), attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		f.publish(topic, "m")
		f.has(dead)
		f.same(f.Stats().Failed.Load(), uint64(1))
	})
}

func TestElevenAttributesAreTooManyForARawQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q, raw, dead := f.topic("t", nil), f.queue("q", nil), f.queue("raw", nil), f.queue("dead", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.subscribe(topic, "sqs", raw, attrs{"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		var a []func(*snsapi.PublishInput)
		for i := range 10 {
			a = append(a, with(fmt.Sprint(i), "String", "v"))
		}
		f.publish(topic, "ten", a...)
		f.has(raw, "ten")
		f.publish(topic, "eleven", append(a, with("10", "String", "v"))...)
		f.has(raw)
		f.has(q, "ten", "eleven")
		// Nor would the dead-letter queue take them: it gets the envelope.
		f.same(len(f.open(*f.one(dead).Body).MessageAttributes), 11)
	})
}

// TestMoveTasksNeedADeadLetterQueueOfAQueue: one of a subscription is none to SQS.
func TestMoveTasksNeedADeadLetterQueueOfAQueue(t *testing.T) {
	virtually(t, func(f *fixture) {
		dead := f.queue("dead", nil)
		f.subscribe(f.topic("t", nil), "sqs", queueARN("q"), attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		_, err := try[sqsapi.StartMessageMoveTaskResult](f, sqsapi.StartMessageMoveTask, &sqsapi.StartMessageMoveTaskRequest{SourceArn: &dead})
		if err == nil {
			t.Error("a subscription's dead-letter queue can be redriven")
		}
	})
}

func TestQueuesThatCannotBeReachedGetTheirMessagesLater(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, q := f.topic("t", nil), f.queue("q", nil)
		f.subscribe(topic, "sqs", q, nil)
		f.gate.set(q, true)
		f.publish(topic, "m") // is durable all the same
		f.wait(time.Minute)
		f.has(q)
		f.gate.set(q, false)
		f.wait(time.Minute)
		f.has(q, "m")
		f.publish(topic, "n")
		f.has(q, "n")
	})
}

// TestDeadLettersWait: a dead letter is not lost because its queue cannot be reached.
func TestDeadLettersWait(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, dead := f.failing(404, nil)
		f.subscribe(topic, "sqs", queueARN("none"), attrs{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `"}`})
		f.gate.set(dead, true)
		f.publish(topic, "m")
		f.wait(10 * time.Minute)
		f.gate.set(dead, false)
		f.wait(2 * time.Minute)
		f.has(dead, "m", "m")
	})
}

func TestUnsubscribedEndpointsGetNothingThatWaited(t *testing.T) {
	virtually(t, func(f *fixture) {
		topic, _ := f.failing(500, nil)
		f.publish(topic, "m")
		f.wait(time.Second)
		f.same(len(f.out.took(web)), 1)
		for arn := range f.subs {
			f.does(snsapi.Unsubscribe, &snsapi.UnsubscribeInput{SubscriptionArn: new(arn.arn())})
		}
		f.out.answers(nil)
		f.wait(5 * time.Minute)
		for _, p := range f.out.took(web) {
			if p.kind() == typeNotification {
				t.Error("delivered after the end")
			}
		}
	})
}
