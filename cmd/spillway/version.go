package main

import (
	"fmt"
	"runtime"

	"github.com/spillway/spillway/internal/server"
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(p *process) error {
	fmt.Fprintf(p.stdout, "spillway %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

func version() string { return server.Version() }
