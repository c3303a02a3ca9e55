package loadtest

import (
	"context"
	"errors"
	"iter"
	"syscall"
	"time"
	"unsafe"
)

// poller lets a connection wait for its response without a goroutine of its own.
type poller struct {
	fd       int
	wait     func() error       // returns when there is something to read
	register func(fd int) error // makes wait hear of a new socket
}

// pollTime bounds a wait in the kernel, so that the garbage collector does not wait
// long for this thread.
const pollTime = 10 * time.Millisecond

// errStopped ends workers when another one failed.
var errStopped = errors.New("stopped")

// task is one worker on the loop, as a coroutine that yields while it waits.
type task struct {
	resume func() (struct{}, bool)
	stop   func()
	err    error
}

// runAll runs the workers until all have ended, and returns the first error. They
// share one thread: with a goroutine each the load generator costs half as much
// again, as the runtime tries every read in vain before it parks, and keeps waking
// its monitor thread.
func runAll(ctx context.Context, workers []*worker, run func(*worker) error) error {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer syscall.Close(epoll)
	tasks := make([]*task, len(workers))
	for i, w := range workers {
		t := &task{}
		tasks[i] = t
		t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
			w.conn.poller = &poller{
				wait: func() error {
					if !yield(struct{}{}) {
						return errStopped
					}
					return nil
				},
				register: func(fd int) error {
					return syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)})
				},
			}
			defer func() { w.conn.poller = nil }()
			if t.err = w.conn.poll(); t.err == nil {
				t.err = run(w)
			}
		})
	}
	defer func() {
		for _, t := range tasks {
			t.stop()
		}
	}()
	return loop(ctx, epoll, tasks)
}

func loop(ctx context.Context, epoll int, tasks []*task) error {
	live := len(tasks)
	step := func(t *task) error {
		if _, waits := t.resume(); !waits {
			live--
			return t.err
		}
		return nil
	}
	for _, t := range tasks {
		if err := step(t); err != nil {
			return err
		}
	}
	events := make([]syscall.EpollEvent, len(tasks))
	for live > 0 {
		n, err := epollWait(epoll, events)
		if err != nil {
			return err
		}
		if n == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range events[:n] {
			if err := step(tasks[e.Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

// epollWait does not tell the runtime that it waits: telling wakes a thread.
func epollWait(epoll int, events []syscall.EpollEvent) (int, error) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(pollTime/time.Millisecond), 0, 0)
	switch e {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, e
}

// poll hands the connection's socket to the poller.
func (c *conn) poll() error {
	raw, err := c.net.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { c.poller.fd = int(fd) }); err != nil {
		return err
	}
	return c.poller.register(c.poller.fd)
}

// write sends a request.
func (c *conn) write(b []byte) error {
	if c.poller != nil {
		n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.poller.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if e == 0 {
			b = b[n:]
		}
		if len(b) == 0 {
			return c.poller.wait()
		}
		// A full socket or an error: the runtime knows what to do.
	}
	if _, err := c.net.Write(b); err != nil || c.poller == nil {
		return err
	}
	return c.poller.wait()
}

// receive reads what there is of a response.
func (c *conn) receive(b []byte) (int, error) {
	for c.poller != nil {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.poller.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if e == 0 && n > 0 {
			return int(n), nil
		}
		if e != syscall.EAGAIN {
			break // its end or an error: the runtime says it better
		}
		if err := c.poller.wait(); err != nil {
			return 0, err
		}
	}
	return c.net.Read(b)
}
