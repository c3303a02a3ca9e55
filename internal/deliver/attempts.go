package deliver

import (
	"context"
	"errors"
	"sync"
)

var errClosed = errors.New("deliver: shutting down")

// Attempts are what a sender has under way, so that it can end with none. They
// are made by NewAttempts.
type Attempts struct {
	life context.Context // until Close
	end  context.CancelFunc

	mu      sync.Mutex // orders running.Add, and so the end of life, before running.Wait
	running sync.WaitGroup
}

// NewAttempts returns none.
func NewAttempts() *Attempts {
	a := new(Attempts)
	a.life, a.end = context.WithCancel(context.Background())
	return a
}

// Begin begins an attempt, which lasts until done is called. Its context is the
// one to use: Close ends it. After Close there is an error, worth another attempt.
func (a *Attempts) Begin(ctx context.Context) (_ context.Context, done func(), _ error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life.Err() != nil {
		return nil, nil, errClosed
	}
	a.running.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(a.life, func() { cancel(errClosed) })
	return ctx, func() {
		release()
		cancel(nil)
		a.running.Done()
	}, nil
}

// Close ends all attempts and waits for them. It may be called again.
func (a *Attempts) Close() {
	a.mu.Lock()
	a.end()
	a.mu.Unlock()
	a.running.Wait()
}
