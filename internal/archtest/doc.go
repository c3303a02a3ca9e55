// Package archtest holds the rules that keep the repository easy to find one's way
// in, as tests: which package may import which, how large files, functions and
// structs may grow, and that every package says what it is. A rule is a row in a
// table; an exception is a row with a reason.
package archtest
