package main

import (
	"encoding/json"
	"fmt"

	"github.com/spillway/spillway/internal/server"
)

type outboxCommand struct {
	configFlags
	After uint64 `help:"Messages after this sequence."`
	Limit int    `default:"100" help:"Most messages to print."`
}

// Run prints what a running server sent to nobody, a line of JSON each.
func (o *outboxCommand) Run(p *process) error {
	c, err := o.load(p)
	if err != nil {
		return err
	}
	messages, err := server.Outbox(p.ctx, c.DataDir, o.After, o.Limit)
	if err != nil {
		return fmt.Errorf("outbox of %s: %w", c.DataDir, err)
	}
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	for i := range messages {
		if err := out.Encode(&messages[i]); err != nil {
			return err
		}
	}
	return nil
}
