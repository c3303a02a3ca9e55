package server

import (
	"context"
	"crypto/rand"
	"flag"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"testing"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/gateway"
	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/store"
)

var bareListen = flag.String("bare", "", "serve a bare SendMessage on this address until interrupted")

// TestServeBare is the yardstick of docs/PERFORMANCE.md: a SendMessage that does
// nothing but what every durable one must. It goes through the same gateway,
// verifies the same signature, decodes with the same codec and waits for the same
// group commit of the same bytes, with no queue behind it.
func TestServeBare(t *testing.T) {
	if *bareListen == "" {
		t.Skip("for measuring by hand: -bare HOST:PORT")
	}
	st, err := store.Open(store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	set, err := partition.OpenSet(st, partition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Start(); err != nil {
		t.Fatal(err)
	}
	directory, err := iam.NewDirectory(iam.Config{Accounts: []iam.Account{{ID: "000000000000", RootKeys: []iam.Key{
		{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
	}}}}, make([]byte, 32), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bare{partition: set.All()[0]}
	g := gateway.New(gateway.Config{Services: []*service.Service{b.service()}, Auth: gateway.NewVerify(directory)})
	l, err := net.Listen("tcp", *bareListen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		<-ctx.Done()
		if err := g.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := g.Serve(l); err != nil {
		t.Error(err)
	}
	if err := set.Close(context.Background()); err != nil {
		t.Error(err)
	}
	st.Close()
}

// bare is the service.
type bare struct {
	partition *partition.Partition
	next      atomic.Uint64
}

func (b *bare) service() *service.Service {
	var table service.Table[*bare]
	anyone := service.Access{}
	service.Register(&table, sqsapi.CreateQueue,
		func(*bare, *service.Call, *sqsapi.CreateQueueRequest) (service.Access, error) { return anyone, nil },
		func(_ *bare, _ context.Context, c *service.Call, in *sqsapi.CreateQueueRequest) (*sqsapi.CreateQueueResult, error) {
			return &sqsapi.CreateQueueResult{QueueUrl: new(c.BaseURL + "/000000000000/" + *in.QueueName)}, nil
		})
	service.Register(&table, sqsapi.SendMessage,
		func(*bare, *service.Call, *sqsapi.SendMessageRequest) (service.Access, error) { return anyone, nil },
		(*bare).send)
	return table.Bind(sqsapi.Service, b)
}

func (b *bare) send(_ context.Context, _ *service.Call, in *sqsapi.SendMessageRequest) (*sqsapi.SendMessageResult, error) {
	// As many bytes as a message record has: the body and 60 more.
	w := &write{key: b.next.Add(1), value: make([]byte, 60+len(*in.MessageBody)), ended: make(chan error, 1)}
	b.partition.Submit(w)
	if err := <-w.ended; err != nil {
		return nil, err
	}
	id := "00000000-0000-0000-0000-000000000000"
	return &sqsapi.SendMessageResult{MessageId: &id, MD5OfMessageBody: &id}, nil
}

type write struct {
	key   uint64
	value []byte
	ended chan error
}

func (w *write) Run(tx *partition.Tx) {
	tx.Batch.Set(store.AppendKey(nil, tx.Partition(), store.SpaceMessage, 1, w.key), w.value)
}

func (w *write) Done(err error) { w.ended <- err }
