package sns

import "flag"

var update = flag.Bool("update", false, "write the golden files and docs/compat/sns.md instead of comparing")
