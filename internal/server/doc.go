// Package server builds, starts and stops everything: it is the only package that
// imports widely, and nothing but the root package and cmd imports it.
//
// Start goes bottom up: store, partitions, engines, services, gateway, listener.
// Shutdown goes top down, and each step says why it comes when it does.
package server
