package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/models/whole"
	"ordo/runner/config"
	"ordo/runner/sweep"
)

func newConfigCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "config",
		Short: "Check, show and begin experiment files",
	}, newConfigCheckCommand(g), newConfigShowCommand(g), newConfigInitCommand(g), newConfigSchemaCommand(g))
}

const configCheckHelp = `Say what is wrong with an experiment file or a sweep file, all of it at once, or that nothing
is. Images are not looked for: that is done by ordo data info.`

type configCheckOptions struct{}

func newConfigCheckCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "check FILE [KEY=VALUE ...]",
		Short:   "Say what is wrong with an experiment or sweep file",
		Long:    configCheckHelp,
		Example: "  ordo config check experiments/demo.yaml\n  ordo config check experiments/sweeps/mnist-role.yaml",
	}, &configCheckOptions{})
}

func (*configCheckOptions) AddFlags(*pflag.FlagSet) {}

func (*configCheckOptions) check(args []string) error {
	return atLeastOne(args, "an experiment file or a sweep file")
}

func (*configCheckOptions) run(_ context.Context, g *global, args []string) error {
	e, err := g.load(args)
	if err == nil {
		fmt.Fprintf(g.stdout, "%s: nothing is wrong; the run is %s\n", args[0], filepath.Join("runs", e.Name+"-"+e.Hash()))
		return nil
	}
	for _, hint := range fault.Hints(err) {
		if other, ok := hint.(fault.OtherCommand); !ok || !other.Sweep {
			continue
		}
		plan, err := sweep.NewPlan(args[0], args[1:], g.environ())
		if err != nil {
			return err
		}
		most := ""
		if n, total := plan.Chosen(); n < total {
			most = "at most "
		}
		fmt.Fprintf(g.stdout, "%s: nothing is wrong; the sweep has %s%d trials\n", args[0], most, len(plan.Trials))
		return nil
	}
	return err
}

const configShowHelp = `Print an experiment as it would be run, every key of it, with where each value comes from: a
line of the file or of one that it extends, an environment variable, or the command line.
What says nothing is a default.`

type configShowOptions struct{}

func newConfigShowCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "show FILE [KEY=VALUE ...]",
		Short:   "Print an experiment with every key, and where its value comes from",
		Long:    configShowHelp,
		Example: "  ordo config show experiments/demo.yaml train.epochs=4",
	}, &configShowOptions{})
}

func (*configShowOptions) AddFlags(*pflag.FlagSet) {}

func (*configShowOptions) check(args []string) error { return atLeastOne(args, "an experiment file") }

func (*configShowOptions) run(_ context.Context, g *global, args []string) error {
	text, err := config.Show(args[0], args[1:], g.environ())
	if err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%s", text)
	return nil
}

const configInitHelp = `Write an experiment file for a folder of images (a folder a class, or train/ and test/, or
images alone), with a word on every key that one would change first. A file that is there
already stays as it is.`

type configInitOptions struct{ data, out string }

func newConfigInitCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "init --data DIR --out FILE",
		Short:   "Write an experiment file for a folder of images",
		Long:    configInitHelp,
		Example: "  ordo config init --data photos --out photos.yaml\n  ordo run photos.yaml",
	}, &configInitOptions{})
}

func (o *configInitOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.data, "data", "", "folder of images (`DIR`)")
	flags.StringVar(&o.out, "out", "", "`FILE.yaml` to write")
}

func (o *configInitOptions) check(args []string) error {
	if err := atMost(args, 0); err != nil {
		return err
	}
	if err := required("data", o.data); err != nil {
		return err
	}
	if err := required("out", o.out); err != nil {
		return err
	}
	return suffix("out", o.out, ".yaml")
}

func (o *configInitOptions) run(_ context.Context, g *global, _ []string) error {
	if info, err := os.Stat(o.data); err != nil {
		return fault.Reading(fault.Data, o.data, err)
	} else if !info.IsDir() {
		return fault.New(fault.Data, "%s is a file", o.data).Advise("name the folder that holds the images")
	}
	if _, err := os.Stat(o.out); err == nil {
		return fault.New(fault.Other, "%s is there already", o.out).With(fault.OtherFolder{})
	}
	text, err := config.Starter(o.data)
	if err != nil {
		return err
	}
	if err := whole.WriteFile(o.out, text); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%s: look at it, then\n  ordo data info %[1]s\n  ordo views %[1]s --out views.png\n"+
		"  ordo run %[1]s\n", o.out)
	return nil
}

const configSchemaHelp = `Print the JSON Schema of experiment files. Editors complete and explain keys by it; for those
that use the YAML language server, a file's first line may be
  # yaml-language-server: $schema=experiment.schema.json`

type configSchemaOptions struct{}

func newConfigSchemaCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of experiment files",
		Long:    configSchemaHelp,
		Example: "  ordo config schema > experiment.schema.json",
	}, &configSchemaOptions{})
}

func (*configSchemaOptions) AddFlags(*pflag.FlagSet) {}

func (*configSchemaOptions) check(args []string) error { return noArgs(args) }

func (*configSchemaOptions) run(_ context.Context, g *global, _ []string) error {
	text, err := config.Schema()
	if err != nil {
		return err
	}
	fmt.Fprint(g.stdout, string(bytes.TrimSpace(text))+"\n")
	return nil
}
