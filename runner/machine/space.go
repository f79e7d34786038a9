package machine

import "path/filepath"

// FreeSpace returns the bytes that this user may still write under dir, which need not exist yet.
func FreeSpace(dir string) int64 {
	for {
		if n, ok := statFree(dir); ok {
			return n
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return 0
		}
		dir = parent
	}
}
