package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/launch"
)

// Launchers.
const (
	launchHere       = "local"
	launchSlurm      = "slurm"
	launchKubernetes = "kubernetes"
)

// launcherFlags say where work runs, alike in all commands that give it to a cluster.
type launcherFlags struct {
	launcher   string
	slurm      launch.Slurm
	kubernetes launch.Kubernetes
	flags      *pflag.FlagSet
}

// addLauncher declares the flags; task is what runs as one job.
func (f *launcherFlags) addLauncher(flags *pflag.FlagSet, task string) {
	flags.StringVar(&f.launcher, "launcher", launchHere, "where "+task+"s run: "+launchHere+", "+launchSlurm+
		", which submits them and returns, or "+launchKubernetes+", which prints the manifest of a Job")
	flags.StringVar(&f.slurm.Partition, "partition", "", "Slurm's partition (`NAME`)")
	flags.StringVar(&f.slurm.Account, "account", "", "Slurm's account (`NAME`)")
	again := "; it is requeued then"
	if task == taskEvaluation {
		again = ""
	}
	flags.StringVar(&f.slurm.Time, "time", "", "`TIME` of "+an(task)+"'s job: minutes, H:M:S or D-H:M:S"+again)
	flags.StringVar(&f.slurm.Memory, "mem", "", "memory of "+an(task)+"'s job (`8G`; of Kubernetes 8Gi)")
	flags.StringVar(&f.slurm.GPUs, "gpus", "", "GPUs of "+an(task)+"'s job (`1`)")
	flags.IntVar(&f.slurm.CPUs, "cpus", 0, "cores of "+an(task)+"'s job (`N`)")
	flags.IntVar(&f.slurm.Parallel, "parallel", 0, "jobs at once (`N`); 0: as many as there is room for")
	flags.StringArrayVar(&f.slurm.Extra, "sbatch", nil, "another argument of sbatch (`ARG`), as often as wanted")
	flags.StringVar(&f.kubernetes.Image, "image", "", "image that pods run (`NAME`), with ordo in its path")
	flags.StringVar(&f.kubernetes.Claim, "claim", "", "volume claim that pods share (`NAME`)")
	flags.StringVar(&f.kubernetes.Mount, "mount", "", "`DIR` where the claim is mounted, here and in pods")
	flags.StringVar(&f.kubernetes.Namespace, "namespace", "", "Kubernetes' namespace (`NAME`)")
	flags.StringVar(&f.kubernetes.Queue, "queue", "", "Kueue's local queue (`NAME`), which starts the job")
	f.flags = flags
}

// The tasks of commands.
const (
	taskTrial      = "trial"
	taskShard      = "shard"
	taskEvaluation = "evaluation"
)

