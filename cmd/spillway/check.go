package main

import (
	"fmt"
	"os"

	"github.com/spillway/spillway/internal/server"
)

type checkCommand struct {
	Dir string `arg:"" type:"path" help:"Data folder, or a backup of one."`
}

// Run verifies a data folder: exit code 1 and a line for each thing wrong.
func (c *checkCommand) Run(p *process) error {
	if _, err := os.Stat(c.Dir); err != nil {
		return err
	}
	wrong, err := server.Check(p.ctx, c.Dir)
	if err != nil {
		return fmt.Errorf("check of %s: %w", c.Dir, err)
	}
	for _, line := range wrong {
		fmt.Fprintln(p.stdout, line)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: %d things are wrong", c.Dir, len(wrong))
	}
	fmt.Fprintln(p.stdout, c.Dir+": everything is in order")
	return nil
}
