//go:build !linux

package loadtest

import "context"

// poller is for Linux only; elsewhere the runtime waits.
type poller struct{}

// runAll runs the workers until all have ended, and returns the first error.
func runAll(_ context.Context, workers []*worker, run func(*worker) error) error {
	return inParallel(workers, run)
}

func (c *conn) poll() error { return nil }

func (c *conn) write(b []byte) error {
	_, err := c.net.Write(b)
	return err
}

func (c *conn) receive(b []byte) (int, error) { return c.net.Read(b) }
