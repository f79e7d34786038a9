package main

import (
	"bufio"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// cpuFeatures are the instruction sets that decide how fast ONNX Runtime is, in the order in which they are shown.
var cpuFeatures = []struct {
	id   cpuid.FeatureID
	name string
}{
	{cpuid.AVX2, "AVX2"}, {cpuid.FMA3, "FMA"}, {cpuid.AVX512F, "AVX-512"}, {cpuid.AVX512VNNI, "AVX-512 VNNI"},
	{cpuid.AVX512BF16, "AVX-512 bf16"}, {cpuid.AMXBF16, "AMX bf16"},
	{cpuid.ASIMD, "NEON"}, {cpuid.SVE, "SVE"},
}

// cpuName returns the processor's name and those of cpuFeatures that it has.
func cpuName() (model string, features []string) {
	model = strings.TrimSpace(cpuid.CPU.BrandName)
	if model == "" {
		model = "unknown"
	}
	features = []string{}
	for _, f := range cpuFeatures {
		if cpuid.CPU.Supports(f.id) {
			features = append(features, f.name)
		}
	}
	return model, features
}

// limits are what the kernel's control groups (version 2) leave to this process; zero means no limit.
type limits struct {
	cpus   float64
	memory int64 // bytes
}

// cgroupLimits reads the limits from root, the file system's: the tightest of the process's group and those above it.
func cgroupLimits(root fs.FS) limits {
	var l limits
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
				l.cpus = tighter(l.cpus, quota/period)
			}
		}
		if f := readFields(root, dir+"/memory.max"); len(f) == 1 { // bytes or "max"
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil && n > 0 {
				l.memory = tighter(l.memory, n)
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

// memInfo reads the machine's memory from root, the file system's: all of it, and what programs may still get. Zero means
// unknown.
func memInfo(root fs.FS) (total, available int64) {
	f, err := root.Open("proc/meminfo")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		fields := strings.Fields(s.Text()) // "MemTotal:  24589120 kB"
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil || kib < 0 || kib > math.MaxInt64>>10 {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			total = kib << 10
		case "MemAvailable:":
			available = kib << 10
		}
	}
	return total, available
}

// freeSpace returns the bytes that this user may still write under dir, which need not exist yet. Zero means unknown.
func freeSpace(dir string) int64 {
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
