package main

import (
	"errors"
	"strings"
	"syscall"
)

// explain is an error with what to do about it, on one line if the error is.
func explain(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return text + ": another program has the port: stop it or choose another with --listen"
	case errors.Is(err, syscall.EACCES) && strings.Contains(text, "listen "):
		return text + ": ports below 1024 need privileges: choose another with --listen"
	case errors.Is(err, syscall.ENOSPC):
		return text + ": the disk is full: free some space or choose another folder with --data-dir"
	}
	return text
}
