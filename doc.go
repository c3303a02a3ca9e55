// Package spillway serves Amazon SQS wire-compatibly, in process: for Go tests
// that want a real server on a free port, and for programs that embed one.
//
//	srv, err := spillway.Start(ctx, spillway.Config{})
//	if err != nil { ... }
//	defer srv.Close()
//	// point any AWS SDK at srv.Endpoint(); any credentials work
//
// Any number of servers run in one process; they share nothing. The command
// cmd/spillway is the same server with a command line.
package spillway

//go:generate go run ./cmd/gen

//go:generate go run ./cmd/gen
