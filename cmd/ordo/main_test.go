package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
)

// result is what a command line gave.
type result struct {
	code           int
	stdout, stderr string
}

// ordo runs a command line in memory, in an environment whose cache is empty unless the test has set it (t.Setenv).
func ordo(t *testing.T, args ...string) result {
	t.Helper()
	if os.Getenv(install.EnvCache) == "" {
		t.Setenv(install.EnvCache, t.TempDir())
	}
	var stdout, stderr bytes.Buffer
	code := Main(t.Context(), args, strings.NewReader(""), &stdout, &stderr, os.Environ())
	return result{code, stdout.String(), stderr.String()}
}

// ordoInterrupted runs a command line in memory and sends the process a signal once the command has said a text.
func ordoInterrupted(t *testing.T, s os.Signal, text string, args ...string) result {
	t.Helper()
	var stdout bytes.Buffer
	stderr := &interrupting{t: t, signal: s, text: text}
	code := Main(t.Context(), args, strings.NewReader(""), &stdout, stderr, os.Environ())
	if stderr.text != "" {
		t.Errorf("stderr %q does not say %q", stderr.said.String(), text)
	}
	return result{code, stdout.String(), stderr.said.String()}
}

// interrupting is a stderr that answers a text with a signal.
type interrupting struct {
	t      *testing.T
	signal os.Signal
	text   string // "" once it has come
	said   bytes.Buffer
}

func (i *interrupting) Write(p []byte) (int, error) {
	if i.text != "" && bytes.Contains(p, []byte(i.text)) {
		i.text = ""
		arrived := make(chan os.Signal, 1)
		signal.Notify(arrived, i.signal)
		defer signal.Stop(arrived)
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(i.signal)
		}
		if err != nil {
			i.t.Error(err)
			return 0, err
		}
		<-arrived
	}
	return i.said.Write(p)
}

// check fails the test unless r has the exit status, and what it says to people holds all of says.
func (r result) check(t *testing.T, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d; stderr: %s", r.code, code, r.stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.stderr, s) {
			t.Errorf("stderr %q does not say %q", r.stderr, s)
		}
	}
	if code != exitOK && (!strings.HasPrefix(lastLine(r.stderr), "ordo: ") || strings.Contains(r.stderr, "Usage:")) {
		t.Errorf("stderr %q must end in one line that begins with ordo:, without a usage text", r.stderr)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return lines[len(lines)-1]
}

// realLibrary makes the commands use the ONNX Runtime of this machine.
func realLibrary(t *testing.T) string {
	t.Helper()
	path := orttest.Path(t)
	t.Setenv(install.EnvLibrary, path)
	return path
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"vesion", "unknown command \"vesion\" (did you mean version?): see `ordo --help`"},
		{"frobnicate", "unknown command \"frobnicate\": see `ordo --help`"},
		{"doc", "(did you mean doctor?)"},
		{"runtime instal", "(did you mean install?): see `ordo runtime --help`"},
		{"completion bsh", "(did you mean bash?): see `ordo completion --help`"},
		{"help vrsion", "(did you mean version?): see `ordo --help`"},
		{"doctor --jsn", "unknown flag --jsn (did you mean --json?): see `ordo doctor --help`"},
		{"doctor --JSON", "(did you mean --json?)"},
		{"doctor --json=maybe", "invalid argument \"maybe\""},
		{"doctor -j", "unknown shorthand flag"},
		{"--frobnicate", "unknown flag --frobnicate: see `ordo --help`"},
		{"version now", "unexpected argument \"now\": see `ordo version --help`"},
		{"runtime install --from", "flag needs an argument: --from: see `ordo runtime install --help`"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := ordo(t, strings.Fields(c.args)...)
			r.check(t, exitUsage, c.says)
			if r.stdout != "" || strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("stdout %q, stderr %q, want one line on stderr", r.stdout, r.stderr)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	root := ordo(t)
	root.check(t, exitOK)
	for _, c := range []int{exitOK, exitFailure, exitUsage, exitConfig, exitData, exitLibrary, exitStorage, exitNumeric,
		exitCollapse, exitStopped, exitInterrupted} {
		if !strings.Contains(root.stdout, fmt.Sprintf("\n  %-4d", c)) {
			t.Errorf("the help does not list exit status %d", c)
		}
	}
	for _, args := range [][]string{{"--help"}, {"help"}} {
		if r := ordo(t, args...); r.stdout != root.stdout || r.code != exitOK {
			t.Errorf("ordo %s differs from ordo: status %d", args[0], r.code)
		}
	}
	// Every command explains itself, and as well by help as by --help.
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		if c.Short == "" {
			t.Errorf("ordo %s has no short text", strings.Join(path, " "))
		}
		a := ordo(t, append(path[:len(path):len(path)], "--help")...)
		b := ordo(t, append([]string{"help"}, path...)...)
		if a.code != exitOK || a.stdout == "" || a.stdout != b.stdout {
			t.Errorf("ordo %s: --help gives %d %q, help gives %d %q", strings.Join(path, " "), a.code,
				a.stdout, b.code, b.stdout)
		}
		for line := range strings.Lines(a.stdout) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpWidth {
				t.Errorf("ordo %s --help has a line of %d letters: %s", strings.Join(path, " "), n, line)
			}
		}
		for _, sub := range c.Commands() {
			if sub.Name() != "help" {
				walk(sub, append(path[:len(path):len(path)], sub.Name()))
			}
		}
	}
	walk(newRootCommand(&global{}), nil)
}

