package machine

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PeakMemory is this process's largest resident size so far.
func PeakMemory() int64 {
	// Linux's resource usage begins with that of the process that started this one.
	if peak := status("VmHWM"); peak > 0 {
		return peak
	}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss
	}
	return u.Maxrss << 10
}

// ResidentMemory is this process's resident size, pages of mapped files included.
func ResidentMemory() int64 { return status("VmRSS") }

// AnonymousMemory is this process's resident memory that no file backs: what the kernel can't take back.
func AnonymousMemory() int64 { return status("RssAnon") }

// status is a size that Linux knows of this process.
func status(name string) int64 { return sizes(system(), "proc/self/status", name)[0] }

// Memory returns the machine's memory: all of it, and what programs may still get.
func Memory() (total, available int64) { return memory(system()) }

func memory(root fs.FS) (total, available int64) {
	found := sizes(root, "proc/meminfo", "MemTotal", "MemAvailable")
	return found[0], found[1]
}

// system is the file system's root.
func system() fs.FS { return os.DirFS("/") }

// sizes reads sizes by their names from a file of Linux's, whose lines are like "MemTotal:  24589120 kB".
func sizes(root fs.FS, file string, names ...string) []int64 {
	found := make([]int64, len(names))
	f, err := root.Open(file)
	if err != nil {
		return found
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		name, rest, _ := strings.Cut(s.Text(), ":")
		fields := strings.Fields(rest)
		if len(fields) != 2 || fields[1] != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil || kib < 0 || kib > math.MaxInt64>>10 {
			continue
		}
		for i := range names {
			if names[i] == name {
				found[i] = kib << 10
			}
		}
	}
	return found
}
