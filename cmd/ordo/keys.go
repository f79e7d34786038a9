package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
)

const keysHelp = `Show the keys of an experiment file: of each its type, its range, its default and what it
is. A SECTION, such as train or data.cache, shows its keys; a single key is shown with all
that there is to say.

INDEX stands for the position in a list, counted from 0, and FAMILY for the name of a
family or of a joint one, such as rotate+blur.`

const keysExamples = `  ordo keys train
  ordo keys model.backbone
  ordo keys augment.ordered
  ordo keys --json`

type keysOptions struct{ asMarkdown, asJSON bool }

func newKeysCommand(g *global) *cobra.Command {
	cmd := newCommand(g, &cobra.Command{
		Use:     "keys [SECTION]",
		Short:   "Show the keys of an experiment file",
		Long:    keysHelp,
		Example: keysExamples,
	}, &keysOptions{})
	cmd.ValidArgsFunction = completeSections
	return cmd
}

func (o *keysOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asMarkdown, "markdown", false, "print the page docs/experiment.md")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON list")
}

func (o *keysOptions) check(args []string) error {
	if o.asMarkdown && len(args) > 0 {
		return usagef("--markdown prints the page of all keys, leave %s out", args[0])
	}
	if err := exclusive("markdown", o.asMarkdown, "json", o.asJSON); err != nil {
		return err
	}
	return atMost(args, 1)
}

func (o *keysOptions) run(_ context.Context, g *global, args []string) error {
	if o.asMarkdown {
		fmt.Fprint(g.stdout, config.Page())
		return nil
	}
	list := config.Keys()
	if len(args) > 0 {
		var near string
		if list, near = config.KeysOf(args[0]); len(list) == 0 {
			if near != "" {
				near = fmt.Sprintf(" (did you mean %s?)", near)
			}
			return usagef("no key or section is called %q%s", args[0], near)
		}
	}
	if o.asJSON {
		return g.printJSON(list)
	}
	for _, k := range list {
		doc := k.Sentence()
		if len(list) == 1 {
			doc = k.Doc
		}
		fmt.Fprintln(g.stdout, k.Path)
		for _, text := range []string{k.Facts(), doc} {
			fmt.Fprint(g.stdout, "  ", config.Wrap(text, helpWidth-2, "  "))
		}
		if variable := k.Variable(); len(list) == 1 && variable != "" {
			fmt.Fprintf(g.stdout, "  The variable %s sets it too.\n", variable)
		}
	}
	return nil
}

// completeSections offers the sections and keys below what is typed.
func completeSections(_ *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	for _, k := range config.Keys() {
		if strings.HasPrefix(k.Path, text) {
			at := k.Path
			if dot := strings.IndexByte(at[len(text):], '.'); dot >= 0 {
				at = at[:len(text)+dot]
			}
			if len(list) == 0 || list[len(list)-1] != at {
				list = append(list, at)
			}
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
