package core

// Source reads what is stored.
type Source interface {
	// Chunk returns the first chunk whose last record is in [from, below), without
	// its records; ok is false if there is none.
	Chunk(from, below uint64) (p Part, ok bool, err error)
}

// Search returns the first record in [from, below) at or after a time, and its time;
// below and 0 if there is none. It reads a chunk for each halving of the range.
func Search(src Source, from, below uint64, time int64) (seq uint64, at int64, err error) {
	// All before from are older than time, all from below on are not; the first of those
	// is at first, if any was seen.
	first := uint64(0)
	for from < below {
		middle := from + (below-from)/2
		p, ok, err := src.Chunk(middle, below)
		switch {
		case err != nil:
			return 0, 0, err
		case !ok: // trimmed meanwhile
			below = middle
		case p.Time < time:
			from = p.Last() + 1
		default:
			// The chunk that holds it, or one after a hole.
			below, at, first = max(from, min(middle, p.First)), p.Time, p.First
		}
	}
	return max(from, first), at, nil
}
