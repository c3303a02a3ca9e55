package stream

// call is the part of a command that its caller waits on.
type call struct {
	err   error
	ended chan struct{} // 1 slot: sent to exactly once
}

func newCall() call { return call{ended: make(chan struct{}, 1)} }

// Done implements partition.Command.
func (c *call) Done(err error) {
	if err != nil {
		c.err = err
	}
	c.ended <- struct{}{}
}

// wait returns when the command is done, and makes the call fit for reuse.
func (c *call) wait() error {
	<-c.ended
	err := c.err
	c.err = nil
	return err
}
