package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ordo/runner/config"
	"ordo/runner/track"
)

// completeOverrides lets the shell complete the arguments of all commands below c that take overrides, as the lines of
// their usage say.
func completeOverrides(g *global, c *cobra.Command) {
	for _, sub := range c.Commands() {
		completeOverrides(g, sub)
	}
	switch use := c.Use; {
	case strings.Contains(use, "| data.KEY=VALUE"):
		c.ValidArgsFunction = g.completeData
	case strings.Contains(use, "TARGET [FILE] [KEY=VALUE"):
		c.ValidArgsFunction = g.completeEval
	case strings.Contains(use, "| RUN} [KEY=VALUE"):
		c.ValidArgsFunction = g.completeRun
	case strings.Contains(use, "| SWEEP} [KEY=VALUE"):
		c.ValidArgsFunction = g.completeFile
	case strings.Contains(use, "--data DIR} [KEY=VALUE"):
		c.ValidArgsFunction = g.completeSelect
	case strings.Contains(use, "FILE [KEY=VALUE"):
		c.ValidArgsFunction = g.completeFile
	}
}

// completeFile completes FILE [KEY=VALUE ...].
func (g *global) completeFile(_ *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return g.candidates(args[0], text)
}

// completeRun completes {FILE | RUN} [KEY=VALUE ...].
func (g *global) completeRun(c *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		if _, err := os.Stat(track.ExperimentFile(args[0])); err == nil {
			args = []string{track.ExperimentFile(args[0])}
		}
	}
	return g.completeFile(c, args, text)
}

// completeSelect completes {FILE | --data DIR} [KEY=VALUE ...]; with --data there is no file, and all are keys.
func (g *global) completeSelect(c *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if c.Flags().Changed("data") {
		return g.candidates("", text)
	}
	return g.completeFile(c, args, text)
}

// completeData completes FILE [KEY=VALUE ...] and data.KEY=VALUE …
func (g *global) completeData(c *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0 && !strings.HasPrefix(text, "data."):
		return g.completeFile(c, args, text)
	case len(args) == 0 || strings.Contains(args[0], "="):
		return g.candidates("", text)
	}
	return g.candidates(args[0], text)
}

// completeEval completes TARGET [FILE] [KEY=VALUE ...]: files and folders, then a file or keys; without a file those of
// data and eval.
func (g *global) completeEval(_ *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return nil, cobra.ShellCompDirectiveDefault
	case len(args) > 1 && !strings.Contains(args[1], "="):
		return g.candidates(args[1], text)
	case strings.HasPrefix(text, "data.") || strings.HasPrefix(text, "eval."):
		return g.candidates(track.ExperimentFile(args[0]), text)
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// pathKeys are the keys whose values are files or folders.
var pathKeys = []string{"data.root", "data.cache.dir", "model.artifacts", "model.weights", "train.from"}

// candidates are what can follow the text of an override of the experiment in a file.
func (g *global) candidates(file, text string) ([]string, cobra.ShellCompDirective) {
	if key, path, ok := strings.Cut(text, "="); ok && slices.Contains(pathKeys, key) {
		return paths(key+"=", path), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	e, err := config.Load(file, nil, g.environ())
	if err != nil { // a sweep file, or not finished yet
		e = config.Default()
	}
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	var list []string
	for _, c := range config.Complete(text, e) {
		if strings.HasSuffix(c.Text, "=") || strings.HasSuffix(c.Text, ".") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		if c.Doc != "" {
			c.Text += "\t" + c.Doc
		}
		list = append(list, c.Text)
	}
	return list, directive
}

// paths are the files and folders that a path can go on to, with what stands before it.
func paths(before, path string) []string {
	folder, name := filepath.Split(path)
	at := folder
	if at == "" {
		at = "."
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name) || name == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		text := before + folder + e.Name()
		if e.IsDir() {
			text += string(filepath.Separator)
		}
		list = append(list, text)
	}
	return list
}
