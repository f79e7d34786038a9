package report

import (
	"fmt"
	"strings"
	"testing"

	"ordo/runner/bench"
	"ordo/runner/bench/pipeline"
	"ordo/runner/track"
)

func TestBenchStep(t *testing.T) {
	r := bench.Result{
		Steps: 20, BatchSize: 8, Views: 4, Backbone: "resnet18", ImageSize: 32, ImagesPerSec: 100, ViewsPerSec: 400,
		GFLOPS: 50, Share: 1.5, MedianSeconds: 0.08, FastestSeconds: 0.07,
		TimeShare: track.TimeShare{ONNXRuntime: 0.9, Loss: 0.02, Target: 0.05, Rest: 0.03},
		Kernels:   "stock", Precision: "bf16", Note: "no oneDNN", Threads: 2, Workers: 1, CPU: "a processor",
		Limits: &bench.Limits{MultiplyAdd: 33, MatrixProduct: 30, Memory: 12},
		Drift:  &bench.Drift{First: 100, Last: 99, ResidentWarm: 1 << 20, Resident: 1 << 21},
		Beside: &bench.Comparison{
			Torch: "2", Python: "3", Rounds: 2, Steps: 2, Batch: 32, Threads: 2, Best: "torch, plain", Ratio: 1.2,
			Sides: []bench.Side{
				{Name: "ordo", Speed: []float64{120, 130}, PeakMemory: 3 << 20, MemoryBefore: 1 << 20},
				{Name: "torch, plain", Speed: []float64{100, 110}, PeakMemory: 1 << 20,
					Ratio: &bench.Ratio{Median: 1.2, Min: 1.1, Max: 1.3, Best: 1.18}},
			},
		},
		Ops: []bench.Op{{Op: "Conv", CallsStep: 2, SecondsStep: 0.5, Share: 1, GFLOPS: 3}},
	}
	says(t, BenchStep(r), "speed         100 images/s, 400 views/s\n", "median 80 ms, fastest 70 ms, of 20",
		"99 in the last; resident memory 1 MiB after", "averaged network 5.0 %, loss 2.0 %", "stock, in bf16",
		"no oneDNN", "150.0 % of the machine's multiply-adds; convolutions", "12 GB/s",
		"1.200 times the speed of torch, plain", "\nordo             125   130", "1.100 to 1.300", "\nConv      100.0 %")
	says(t, BenchStepMarkdown(r), "resnet18, 8 images of 32 px", "(33 GFLOP/s; memory 12 GB/s)", "\n| Conv | 100.0 % |",
		"\n| ordo | 125 | 130 |  |  |  | 3 MiB | 2 MiB |\n")
	bare := BenchStep(bench.Result{})
	for _, s := range []string{"drift", "limits", "operator\n", "beside"} {
		if strings.Contains(bare, s) {
			t.Errorf("%s of nothing:\n%s", s, bare)
		}
	}
}

// says fails unless a text has all the parts, wherever its facts are broken into lines.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	text = strings.ReplaceAll(text, "\n"+strings.Repeat(" ", factWidth), " ")
	for _, s := range parts {
		if !strings.Contains(text, s) {
			t.Errorf("%q is missing in\n%s", s, text)
		}
	}
}

func TestBenchPipeline(t *testing.T) {
	r := pipeline.Result{
		Images: 48, Source: "orchard", Kept: "packed", Packed: "x.pack", Bytes: 1 << 20, Workers: 2, ImageSize: 16,
		Memory: 3 << 20, Anonymous: 1 << 20,
		Operations: []pipeline.Operation{
			{Name: "none", Views: pipeline.Speed{One: 1000, All: 2000},
				Beside: map[string]pipeline.Other{"torchvision": {Views: 50.125, Ratio: 20}}},
			{Name: "blur", Views: pipeline.Speed{One: 1, All: 2}, Microseconds: 12,
				Beside: map[string]pipeline.Other{"torchvision": {Missing: "no blur"}}},
		},
		Beside: &pipeline.Libraries{Python: "3", Torchvision: "0.2"},
	}
	says(t, BenchPipeline(r), "48 training images of orchard, packed into x.pack (1 MiB)", "3 MiB at most, 1 MiB of it",
		"torchvision 0.2, Python 3, one thread", "views/s of 16 x 16 pixels",
		"none                          1000        2000                        50.1   20.00\n",
		"blur                             1           2       12 µs               -        \n")
	for part, l := range map[string]*pipeline.Libraries{
		"can't be started":         {Missing: "no comparison: python9 can't be started"},
		"Python 3 has no torchv":   {Python: "3", Albumentations: "2"},
		"albumentations":           {Python: "3", Albumentations: "2"},
		"Albumentations 2":         {Python: "3", Torchvision: "1", Albumentations: "2"},
		"torchvision   ratio  alb": {Python: "3", Torchvision: "1", Albumentations: "2"},
	} {
		r.Beside = l
		says(t, BenchPipeline(r), part)
	}
}

func TestOperators(t *testing.T) {
	var ops []bench.Op
	for i := range maxOps + 2 {
		ops = append(ops, bench.Op{
			Op: fmt.Sprintf("Op%d", i), CallsStep: 2, SecondsStep: 0.5, Share: 1.0 / (maxOps + 2), Operations: 1e9,
			Bytes: 5e8, GFLOPS: 2, GBPerSec: 1, Limit: bench.LimitCompute, LimitShare: 0.25,
		})
	}
	ops[0] = bench.Op{Op: "Reshape", CallsStep: 1, SecondsStep: 0.5, Limit: bench.LimitMemory}
	table := opsTable(ops, 0)
	for i, want := range map[int]string{
		1:          "Reshape,0.0 %,500 ms,1,,,,",
		2:          "Op1,4.5 %,500 ms,2,2,1,25.0 %,multiply-add",
		maxOps + 1: "2 others,9.1 %,1 s,4,2,1,25.0 %,",
		maxOps + 2: "all,95.5 %,11 s,43,1.91,0.955,23.9 %,",
	} {
		if got := strings.Join(table[i], ","); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	if got := opsTable(ops[1:], 0.05); len(got) != 3 || got[1][0] != fmt.Sprintf("%d others", maxOps+1) {
		t.Errorf("of operators with a small share: %v", got)
	}
	got := markdown([][]string{{"a", "b"}, {"1", ""}})
	if want := "| a | b |\n| --- | --- |\n| 1 |  |\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{0: "0 µs", 1.25e-5: "12.5 µs", 0.0123456: "12.3 ms", 75.04: "75 s"} {
		if got := Seconds(s); got != want {
			t.Errorf("Seconds(%v) = %q, want %q", s, got, want)
		}
	}
}
