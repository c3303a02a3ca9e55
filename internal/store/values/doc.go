// Package values keeps large values in files of their own, each written once: past the
// page cache where the system can (direct_linux.go), made durable by one sync, and never
// changed. Who stores a value keeps its Pointer, in a store of small things.
//
//	DATA/values/000001.val    values, one after the other, without anything between them
//
// A file is a sequence of extents. A Writer reserves one, fills it in memory and writes it
// whole; several write to one file at the same time. What they reserve and do not use is
// given back, or remains a hole, which takes no space. There is nothing to recover after a
// crash: no file is appended to by a later process, and what no pointer leads to is
// collected like what was deleted.
//
// Collection is mark and sweep: the caller goes through all pointers (Mark, Marks.Live),
// makes sure that what is gone stays gone after a crash, and takes back what is dead
// (Marks.Dead, Reclaim), little by little. A file that nothing is alive in is removed; long
// dead stretches of others become holes, where the system can make them.
package values