func an(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// flagsOf are about some launchers only.
var flagsOf = map[string][]string{
	launchSlurm:      {"partition", "account", "time", "mem", "gpus", "cpus", "parallel", "sbatch"},
	launchKubernetes: {"mem", "gpus", "cpus", "parallel", "image", "claim", "mount", "namespace", "queue"},
}

// launched says whether the work is given to a cluster.
func (f *launcherFlags) launched() bool { return f.launcher != launchHere }

// checkLauncher refuses flags that are for another launcher, or, of those named here, for none that returns before the
// work is done.
func (f *launcherFlags) checkLauncher(here ...string) error {
	if err := oneOf("launcher", f.launcher, launchHere, launchSlurm, launchKubernetes); err != nil {
		return err
	}
	for _, launcher := range []string{launchSlurm, launchKubernetes} {
		for _, flag := range flagsOf[launcher] {
			if f.flags.Changed(flag) && !slices.Contains(flagsOf[f.launcher], flag) {
				return usagef("--%s is for --launcher %s", flag, launcher)
			}
		}
	}
	for _, flag := range here {
		if f.launched() && f.flags.Changed(flag) {
			return usagef("--%s is not for --launcher %s, which returns before the work is done", flag, f.launcher)
		}
	}
	return nil
}

// pods are the options of Kubernetes, with those that both clusters have.
func (f *launcherFlags) pods() (launch.Kubernetes, error) {
	k := f.kubernetes
	k.Memory, k.CPUs, k.Parallel = f.slurm.Memory, f.slurm.CPUs, f.slurm.Parallel
	if f.slurm.GPUs != "" {
		var err error
		if k.GPUs, err = strconv.Atoi(f.slurm.GPUs); err != nil {
			return k, usagef("--gpus is a number for --launcher %s, got %q", f.launcher, f.slurm.GPUs)
		}
	}
	return k, nil
}

// given are the flags of a command line as words, but for those of launchers and those that are named.
func (f *launcherFlags) given(but ...string) (words []string) {
	f.flags.Visit(func(flag *pflag.Flag) {
		switch {
		case slices.Contains(but, flag.Name), flag.Name == "launcher", flag.Name == "dry-run",
			slices.Contains(flagsOf[launchSlurm], flag.Name), slices.Contains(flagsOf[launchKubernetes], flag.Name):
			return
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			for _, value := range list.GetSlice() {
				words = append(words, "--"+flag.Name+"="+value)
			}
			return
		}
		words = append(words, "--"+flag.Name+"="+flag.Value.String())
	})
	return words
}

// launch gives tasks to the cluster, the words of each behind the program's name: it submits them, with script and logs
// in dir, or prints their manifest. In dry mode it only prints.
func (f *launcherFlags) launch(ctx context.Context, g *global, command, name, dir string, tasks [][]string,
	dry bool) error {
	a := launch.Array{Command: command, Name: name, Of: len(tasks)}
	for i := range tasks {
		a.Tasks = append(a.Tasks, i+1)
	}
	here, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working folder: %w", err)
	}
	if f.launcher == launchKubernetes {
		k, err := f.pods()
		if err != nil {
			return err
		}
		a.Lines = launch.Cases(before("ordo", tasks))
		sum := sha256.Sum256([]byte(a.Lines))
		a.Hash = hex.EncodeToString(sum[:5])
		text, err := k.Manifest(launch.Job{Array: a, Dir: here, Work: here, Environ: config.OnlyKeys(g.environ())})
		fmt.Fprint(g.stdout, text)
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that the jobs run: %w", err)
	}
	a.Lines = launch.Cases(before(program, tasks))
	if dry {
		text, err := f.slurm.Script(dir, a)
		fmt.Fprint(g.stdout, text)
		return err
	}
	jobs, err := f.slurm.Submit(ctx, dir, a)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "submitted %d tasks as job %s\n", len(tasks), strings.Join(jobs, ", "))
	g.note("what they say: " + filepath.Join(dir, "slurm", "*.out"))
	return nil
}

// before puts a word before the others of every task.
func before(word string, tasks [][]string) (all [][]string) {
	for _, words := range tasks {
		all = append(all, append([]string{word}, words...))
	}
	return all
}

// errTimeIsUp is the cause of a context that ends before a scheduler's job does.
var errTimeIsUp = fmt.Errorf("%w: the time is up", fault.Interrupted)

// timeIsUp says whether a scheduler's clock stopped the work, by its warning or by its hour; what else stops it was
// somebody's wish.
func timeIsUp(ctx context.Context) bool {
	var by *signalled
	if errors.As(context.Cause(ctx), &by) {
		return by.signal == syscall.SIGUSR1
	}
	return errors.Is(context.Cause(ctx), errTimeIsUp)
}

// untilJobEnds ends a context shortly before the job of Slurm's that this process runs in.
func untilJobEnds(ctx context.Context, g *global) (context.Context, context.CancelFunc) {
	if end, ok := launch.End(g.env); ok {
		return context.WithDeadlineCause(ctx, end, errTimeIsUp)
	}
	return ctx, func() {}
}

// requeue puts the job that this process runs in back into the queue, because its time is up, and gives the error that
// ends it.
func requeue(ctx context.Context, g *global) error {
	// The job's own context is over.
	if err := launch.Requeue(context.WithoutCancel(ctx), g.env); err != nil {
		return err
	}
	g.note("the time is up; the job is in the queue again, and goes on where it was")
	return &statusError{exitStopped}
}

// requeueHelp says what the flag is.
const requeueHelp = "put this job of Slurm's back into its queue if its time is up"
