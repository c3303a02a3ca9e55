// Package e2e tests whole servers from outside: in process through the public
// package, byte by byte over HTTP and through aws-sdk-go-v2, and as the built
// binary that is killed. What a call means is tested in internal/sqs; here is what
// the wire adds. Comments with numbers are the facts' (facts-sqs.md).
package e2e
