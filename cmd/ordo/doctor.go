package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/ort"
	"ordo/models/ort/install"
	"ordo/models/ort/kernels"
	"ordo/models/table"
	"ordo/runner/machine"
)

// diagnosis is what ordo doctor finds, and its JSON form. Sizes are in bytes; zero or an empty text means unknown, or
// none for a limit.
type diagnosis struct {
	OK      bool           `json:"ok"` // a run would work
	Build   build          `json:"ordo"`
	Library libraryFinding `json:"library"`
	Kernels kernelsFinding `json:"kernels"`
	CPU     cpuFinding     `json:"cpu"`
	Memory  memoryFinding  `json:"memory"`
	CUDA    *cudaFinding   `json:"cuda"` // null where no library with CUDA is installed or named
	Cache   cacheFinding   `json:"cache"`
	Maven   string         `json:"mvn"` // path of the client
	// Problem says why training would not work and what to do; it is also the command's error.
	Problem string `json:"problem"`
	// Advice says what to do about each lesser thing that is missing.
	Advice []string `json:"advice"`
}

type libraryFinding struct {
	Path      string   `json:"path"`
	Source    string   `json:"source"` // ORDO_ONNXRUNTIME, or what the installed library was made from
	Version   string   `json:"version"`
	Training  bool     `json:"training"`
	Providers []string `json:"providers"` // built in; CUDA's needs libraries that ordo does not install
}

// kernelsFinding is what there is of oneDNN.
type kernelsFinding struct {
	Path    string `json:"path"`
	Source  string `json:"source"` // ORDO_ONEDNN, or what the installed library was made from
	Version string `json:"version"`
	Problem string `json:"problem"` // why there are no fast kernels
}

type cudaFinding struct {
	Path    string   `json:"path"`    // of the library that has the provider
	Missing []string `json:"missing"` // libraries that the provider needs and the machine lacks
	Problem string   `json:"problem"` // why they cannot be told
}

type cpuFinding struct {
	Model    string   `json:"model"`
	Features []string `json:"features"`
	Cores    int      `json:"cores"`      // that this process may run on
	Limit    float64  `json:"core_limit"` // of the control group, in cores
}

type memoryFinding struct {
	Total int64 `json:"total_bytes"`
	Free  int64 `json:"free_bytes"`
	Limit int64 `json:"limit_bytes"` // of the control group
}

type cacheFinding struct {
	Dir  string `json:"dir"`
	Free int64  `json:"free_bytes"`
}

const doctorHelp = `Show what ordo finds on this machine: the ONNX Runtime library, which is loaded for this,
oneDNN for the fast kernels, processor, memory and cache folder. For each thing that is
missing it says what to do. If an ONNX Runtime with CUDA is installed, or ORDO_ONNXRUNTIME
names one, the libraries that CUDA needs are looked for too.

The exit status is 0 if training would work, and 5 if ONNX Runtime is missing or unfit.`

type doctorOptions struct{ asJSON bool }

func newDoctorCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:   "doctor",
		Short: "Show what ordo finds on this machine and what is missing",
		Long:  doctorHelp,
	}, &doctorOptions{})
}

func (o *doctorOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *doctorOptions) check(args []string) error { return noArgs(args) }

func (o *doctorOptions) run(_ context.Context, g *global, _ []string) error {
	d, problem := diagnose(g)
	if !o.asJSON {
		d.print(g.stdout)
	} else if err := g.printJSON(d); err != nil {
		return err
	}
	return problem
}

// diagnose looks at the machine. The error says why training would not work.
func diagnose(g *global) (diagnosis, error) {
	d := diagnosis{Build: thisBuild(), Advice: []string{}}
	var problem error
	d.Library, problem = examineLibrary(g)
	if d.OK = problem == nil; !d.OK {
		d.Problem = g.explain(problem)
	}
	d.findCUDA(g)
	if d.Kernels = examineOneDNN(g); d.Kernels.Problem != "" {
		d.advise("without fast kernels training is slower: " + d.Kernels.Problem)
	}
	d.measure()
	d.findCache(g)
	if mvn, err := exec.LookPath("mvn"); err == nil {
		d.Maven = mvn
	} else if problem != nil {
		d.advise("mvn was not found: install Maven, or use `ordo runtime install --from PATH`")
	}
	return d, problem
}

func (d *diagnosis) advise(text string) { d.Advice = append(d.Advice, text) }

// findCUDA looks for what CUDA needs, where there is an ONNX Runtime that has it.
func (d *diagnosis) findCUDA(g *global) {
	at, err := findLibrary(g, true)
	if err != nil || at.Path == d.Library.Path && !slices.Contains(d.Library.Providers, "CUDAExecutionProvider") {
		return
	}
	d.CUDA = examineCUDA(g, at.Path)
	if lacks := d.CUDA.lacks(); lacks != "" {
		d.advise(lacks)
	}
}

// measure takes the size of the machine.
func (d *diagnosis) measure() {
	left := machine.ControlGroups()
	d.CPU = cpuFinding{
		Model: machine.Processor(), Features: machine.Features(), Cores: runtime.NumCPU(), Limit: left.Cores,
	}
	d.Memory.Total, d.Memory.Free = machine.Memory()
	d.Memory.Limit = left.Memory
}

