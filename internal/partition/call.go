package partition

// Call is the part of a Command that its caller waits on, for embedding. A Command with one
// may be used again when Wait has returned.
type Call struct {
	// Err is what Wait returns: Run may set it, and an error of Done takes its place.
	Err   error
	ended chan struct{} // 1 slot: sent to exactly once
}

// NewCall returns a Call for one caller.
func NewCall() Call { return Call{ended: make(chan struct{}, 1)} }

// Done implements Command.
func (c *Call) Done(err error) {
	if err != nil {
		c.Err = err
	}
	c.ended <- struct{}{}
}

// Wait returns when the command is done.
func (c *Call) Wait() error {
	<-c.ended
	err := c.Err
	c.Err = nil
	return err
}

// Ended gets a value when the command is done, for those who do not only wait for that. Who
// takes it finds the outcome in Err.
func (c *Call) Ended() <-chan struct{} { return c.ended }
