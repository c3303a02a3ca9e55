package main

import (
	"fmt"

	"github.com/spillway/spillway/internal/server"
)

type backupCommand struct {
	configFlags
	Dest string `arg:"" name:"dir" type:"path" help:"Folder to make; it must not exist."`
}

// Run makes a backup.
func (b *backupCommand) Run(p *process) error {
	c, err := b.load(p)
	if err != nil {
		return err
	}
	if err := server.Backup(p.ctx, c.DataDir, b.Dest); err != nil {
		return fmt.Errorf("backup of %s: %w", c.DataDir, err)
	}
	fmt.Fprintf(p.stdout, "backup of %s in %s: a data folder for --data-dir\n", c.DataDir, b.Dest)
	return nil
}
