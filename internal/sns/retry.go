package sns

import (
	"math"
	"time"
)

// retryPolicy is a healthyRetryPolicy: when an HTTP delivery that failed is tried
// again. Delays are in seconds.
//
// AWS: "Amazon SNS message delivery retries", Creating an HTTP/S delivery policy.
type retryPolicy struct {
	MinDelayTarget     int    `json:"minDelayTarget"`
	MaxDelayTarget     int    `json:"maxDelayTarget"`
	NumRetries         int    `json:"numRetries"`
	NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
	NumNoDelayRetries  int    `json:"numNoDelayRetries"`
	NumMinDelayRetries int    `json:"numMinDelayRetries"`
	BackoffFunction    string `json:"backoffFunction"`
}

func defaultRetries() retryPolicy {
	return retryPolicy{MinDelayTarget: 20, MaxDelayTarget: 20, NumRetries: 3, BackoffFunction: "linear"}
}

// Limits of a retry policy.
const (
	maxDelayTarget = 3600
	maxRetries     = 100
	maxRetryTime   = 3600 * time.Second
)

// check returns what is wrong with the policy, "" for nothing.
func (p *retryPolicy) check() string {
	phases := p.NumNoDelayRetries + p.NumMinDelayRetries + p.NumMaxDelayRetries
	switch {
	case p.NumRetries < 0 || p.NumRetries > maxRetries:
		return "numRetries must be between 0 and 100"
	case p.MinDelayTarget < 1 || p.MinDelayTarget > maxDelayTarget:
		return "minDelayTarget must be between 1 and 3600"
	case p.MaxDelayTarget < p.MinDelayTarget || p.MaxDelayTarget > maxDelayTarget:
		return "maxDelayTarget must be between minDelayTarget and 3600"
	case p.NumNoDelayRetries < 0 || p.NumMinDelayRetries < 0 || p.NumMaxDelayRetries < 0 || phases > p.NumRetries:
		return "the numbers of retries of the phases must not be negative, nor more than numRetries in all"
	case rise[p.BackoffFunction] == nil:
		return "backoffFunction must be one of linear, arithmetic, geometric, exponential"
	}
	var total time.Duration
	for i := 1; i <= p.NumRetries; i++ {
		delay, _ := p.delay(i)
		total += delay
	}
	if total > maxRetryTime {
		return "the total time of all retries must not be more than 3600 seconds"
	}
	return ""
}

// delay is how long to wait before retry i, from 1; false after the last.
func (p *retryPolicy) delay(i int) (time.Duration, bool) {
	between := p.NumRetries - p.NumNoDelayRetries - p.NumMinDelayRetries - p.NumMaxDelayRetries
	lo, hi := float64(p.MinDelayTarget), float64(p.MaxDelayTarget)
	seconds := hi
	switch {
	case i > p.NumRetries:
		return 0, false
	case i <= p.NumNoDelayRetries:
		seconds = 0
	case i <= p.NumNoDelayRetries+p.NumMinDelayRetries:
		seconds = lo
	case i <= p.NumNoDelayRetries+p.NumMinDelayRetries+between:
		seconds = rise[p.BackoffFunction](lo, hi, i-p.NumNoDelayRetries-p.NumMinDelayRetries, between)
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// rise are the back-off functions: delay number i of n between lo and hi, both of
// which are reached if there are at least two. AWS shows their curves, not formulas.
var rise = map[string]func(lo, hi float64, i, n int) float64{
	"linear": func(lo, hi float64, i, n int) float64 { return lo + (hi-lo)*share(i-1, n-1) },
	// The steps grow by the same amount.
	"arithmetic": func(lo, hi float64, i, n int) float64 { return lo + (hi-lo)*share((i-1)*i, (n-1)*n) },
	// Each delay is the same multiple of the one before.
	"geometric": func(lo, hi float64, i, n int) float64 { return lo * math.Pow(hi/lo, share(i-1, n-1)) },
	// Each step is twice the one before.
	"exponential": func(lo, hi float64, i, n int) float64 {
		if n < 2 {
			return lo
		}
		return lo + (hi-lo)*(math.Exp2(float64(i-1))-1)/(math.Exp2(float64(n-1))-1)
	},
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// managed is the fixed policy of endpoints that AWS runs (SQS, Lambda, Firehose): at
// once, then with a pause, then slower and slower, 100,015 attempts over 23 days.
func managed(i int) (time.Duration, bool) {
	switch {
	case i <= 3:
		return 0, true
	case i <= 5:
		return time.Second, true
	case i <= 15:
		return exponential(time.Second, 20*time.Second, i-5, 10), true
	case i <= 100_015:
		return 20 * time.Second, true
	}
	return 0, false
}

// customer is the fixed policy of e-mail, SMS and mobile push: 50 attempts over 6 h.
func customer(i int) (time.Duration, bool) {
	switch {
	case i <= 2:
		return 10 * time.Second, true
	case i <= 12:
		return exponential(10*time.Second, 600*time.Second, i-2, 10), true
	case i <= 50:
		return 600 * time.Second, true
	}
	return 0, false
}

func exponential(lo, hi time.Duration, i, n int) time.Duration {
	return time.Duration(rise["exponential"](float64(lo), float64(hi), i, n))
}
