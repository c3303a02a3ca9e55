package stream

import "sync"

// groupBytes is how much one command appends, unless a single target has more: a
// batch is looked at for being full between commands only.
const groupBytes = 1 << 20

// AppendEach appends to many shards at the same time: those in one partition share an
// fsync, and all of a node's partitions the disk's. Each target is stored or fails by
// itself; targets of the same shard keep their order. It returns when all is known.
// Targets may be used again afterwards.
func AppendEach(targets []*Target) {
	var few [4]*appendCommand // most calls need no more
	commands := few[:0]
	for _, t := range targets {
		if t.prepare() {
			commands = add(commands, t)
		}
	}
	for _, c := range commands {
		for _, t := range c.targets {
			t.pack()
		}
		c.targets[0].Shard.m.p.Submit(c)
	}
	var elsewhere []*appendCommand
	for _, c := range commands {
		err := c.Wait()
		if c.targets[0].Shard.elsewhere(err) {
			elsewhere = append(elsewhere, c)
			continue
		}
		c.finish(err)
	}
	if len(elsewhere) > 0 {
		forward(elsewhere)
	}
}

// add puts a target into the last command of its partition that has room.
func add(commands []*appendCommand, t *Target) []*appendCommand {
	for i := len(commands) - 1; i >= 0; i-- {
		c := commands[i]
		if c.targets[0].Shard.m != t.Shard.m {
			continue
		}
		if c.size+t.size > groupBytes {
			break
		}
		c.targets = append(c.targets, t)
		c.size += t.size
		return commands
	}
	c := t.Shard.m.engine.appends.Get().(*appendCommand)
	c.targets, c.size = append(c.targets, t), t.size
	return append(commands, c)
}

// finish tells the targets what became of the command, if they all failed, and gives
// the command back.
func (c *appendCommand) finish(err error) {
	e := c.targets[0].Shard.m.engine
	for i, t := range c.targets {
		if err != nil {
			t.Err = err
		}
		if t.Err != nil {
			t.Appended = Appended{}
		}
		t.chunks = nil
		c.targets[i] = nil
	}
	c.targets = c.targets[:0]
	e.appends.Put(c)
}

// forward has owners on other nodes append: partitions at the same time, and the
// commands of one in order.
func forward(commands []*appendCommand) {
	var running sync.WaitGroup
	for i, first := range commands {
		m := first.targets[0].Shard.m
		if i > 0 && inPartition(commands[:i], m) {
			continue
		}
		running.Go(func() {
			for _, c := range commands[i:] {
				if c.targets[0].Shard.m == m {
					m.appendElsewhere(c)
				}
			}
		})
	}
	running.Wait()
	for _, c := range commands {
		c.finish(nil)
	}
}

func inPartition(commands []*appendCommand, m *machine) bool {
	for _, c := range commands {
		if c.targets[0].Shard.m == m {
			return true
		}
	}
	return false
}
