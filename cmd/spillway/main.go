// Command spillway serves Amazon SQS, SNS, Kinesis and related services, on one machine or on
// several that are one cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line. One file per command.
type cli struct {
	Serve       serveCommand       `cmd:"" default:"withargs" help:"Run the server (the default)."`
	Backup      backupCommand      `cmd:"" help:"Copy the data folder, of a running server too."`
	Check       checkCommand       `cmd:"" help:"Verify everything in a data folder that no server uses."`
	Cluster     clusterCommand     `cmd:"" help:"Look at a cluster, make one, change it."`
	Outbox      outboxCommand      `cmd:"" help:"Print the e-mail, texts and pushes that a running server sent to nobody."`
	Bench       benchCommand       `cmd:"" help:"Load a server and measure it."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a server whether it is ready; exit code 0 if so."`
	Config      configCommand      `cmd:"" help:"Look at the configuration."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// process is what commands get of their surroundings.
type process struct {
	ctx            context.Context
	stdout, stderr io.Writer
	env            func(string) (string, bool)
}

// exitError ends the process with a code, and nothing more to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() { os.Exit(run(os.Args[1:])) }

// run is main with an exit code: 1 for what went wrong, 2 for wrong usage.
func run(args []string) int {
	p := &process{ctx: context.Background(), stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	exited := -1
	parser, err := kong.New(&cli{},
		kong.Name("spillway"), kong.Description("Amazon SQS, SNS and Kinesis on your own machines, wire-compatible."),
		kong.UsageOnError(), kong.Writers(p.stdout, p.stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(p.stderr, "spillway:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited // help was asked for
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "spillway:", err)
		return 2
	}
	switch err, exit := command.Run(p), exitError(0); {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	default:
		fmt.Fprintln(p.stderr, "spillway:", explain(err))
		return 1
	}
}
