package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/models/whole"
)

const manHelp = `Write a man page for every command into a folder, which is made if it is missing: ordo.1,
ordo-run.1, and so on. "make install" puts them where man looks for them.`

type manOptions struct{ out string }

func newManCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "man --out DIR",
		Short:   "Write man pages",
		Long:    manHelp,
		Example: "  ordo man --out man1\n  man ./man1/ordo-run.1",
		Hidden:  true, // for those who install
	}, &manOptions{})
}

func (o *manOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "folder to write into (`DIR`)")
}

func (o *manOptions) check(args []string) error { return cmp.Or(noArgs(args), required("out", o.out)) }

func (o *manOptions) run(_ context.Context, g *global, _ []string) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fault.Writing(o.out, err)
	}
	return manPages(newRootCommand(g), func(name string, page []byte) error {
		return whole.WriteFile(filepath.Join(o.out, name), page)
	})
}

// manPages makes the pages of a command and of those below it.
func manPages(c *cobra.Command, write func(name string, page []byte) error) error {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "help" {
			continue
		}
		if err := manPages(sub, write); err != nil {
			return err
		}
	}
	c.Long, c.Example = blocks(cmp.Or(c.Long, c.Short)), strings.Trim(c.Example, "\n")
	var page bytes.Buffer
	header := &doc.GenManHeader{Section: "1", Source: "ordo " + thisBuild().Version, Manual: "ordo"}
	if err := doc.GenMan(c, header, &page); err != nil {
		return fmt.Errorf("write the man page of %s: %w", c.CommandPath(), err)
	}
	return write(strings.ReplaceAll(c.CommandPath(), " ", "-")+".1", page.Bytes())
}

// blocks makes what is indented in a help text a block that man leaves as it is: pages are made of Markdown.
func blocks(text string) string {
	var b strings.Builder
	before := false // the line before was indented, too
	for line := range strings.Lines(text) {
		in := strings.HasPrefix(line, "  ")
		switch {
		case in && !before:
			b.WriteString("\n    " + line)
		case in:
			b.WriteString("    " + line)
		case before && strings.TrimSpace(line) != "":
			b.WriteString("\n" + line)
		default:
			b.WriteString(line)
		}
		before = in
	}
	return b.String()
}
