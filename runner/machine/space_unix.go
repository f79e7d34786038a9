//go:build linux || darwin

package machine

import "golang.org/x/sys/unix"

// statFree returns the free bytes of the file system that holds the folder dir, if there is such a folder.
func statFree(dir string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // the fields' types differ between systems
}
