package store

// Collect collects deleted values now.
func (s *Store) Collect() error { return s.collect() }

// WithValueFiles has value files end at so many bytes.
func (o Options) WithValueFiles(bytes int64) Options {
	o.valueFileBytes = bytes
	return o
}