// findCache finds the cache folder and the room there.
func (d *diagnosis) findCache(g *global) {
	dir, err := install.CacheDir(g.env[install.EnvCache])
	if err != nil {
		d.advise(g.explain(err))
		return
	}
	d.Cache = cacheFinding{Dir: dir, Free: machine.FreeSpace(dir)}
	if d.Cache.Free > 0 && d.Cache.Free < minCacheSpace {
		d.advise(fmt.Sprintf("the cache folder has less than %s left: free some space or set %s to another folder",
			machine.Bytes(minCacheSpace), install.EnvCache))
	}
}

// minCacheSpace is room for the libraries while they are being installed: the jars and what is unpacked, rounded up.
const minCacheSpace = 200 << 20

// examineLibrary finds the library, loads it and asks what it can do.
func examineLibrary(g *global) (libraryFinding, error) {
	f := libraryFinding{Providers: []string{}}
	loc, err := findLibrary(g, false)
	if err != nil {
		return f, err
	}
	f.Path, f.Source = loc.Path, loc.Source
	lib, err := ort.Open(loc.Path)
	if err != nil {
		return f, err
	}
	defer lib.Close()
	f.Version, f.Training = lib.Version(), lib.HasTraining()
	if f.Providers, err = lib.Providers(); err != nil {
		return f, err
	}
	return f, lib.RequireTraining()
}

// examineOneDNN finds oneDNN and asks for its version.
func examineOneDNN(g *global) kernelsFinding {
	loc, err := install.FindOneDNN(g.env[install.EnvOneDNN], g.env[install.EnvCache])
	if err != nil {
		return kernelsFinding{Problem: g.explain(err)}
	}
	f := kernelsFinding{Path: loc.Path, Source: loc.Source}
	lib, err := kernels.Open(loc.Path)
	if err != nil {
		f.Problem = g.explain(err)
		return f
	}
	defer lib.Close()
	f.Version = lib.Version()
	return f
}

// examineCUDA looks for what the CUDA provider beside a library needs.
func examineCUDA(g *global, path string) *cudaFinding {
	f := &cudaFinding{Path: path, Missing: []string{}}
	missing, err := ort.MissingCUDA(path)
	if err != nil {
		f.Problem = g.explain(err)
	}
	f.Missing = append(f.Missing, missing...)
	return f
}

// lacks says what is missing and what to do, or nothing.
func (f *cudaFinding) lacks() string {
	switch {
	case f.Problem != "":
		return "CUDA would not work: " + f.Problem
	case len(f.Missing) > 0:
		return fmt.Sprintf("CUDA would not work: the loader does not find %s: "+
			"install NVIDIA's driver, CUDA 13 and cuDNN 9, and add their folders to LD_LIBRARY_PATH",
			strings.Join(f.Missing, ", "))
	}
	return ""
}

// print writes the diagnosis for a person to read, without the problem, which Main reports.
func (d diagnosis) print(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintln(w, table.Fact(name, 14, fmt.Sprintf(format, args...)))
	}
	line("ordo", "%s", d.Build)
	if d.Library.Path == "" {
		line("ONNX Runtime", "not found")
	} else {
		line("ONNX Runtime", "%s", d.Library.Path)
		line("  source", "%s", d.Library.Source)
	}
	if d.Library.Version != "" {
		line("  version", "%s", d.Library.Version)
		line("  training", "%s", yesNo(d.Library.Training))
		line("  providers", "%s (ordo uses those of CPU and CUDA)", strings.Join(d.Library.Providers, ", "))
	}
	if d.Kernels.Path == "" {
		line("oneDNN", "not found")
	} else {
		line("oneDNN", "%s", d.Kernels.Path)
		line("  source", "%s", d.Kernels.Source)
	}
	if d.Kernels.Version != "" {
		line("  version", "%s", d.Kernels.Version)
	}
	if d.CUDA != nil {
		line("CUDA", "%s", d.CUDA.Path)
		if d.CUDA.lacks() == "" {
			line("  needs", "all found")
		} else {
			line("  needs", "not all found, see below")
		}
	}
	line("processor", "%s (%s)", d.CPU.Model, strings.Join(d.CPU.Features, ", "))
	if d.CPU.Limit > 0 {
		line("cores", "%d, limited to %.3g", d.CPU.Cores, d.CPU.Limit)
	} else {
		line("cores", "%d", d.CPU.Cores)
	}
	memory := machine.Bytes(d.Memory.Total) + ", free " + machine.Bytes(d.Memory.Free)
	if d.Memory.Limit > 0 {
		memory += ", limited to " + machine.Bytes(d.Memory.Limit)
	}
	line("memory", "%s", memory)
	line("cache", "%s, free %s", d.Cache.Dir, machine.Bytes(d.Cache.Free))
	if d.Maven != "" {
		line("mvn", "%s", d.Maven)
	} else {
		line("mvn", "not found (only `ordo runtime install` needs it)")
	}
	for _, a := range d.Advice {
		fmt.Fprintln(w, table.Wrap("! "+a, 2))
	}
	if d.OK {
		fmt.Fprintln(w, "Training would work.")
	} else {
		fmt.Fprintln(w, "Training would not work:") // the error follows
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
