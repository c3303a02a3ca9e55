// Package conformance runs public test suites of other projects against Spillway.
// It is a module of its own, so that nothing of it reaches the product's
// dependencies.
package conformance
