package main

import (
	"errors"
	"fmt"
	"strings"

	"ordo/models/fault"
	"ordo/models/ort/install"
)

// explain is the sentence of an error with all that there is to do about it: what its faults say, what their hints mean
// on this command line, and what the operating system's errors call for. Each of several joined errors is a line.
func (g *global) explain(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if parts := joined.Unwrap(); err.Error() == errors.Join(parts...).Error() {
			var lines []string
			for _, part := range parts {
				lines = append(lines, g.explain(part))
			}
			return strings.Join(lines, "\n")
		}
	}
	text := strings.TrimRight(err.Error(), "\n")
	var born *fault.Error
	if !errors.As(err, &born) {
		if do := fault.Remedy(err); do != "" {
			text += ": " + do
		}
		return text
	}
	joint := ": "
	if born.Do != "" {
		joint = "; or "
	}
	for i, h := range fault.Hints(err) {
		if i > 0 {
			joint = "; or "
		}
		if do := g.words(h); !strings.Contains(text, do) {
			text += joint + do
		}
	}
	return text
}

// words says what a hint means on this command line.
func (g *global) words(h fault.Hint) string {
	switch h := h.(type) {
	case fault.OtherFolder:
		return "name another folder with --out"
	case fault.Start:
		return "leave out --table to start it"
	case fault.OtherCommand:
		command := "run"
		if h.Sweep {
			command = "sweep"
		}
		return fmt.Sprintf("use `ordo %s %s`", command, h.File)
	case fault.InstallLibrary:
		command := "ordo runtime install"
		if h.GPU {
			command += " --gpu"
		}
		from, env := " --from ", install.EnvLibrary
		if h.OneDNN {
			from, env = " --kernels-from ", install.EnvOneDNN
		}
		if h.From != "" {
			return fmt.Sprintf("run `%s`", command+from+h.From)
		}
		if g.env[env] != "" { // what is installed would not be used
			return fmt.Sprintf("let %s name another library, or unset it and run `%s`", env, command)
		}
		return fmt.Sprintf("run `%s`", command)
	case fault.BuildArtifacts:
		command := "ordo artifacts build FORWARD.onnx --out DIR"
		for _, head := range h.Heads {
			command += fmt.Sprintf(" --head '%s'", head)
		}
		return fmt.Sprintf("build the artifacts anew with the options that they were built with: `%s`", command)
	case fault.Replay:
		return fmt.Sprintf("see with `ordo replay %s` which operator it was", h.Folder)
	case fault.Finish:
		return fmt.Sprintf("make or finish one with `ordo run FILE --out %s`", h.Folder)
	case fault.Option:
		return "give --" + strings.ReplaceAll(h.Name, "_", "-")
	}
	return ""
}
