package bus

import (
	"log/slog"
	"sync"
	"time"
	_ "unsafe" // for linkname

	_ "github.com/nats-io/nats-server/v2/server" // has what is linked
)

// nats-server's election time-outs are variables that no option reaches: 4 to 9 s,
// for which nobody would own the partitions of a node that died. These are set
// instead (measured: 0.7 to 1.0 s without a leader, ENGINE.md 3.3).
//
// They belong to the process and not to a server: the one exception to the rule that
// no package has state, since they are nats-server's.

//go:linkname minElectionTimeout github.com/nats-io/nats-server/v2/server.minElectionTimeout
var minElectionTimeout time.Duration

//go:linkname maxElectionTimeout github.com/nats-io/nats-server/v2/server.maxElectionTimeout
var maxElectionTimeout time.Duration

//go:linkname hbInterval github.com/nats-io/nats-server/v2/server.hbInterval
var hbInterval time.Duration

// The leader that hears of nobody any more gives up after lostQuorumInterval, which
// it looks at every lostQuorumCheck: 10 s each in nats-server, so that one that was
// cut off believed for 20 s that it leads (measured).
//
//go:linkname lostQuorumInterval github.com/nats-io/nats-server/v2/server.lostQuorumInterval
var lostQuorumInterval time.Duration

//go:linkname lostQuorumCheck github.com/nats-io/nats-server/v2/server.lostQuorumCheck
var lostQuorumCheck time.Duration

const (
	stockMin, stockMax, stockBeat = 4 * time.Second, 9 * time.Second, time.Second
	stockLost                     = 10 * time.Second
	fastMin, fastMax, fastBeat    = 900 * time.Millisecond, 1600 * time.Millisecond, 200 * time.Millisecond
	fastLost, fastLostCheck       = 3 * time.Second, 500 * time.Millisecond
)

var setElection sync.Once

// fastElections shortens the time-outs before the first server starts. If they are
// not what this was written for, another version of nats-server gives them another
// meaning, and they stay as they are: fail-over then takes 4 to 9 s.
func fastElections(logger *slog.Logger) {
	setElection.Do(func() {
		if minElectionTimeout != stockMin || maxElectionTimeout != stockMax || hbInterval != stockBeat ||
			lostQuorumInterval != stockLost || lostQuorumCheck != stockLost {
			logger.Warn("the election time-outs of this nats-server are not the known ones: fail-over will be slower",
				"min", minElectionTimeout, "max", maxElectionTimeout, "heartbeat", hbInterval)
			return
		}
		minElectionTimeout, maxElectionTimeout, hbInterval = fastMin, fastMax, fastBeat
		lostQuorumInterval, lostQuorumCheck = fastLost, fastLostCheck
	})
}
