package machine

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Limits are what the kernel's control groups (version 2) leave to this process; zero means no limit.
type Limits struct {
	Cores  float64
	Memory int64 // bytes
}

// ControlGroups returns the tightest limits of this process's control group and those above it.
func ControlGroups() Limits { return controlGroups(system()) }

func controlGroups(root fs.FS) Limits {
	var l Limits
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return l
	}
	var group string
	for line := range strings.Lines(string(text)) {
		if g, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/"); ok {
			group = g
		}
	}
	for dir := path.Join("sys/fs/cgroup", group); strings.HasPrefix(dir, "sys/fs/cgroup"); dir = path.Dir(dir) {
		if f := readFields(root, dir+"/cpu.max"); len(f) == 2 { // "QUOTA PERIOD", both in microseconds, or "max PERIOD"
			quota, qerr := strconv.ParseFloat(f[0], 64)
			period, perr := strconv.ParseFloat(f[1], 64)
			if qerr == nil && perr == nil && quota > 0 && period > 0 {
				l.Cores = tighter(l.Cores, quota/period)
			}
		}
		if f := readFields(root, dir+"/memory.max"); len(f) == 1 { // bytes or "max"
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil && n > 0 {
				l.Memory = tighter(l.Memory, n)
			}
		}
	}
	return l
}

// tighter is the smaller of two limits, of which the first may be none.
func tighter[T int64 | float64](have, limit T) T {
	if have == 0 {
		return limit
	}
	return min(have, limit)
}

func readFields(root fs.FS, name string) []string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}
