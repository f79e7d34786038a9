package data_test

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"ordo/runner/data"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/machine"
)

// manyVariable is how many training images BenchmarkManyImages has: make bench-images sets it.
const manyVariable = "ORDO_BENCH_IMAGES"

// perClass is about what ImageNet has of every class, and linked how many files there are: a file system may allow
// 65,000 links to one.
const perClass, linked = 1300, 200

// manyImages makes a folder as ImageNet is unpacked, of links to a few small files.
func manyImages(b *testing.B, n int) string {
	b.Helper()
	root := b.TempDir()
	var files []string
	for i := range linked {
		files = append(files, filepath.Join(root, "."+strconv.Itoa(i)))
		raw := sourcetest.JPEG(b, 20, 16, color.Gray{Y: uint8(i)})
		if err := os.WriteFile(files[i], raw, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	at := 0
	link := func(split, class, name string) {
		dir := filepath.Join(root, split, class)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.Link(files[at%linked], filepath.Join(dir, name)); err != nil {
			b.Fatal(err)
		}
		at++
	}
	for i := range n {
		class := fmt.Sprintf("n%08d", 1440764+i/perClass)
		link("train", class, fmt.Sprintf("%s_%d.JPEG", class, i%perClass*13))
		if i%perClass < 50 {
			link("val", class, fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i))
		}
	}
	return root
}

// BenchmarkManyImages lists a folder of many images, packs them, and opens them packed, which is how a run starts. An
// image's memory is what the set holds; the process's peak is up to then.
func BenchmarkManyImages(b *testing.B) {
	n := 2 * perClass
	if text := os.Getenv(manyVariable); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	o := data.DefaultOptions()
	o.Source, o.Root, o.ImageSize = data.SourceFolder, manyImages(b, n), 8
	o.Cache.Dir = b.TempDir()
	report := func(b *testing.B, held int64) {
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
		b.ReportMetric(float64(held)/float64(n), "B/image")
		b.ReportMetric(float64(machine.PeakMemory())/(1<<20), "MiB-peak")
	}
	b.Run("list", func(b *testing.B) {
		before := heap()
		var sets data.Sets
		for b.Loop() {
			var err error
			if sets, err = data.List(b.Context(), o); err != nil || sets.Train.Len() != n {
				b.Fatal(sets.Train.Len(), err)
			}
		}
		report(b, heap()-before)
		runtime.KeepAlive(sets)
	})
	open := func(b *testing.B) data.Splits {
		splits, err := data.Open(b.Context(), o)
		if err != nil || splits.Train.Len() != n {
			b.Fatal(splits.Train.Len(), err)
		}
		return splits
	}
	b.Run("pack", func(b *testing.B) {
		before := heap()
		var splits data.Splits
		for b.Loop() {
			o.Cache.Dir = b.TempDir()
			splits = open(b)
		}
		report(b, heap()-before)
		runtime.KeepAlive(splits)
	})
	b.Run("open", func(b *testing.B) {
		open(b)
		before := heap()
		var splits data.Splits
		for b.Loop() {
			splits = open(b)
		}
		report(b, heap()-before)
		runtime.KeepAlive(splits)
	})
}

// heap is how many bytes the program holds.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
