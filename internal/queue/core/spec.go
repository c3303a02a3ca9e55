package core

// Spec is how a queue behaves. It may change at any time; times are milliseconds.
type Spec struct {
	FIFO        bool
	Lease       int64 // default visibility time-out of a delivery
	Delay       int64 // of messages that bring none
	Retention   int64 // age at which a message is dropped, counted from SentAt
	MaxInFlight int   // leased messages, above which nothing is delivered
	// DeadLetter is the queue that takes a message whose next delivery would be
	// number MaxDeliveries+1; 0 for none.
	DeadLetter    uint64
	MaxDeliveries uint32
}

// limits bound what a queue keeps in memory, in messages unless said otherwise.
// They are fields so that tests can make them small.
type limits struct {
	windowPlain  int // read-ahead of a queue without groups
	windowGroups int // read-ahead of a standard queue with several groups
	windowFIFO   int // how far a FIFO queue looks for a group that is not blocked
	chunk        int // of one read from the Source
	chunkBytes   int
	delayWindow  int    // delayed messages that are resident
	delayChunk   int    // of one read of the delay lane, which costs a point read each
	sweepBatch   int    // expired messages dropped in one Advance
	sweepEvery   int64  // pause between looks for expired messages, ms
	rangeDelete  uint64 // length of a deleted prefix that is worth a range delete
}

func defaultLimits() limits {
	return limits{
		windowPlain:  2048,
		windowGroups: 20_000,  // enough to see quiet tenants behind a noisy one's backlog
		windowFIFO:   120_000, // AWS documents it, leased messages included
		chunk:        1024,
		chunkBytes:   1 << 20,
		delayWindow:  4096,
		delayChunk:   256,
		sweepBatch:   1024,
		sweepEvery:   1000,
		rangeDelete:  8192,
	}
}

const (
	// DedupWindow is how long a FIFO deduplication id is remembered (ms).
	DedupWindow = 5 * 60 * 1000
	// AttemptWindow is how long a receive attempt id is remembered (ms).
	AttemptWindow = 5 * 60 * 1000
	// MaxLease is the longest a message stays hidden from the delivery that
	// leased it (ms). AWS: 12 hours in total, extensions included.
	MaxLease = 43_200 * 1000
	// firstSequence makes sequence numbers 20 digits long in decimal, as clients
	// of FIFO queues see them.
	firstSequence = 10_000_000_000_000_000_000
)
