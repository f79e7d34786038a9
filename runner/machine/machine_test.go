package machine

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestControlGroups(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want Limits
	}{
		{"no cgroups", fstest.MapFS{}, Limits{}},
		{"version 1", fstest.MapFS{"proc/self/cgroup": file("4:memory:/x\n")}, Limits{}},
		{"no limit", fstest.MapFS{
			"proc/self/cgroup":          file("0::/\n"),
			"sys/fs/cgroup/cpu.max":     file("max 100000\n"),
			"sys/fs/cgroup/memory.max":  file("max\n"),
			"sys/fs/cgroup/a/cpu.max":   file("100000 100000\n"),
			"sys/fs/other/a/memory.max": file("1\n"),
		}, Limits{}},
		{"container", fstest.MapFS{
			"proc/self/cgroup":         file("0::/\n"),
			"sys/fs/cgroup/cpu.max":    file("150000 100000\n"),
			"sys/fs/cgroup/memory.max": file("1073741824\n"),
		}, Limits{1.5, 1 << 30}},
		{"the tightest counts", fstest.MapFS{
			"proc/self/cgroup":             file("1:name=systemd:/\n0::/a/b\n"),
			"sys/fs/cgroup/a/cpu.max":      file("200000 100000\n"),
			"sys/fs/cgroup/a/b/cpu.max":    file("400000 100000\n"),
			"sys/fs/cgroup/a/memory.max":   file("max\n"),
			"sys/fs/cgroup/a/b/memory.max": file("4096\n"),
		}, Limits{2, 4096}},
		{"nonsense", fstest.MapFS{
			"proc/self/cgroup":         file("0::/../..\n"),
			"sys/fs/cgroup/cpu.max":    file("0 0\n"),
			"sys/fs/cgroup/memory.max": file("many\n"),
		}, Limits{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := controlGroups(c.root); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	const text = "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\nX: y\n\n"
	root := fstest.MapFS{"proc/meminfo": {Data: []byte(text)}}
	if total, available := memory(root); total != 2<<20 || available != 1<<20 {
		t.Errorf("%d, %d", total, available)
	}
	if total, available := memory(fstest.MapFS{}); total != 0 || available != 0 {
		t.Errorf("%d, %d of nothing", total, available)
	}
}

func TestFreeSpace(t *testing.T) {
	dir := t.TempDir()
	if _, ok := statFree(dir); !ok {
		t.Skip("unknown on this system")
	}
	if n := FreeSpace(filepath.Join(dir, "not", "yet", "there")); n <= 0 {
		t.Errorf("%d bytes", n)
	}
}

func TestProcess(t *testing.T) {
	resident := ResidentMemory()
	if resident == 0 {
		t.Skip("unknown on this system")
	}
	// Linux counts pages by core and adds them up at times: its numbers are off by some pages a core.
	if anonymous := AnonymousMemory(); anonymous <= 0 || anonymous/2 > PeakMemory() {
		t.Errorf("%d bytes anonymous of %d at most", anonymous, PeakMemory())
	}
	if resident < 1<<20 || resident/2 > PeakMemory() {
		t.Errorf("%d bytes resident of %d at most", resident, PeakMemory())
	}
	if Processor() == "" || Features() == nil {
		t.Errorf("processor %q with %v", Processor(), Features())
	}
}

func TestSizes(t *testing.T) {
	const text = "Name:\tVmRSS:\nVmRSS:\t  12 kB\nVmHWM:\t-1 kB\nRssAnon: 9223372036854775807 kB\nThreads:\t3\n"
	root := fstest.MapFS{"status": {Data: []byte(text)}}
	got := sizes(root, "status", "VmRSS", "VmHWM", "RssAnon", "Threads", "VmSwap")
	if want := []int64{12 << 10, 0, 0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestBeyondCores(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	for _, threads := range []int{0, 1, cores} {
		if text := BeyondCores(threads); text != "" {
			t.Errorf("%d threads: %q", threads, text)
		}
	}
	if text := BeyondCores(cores + 1); !strings.Contains(text, "warning") {
		t.Errorf("one too many: %q", text)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "unknown", 999: "999 B", 1000: "0.977 KiB", 1 << 20: "1 MiB",
		25276502016: "23.5 GiB", 5 << 50: "5.12e+03 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}