func TestCompletion(t *testing.T) {
	r := ordo(t, "completion", "bash")
	r.check(t, exitOK)
	if !strings.Contains(r.stdout, "__start_ordo") {
		t.Errorf("no completion script: %.100q", r.stdout)
	}
	if r := ordo(t, "__complete", "ve"); !strings.HasPrefix(r.stdout, "version\t") {
		t.Errorf("completing ve gives %q", r.stdout)
	}
}

func TestExitCode(t *testing.T) {
	path := func(err error) error {
		return fmt.Errorf("runner: write checkpoint: %w", &fs.PathError{Op: "write", Path: "/x", Err: err})
	}
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, exitOK},
		{errors.New("x"), exitFailure},
		{&usageError{}, exitUsage},
		{fmt.Errorf("step 3: %w", models.ErrNonFinite), exitNumeric},
		{path(syscall.ENOSPC), exitStorage},
		{path(syscall.EACCES), exitStorage},
		{path(syscall.EPERM), exitStorage},
		{path(syscall.EROFS), exitStorage},
		{path(syscall.EDQUOT), exitStorage},
		{path(syscall.EIO), exitFailure},
		{fault.New(fault.Config, "x"), exitConfig},
		{fmt.Errorf("x: %w", fault.New(fault.Data, "y: %w", syscall.EACCES)), exitData},
		{fault.New(fault.Library, "x"), exitLibrary},
		{fault.New(fault.Storage, "x"), exitStorage},
		{fault.New(fault.Numeric, "x"), exitNumeric},
		{fault.New(fault.Collapse, "x"), exitCollapse},
		{fault.New(fault.Other, "x"), exitFailure},
		{fmt.Errorf("%w (terminated)", fault.Interrupted), exitInterrupted},
		{fault.New(fault.Data, "x: %w", context.Canceled), exitInterrupted},
		{errors.Join(errors.New("a"), fmt.Errorf("x: %w", fault.Interrupted)), exitInterrupted},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%v: exit status %d, want %d", c.err, got, c.code)
		}
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("a thing happened"), "ordo: a thing happened\n"},
		{errors.Join(errors.New("one: bad"), errors.New("two: bad")), "ordo: one: bad\n  two: bad\n"},
		{fault.New(fault.Other, "x holds a run").With(fault.OtherFolder{}),
			"ordo: x holds a run: name another folder with --out\n"},
		{&fs.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC},
			"ordo: write /x: no space left on device: free some space there or choose another folder\n"},
	} {
		var b strings.Builder
		(&global{stderr: &b}).report(c.err)
		if b.String() != c.want {
			t.Errorf("%q, want %q", b.String(), c.want)
		}
	}
}

// A result that cannot be written is a failure, though the command went well.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	var stderr bytes.Buffer
	code := Main(t.Context(), []string{"version"}, strings.NewReader(""), full, &stderr, nil)
	result{code, "", stderr.String()}.check(t, exitStorage, "output", "no space left", "free some space")
}

func TestDidYouMean(t *testing.T) {
	known := []string{"run", "runtime", "sweep", "doctor"}
	for name, want := range map[string]string{
		"swep": " (did you mean sweep?)", "Docter": " (did you mean doctor?)",
		"runt": " (did you mean runtime?)", "bananas": "",
	} {
		if got := didYouMean("", name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// fakeMaven puts an mvn with the given shell script on an otherwise almost empty PATH.
func fakeMaven(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for mvn is a shell script")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
}
