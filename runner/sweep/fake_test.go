package sweep

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/runner/config"
	"ordo/runner/track"
)

// The test binary plays two other programs: `ordo run`, without training, and a process that runs a sweep.
const (
	asVariable = "SWEEP_TEST_AS" // run or sweep
	// failVariable lists, with commas, overrides whose trials fail.
	failVariable = "SWEEP_TEST_FAIL"
	// exitsVariable lists statuses with which the first attempts of every trial end.
	exitsVariable = "SWEEP_TEST_EXITS"
	// gateVariable names a file that trials wait for, if it is set.
	gateVariable = "SWEEP_TEST_GATE"
	// callsVariable names a file to which every trial appends a line: its overrides and options.
	callsVariable = "SWEEP_TEST_CALLS"
)

func TestMain(m *testing.M) {
	switch os.Getenv(asVariable) {
	case "run":
		os.Exit(fakeRun(os.Args[1:]))
	case "sweep":
		os.Exit(sweepProcess(os.Args[1], os.Args[2]))
	}
	os.Exit(m.Run())
}

// must is for the programs that the test binary plays, which have no testing.T.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fakeRun keeps the contract of `ordo run BASE KEY=VALUE … --out DIR --json`: a checkpoint and exit status 130 on a
// signal, result.json last.
func fakeRun(args []string) int {
	at := slices.Index(args, "--out")
	base, overrides, dir := args[0], args[1:at], args[at+1]
	calls, err := os.OpenFile(os.Getenv(callsVariable), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(err)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	_, err = fmt.Fprintln(calls, strings.Join(args[1:], " "))
	must(err)
	e, err := config.Load(base, overrides, os.Environ())
	must(err)
	text, err := e.YAML()
	must(err)
	folder, err := track.Open(dir, track.Record{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}, text)
	must(err)

	// The attempts of a trial end with these statuses, one after the other, and then well.
	attempts, err := os.OpenFile(dir+".count", os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	must(err)
	info, err := attempts.Stat()
	must(err)
	if statuses := strings.Fields(os.Getenv(exitsVariable)); int(info.Size()) < len(statuses) {
		_, err = attempts.WriteString("x")
		must(err)
		status, err := strconv.Atoi(statuses[info.Size()])
		must(err)
		return status
	}
	for _, o := range strings.Split(os.Getenv(failVariable), ",") {
		if slices.Contains(overrides, o) {
			for i := range 7 {
				fmt.Fprintln(os.Stderr, "trouble", i)
			}
			return 4
		}
	}
	for gate := os.Getenv(gateVariable); gate != ""; {
		if _, err := os.Stat(gate); err == nil {
			break
		}
		select {
		case s := <-signals:
			must(os.WriteFile(filepath.Join(dir, "last.ckpt"), []byte(s.String()), 0o644))
			fmt.Fprintln(os.Stderr, "interrupted by", s)
			return 130
		case <-time.After(time.Millisecond):
		}
	}
	top1 := e.Train.LR + float64(e.Seed)/100
	if e.Eval.EveryEpochs > 0 {
		if until := fakeEpochs(folder, e, args[at+2:]); until < e.Train.Epochs {
			must(folder.Close())
			return 75
		}
		top1 = fakeTop1(e, e.Train.Epochs)
	}
	_, err = folder.Finish(track.Result{
		Status: track.Finished, Hash: e.Hash(), Seed: e.Seed, Name: e.Name, Steps: 1, KNNTop1: &top1,
		OrderAccuracy: map[string]map[string]float64{"rotate": {"features": 0.5, "embedding": e.Train.LR}},
		Loss:          float64(e.Seed),
	}, nil, nil)
	must(err)
	must(folder.Close())
	fmt.Printf("{\"knn_top1\": %g}\n", top1)
	return 0
}

// fakeEpochs trains up to the end, or to the epoch that --until-epoch names, with an evaluation after each.
func fakeEpochs(folder *track.Folder, e config.Experiment, options []string) (until int) {
	until = e.Train.Epochs
	if at := slices.Index(options, "--until-epoch"); at >= 0 {
		n, err := strconv.Atoi(options[at+1])
		must(err)
		until = min(n, until)
	}
	h, err := track.ReadHistory(folder.Dir())
	must(err)
	for epoch := len(h.Steps) + 1; epoch <= until; epoch++ {
		must(folder.Step(track.Step{Step: epoch, Epoch: float64(epoch), Loss: 1 - fakeTop1(e, epoch)}))
		must(folder.Eval(track.EvalLine{Step: epoch, Epoch: float64(epoch), Evaluation: track.Evaluation{
			Metrics: map[string]float64{"knn.features": fakeTop1(e, epoch)}}}))
	}
	return until
}

// fakeTop1 is a number that is best for a rate of 0.01 and rises with the epochs, in another way for every seed.
func fakeTop1(e config.Experiment, epoch int) float64 {
	far := math.Log10(e.Train.LR) + 2
	noise := math.Mod(float64(e.Seed)*0.618*float64(epoch), 1) * 0.01
	return (1-far*far/8)*(1-0.5/float64(epoch)) + noise
}

// sweepProcess runs a sweep file in a folder, so that a test can kill it.
func sweepProcess(file, dir string) int {
	p, err := NewPlan(file, nil, os.Environ())
	must(err)
	_, err = p.Run(context.Background(), options(dir))
	must(err)
	return 0
}

// options runs trials with the fake.
func options(dir string) Options {
	program, err := os.Executable()
	must(err)
	return Options{Dir: dir, Command: []string{program}, Environ: append(os.Environ(), asVariable+"=run")}
}

// bench is a folder with a sweep file, its base and the record of calls.
type bench struct {
	t    *testing.T
	dir  string
	file string
	out  string
}

const baseText = `augment: {ordered: [{family: rotate}]}
train: {epochs: 2}
`

func newBench(t *testing.T, text string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, dir: dir, file: filepath.Join(dir, "roles.yaml"), out: filepath.Join(dir, "out")}
	b.write("roles.yaml", text)
	b.write("base.yaml", baseText)
	t.Setenv(callsVariable, filepath.Join(dir, "calls"))
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) plan(overrides ...string) *Plan {
	b.t.Helper()
	p, err := NewPlan(b.file, overrides, os.Environ())
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// calls returns what the trials were called with since the last call of calls, sorted.
func (b *bench) calls() []string {
	b.t.Helper()
	file := os.Getenv(callsVariable)
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		b.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	slices.Sort(lines)
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
}

// await waits until n trials have been called.
func (b *bench) await(n int) {
	b.until("trials to start", func() bool {
		text, err := os.ReadFile(os.Getenv(callsVariable))
		return err == nil && strings.Count(string(text), "\n") >= n
	})
}

func (b *bench) awaitFile(name string) {
	b.until(name, func() bool {
		_, err := os.Stat(name)
		return err == nil
	})
}

// until waits for what comes at some time. It panics after minutes, in which the slowest machine gets there: it may be
// called by any goroutine.
func (b *bench) until(what string, ok func() bool) {
	for begun := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 5*time.Minute {
			panic("waited in vain for " + what)
		}
	}
}
