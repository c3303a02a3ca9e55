package sns

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spillway/spillway/internal/api/snsapi"
	"github.com/spillway/spillway/internal/store/storetest"
)

// after is the service on what a power failure left.
func (f *fixture) after(fs *storetest.FS) *fixture {
	f.Helper()
	return newFixtureOf(f.T, storetest.Open(f.T, fs), f.out)
}

const crashes = 4 // of each run

// TestPowerFailure publishes from several sides and cuts the power now and then. What
// was acknowledged must be in each queue that matches, in order and once in FIFO queues.
func TestPowerFailure(t *testing.T) {
	t.Parallel()
	runs := int64(3)
	if testing.Short() {
		runs = 1
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { powerFailures(t, seed) })
		})
	}
}

// acknowledged are the texts of messages, by publisher, at the moment of a crash.
type acknowledged struct {
	fs   *storetest.FS
	sent map[string][]string
}

func powerFailures(t *testing.T, seed int64) {
	fs := storetest.NewFS(seed)
	f := newFixture(t, storetest.Open(t, fs))
	standard, ordered := f.topic("t", nil), f.topic("t.fifo", nil)
	queues := []string{f.queue("1", nil), f.queue("2", nil), f.queue("1.fifo", nil), f.queue("2.fifo", nil)}
	f.subscribe(standard, "sqs", queues[0], nil)
	f.subscribe(standard, "sqs", queues[1], attrs{"RawMessageDelivery": "true", "FilterPolicy": `{"even":["yes"]}`})
	f.subscribe(ordered, "sqs", queues[0], nil)
	f.subscribe(ordered, "sqs", queues[2], nil)
	f.subscribe(ordered, "sqs", queues[3], attrs{"RawMessageDelivery": "true"})

	var mu sync.Mutex
	sent := map[string][]string{}
	var cuts []acknowledged
	rng := rand.New(rand.NewPCG(uint64(seed), 9))
	acknowledge := func(who string, texts ...string) {
		mu.Lock()
		defer mu.Unlock()
		sent[who] = append(sent[who], texts...)
		if len(cuts) == crashes || rng.IntN(20) != 0 {
			return
		}
		now := acknowledged{sent: map[string][]string{}}
		for k, v := range sent {
			now.sent[k] = append([]string(nil), v...)
		}
		now.fs = fs.Crash()
		cuts = append(cuts, now)
	}
	var publishing sync.WaitGroup
	for n := range 4 {
		who := fmt.Sprint(n)
		publishing.Go(func() { // standard
			for i := range 60 {
				text := fmt.Sprintf("s%s-%03d", who, i)
				even := map[bool]string{true: "yes", false: "no"}[i%2 == 0]
				f.publish(standard, text, with("even", "String", even))
				acknowledge("s"+who, text)
			}
		})
		publishing.Go(func() { // FIFO, two at a time
			for i := 0; i < 60; i += 2 {
				one, two := fmt.Sprintf("f%s-%03d", who, i), fmt.Sprintf("f%s-%03d", who, i+1)
				must[snsapi.PublishBatchResponse](f, snsapi.PublishBatch, batch(ordered, entry("a", one, group(who), dedup(one)), entry("b", two, group(who), dedup(two))))
				acknowledge("f"+who, one, two)
			}
		})
	}
	publishing.Wait()
	if len(cuts) == 0 {
		t.Fatal("no crash")
	}
	for _, cut := range cuts {
		afterPowerFailure(f.after(cut.fs), queues, cut.sent)
	}
}

func afterPowerFailure(f *fixture, queues []string, sent map[string][]string) {
	f.Helper()
	f.wait(30 * time.Second)
	for i, q := range queues {
		have, last := map[string]int{}, map[byte]string{}
		for _, m := range f.receive(q) {
			text := *m.Body
			if strings.HasPrefix(text, "{") {
				text = f.open(text).Message
			}
			have[text]++
			if strings.HasSuffix(q, ".fifo") {
				if have[text] > 1 || last[text[1]] >= text {
					f.Errorf("%s: %s after %s", q, text, last[text[1]])
				}
				last[text[1]] = text
			}
		}
		for who, texts := range sent {
			for n, text := range texts {
				gets := i == 0 || i == 1 && who[0] == 's' && n%2 == 0 || i >= 2 && who[0] == 'f'
				if gets && have[text] == 0 {
					f.Errorf("%s: %s was acknowledged and is lost", q, text)
				}
			}
		}
	}
	f.close()
}

// TestFIFOOnAFullDisk: what was taken before the disk was full waits, and stays in order.
func TestFIFOOnAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := storetest.NewFS(1)
		fs.SetFree(1 << 40)
		f := newFixture(t, storetest.Open(t, fs))
		topic, q := f.topic("t.fifo", nil), f.queue("q.fifo", nil)
		f.subscribe(topic, "sqs", q, attrs{"RawMessageDelivery": "true"})
		f.gate.set(q, true)
		for i := range 5 {
			f.publish(topic, fmt.Sprintf("g-%03d", i), group("g"), dedup(fmt.Sprint(i)))
		}
		fs.SetFree(1)
		f.wait(time.Minute)
		_, err := try[snsapi.PublishResponse](f, snsapi.Publish, message(topic, "m", group("g"), dedup("m")))
		f.isError(err, "ServiceUnavailable", "The server is short of disk space. Try again later.")
		f.gate.set(q, false)
		f.wait(time.Minute)
		fs.SetFree(1 << 40)
		f.wait(time.Minute)
		inOrder(f, q, 1, 5)
	})
}

// TestAttemptsAreCountedAcrossRestarts: deliveries go on where they were.
func TestAttemptsAreCountedAcrossRestarts(t *testing.T) {
	for _, way := range []string{"stop", "crash"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fs := storetest.NewFS(1)
				f := newFixture(t, storetest.Open(t, fs))
				topic, dead := f.failing(500, nil)
				f.publish(topic, "m")
				began := time.Now()
				f.wait(25 * time.Second) // two attempts
				if n := len(f.out.took(web)); n != 2 {
					t.Fatalf("%d attempts", n)
				}
				if way == "stop" {
					f.restart()
				} else {
					cut := fs.Crash()
					f.close()
					f.out.took(web)
					f = f.after(cut)
				}
				f.wait(time.Minute)
				posts := f.out.took(web)
				if len(posts) != 2 || posts[0].at.Sub(began).Round(2*time.Second) != 40*time.Second || posts[1].at.Sub(began).Round(2*time.Second) != 60*time.Second {
					t.Errorf("%d more attempts: %v", len(posts), times(posts))
				}
				f.has(dead, "m")
			})
		})
	}
}

// TestPublishIsDurableForHTTP: what was acknowledged goes out after a power failure.
func TestPublishIsDurableForHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := storetest.NewFS(3)
		f := newFixture(t, storetest.Open(t, fs))
		topic := f.topic("t", nil)
		f.confirmed(topic, "http", web, nil)
		f.wait(time.Second)
		f.out.took("")
		f.publish(topic, "m")
		cut := fs.Crash()
		f.close()
		f.out.took("")
		f = f.after(cut)
		f.wait(time.Minute + 10*time.Second) // an attempt was under way: its lease may have to end
		got := f.out.took(web)
		if len(got) != 1 || f.open(string(got[0].Body)).Message != "m" {
			t.Errorf("%+v", got)
		}
	})
}
