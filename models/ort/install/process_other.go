//go:build !unix

package install

import "os/exec"

// ownGroup does nothing here: cancelling ends the process itself.
func ownGroup(*exec.Cmd) {}

// syncDir does nothing here: folders cannot be synced.
func syncDir(string) error { return nil }
