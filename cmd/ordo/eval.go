package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/evaluation"
	"ordo/runner/report"
)

const evalHelp = `Evaluate an encoder that is trained already, without training: how well its outputs tell
classes, keep the order of every family's scale, tell the scale itself, predict transformed
views, and how much they change. Each number stands beside chance, the untrained network of
the same seed and raw pixels, with a 95 % interval over the test images.

TARGET is the folder of a finished run, or an ONNX file that takes float32 [batch, 3, S, S]
and gives rows; then FILE is an experiment file whose data and augment sections say which
images it sees, how they are normalised (augment.mean, augment.std) and framed, and which
families there are. A run has its own, which data.KEY=VALUE and eval.KEY=VALUE change.

The results of a run go to RUN/eval/NAME.json, those of an ONNX file to --out, if given;
pictures of them (distance over scale, robustness over scale) stand beside, as SVG and PNG.
The intervals say how far a number may be off because of the images, not because of the
seed: for that, train several seeds.

What is measured (see ordo keys eval for limits and settings):
  knn, probe, few_shot_1, few_shot_5        share of test images whose class is told
  knn_transformed, probe_transformed,       the same of views, mean over the scales
  few_shot_1_transformed, …
  order_accuracy, _spearman, _kendall       order of the distances from the untouched image
  scale_r2, scale_r2_relative, _beyond      the scale read off one view, off two, beyond what
                                            was learnt; _degrees: the error of cyclic families
  predicted_mrr, _h1, _h5, _scale_error,    the transformed view's output, predicted by linear
  predicted_gain                            maps; the gain is over "nothing changes"
  relative_distance, normalised_variance    change with the family by the differences between
                                            images: 0 is invariant
  rankme, self_clustering, deviation,       without labels: directions used, collapse, decay of
  alpha_req, overlap_untrained …            the spectrum, neighbours kept`

const evalExamples = `  ordo eval runs/demo
  ordo eval runs/demo --families all --name all --markdown > demo.md
  ordo eval runs/ordered --against runs/absent eval.family_images=1000
  ordo eval resnet18.onnx experiment.yaml --out resnet18.json`

type evalOptions struct {
	name, against, families, out             string
	threads                                  int
	asJSON, asMarkdown, asCSV, asLaTeX, full bool
}

func newEvalCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "eval TARGET [FILE] [KEY=VALUE ...]",
		Short:   "Evaluate a trained encoder beside chance, the untrained network and pixels",
		Long:    evalHelp,
		Example: evalExamples,
	}, &evalOptions{})
}

func (o *evalOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.name, "name", "default", "`NAME` of the evaluation and of its file in the run's folder eval")
	flags.StringVar(&o.out, "out", "", "file to write (`FILE.json`), in place of the run's own")
	flags.StringVar(&o.against, "against", "", "`RUN` or ONNX file to compare with on the same views, paired by image")
	flags.StringVar(&o.families, "families", "", "families (`A,B`) beside those that the experiment names; all: every one")
	flags.IntVar(&o.threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
	flags.BoolVar(&o.full, "full", false, "print all metrics of families; --json and --csv always do")
	flags.BoolVar(&o.asJSON, "json", false, "print the results as one JSON object")
	flags.BoolVar(&o.asMarkdown, "markdown", false, "print a Markdown table")
	flags.BoolVar(&o.asCSV, "csv", false, "print a CSV table")
	flags.BoolVar(&o.asLaTeX, "latex", false, "print a LaTeX table")
}

func (o *evalOptions) check(args []string) error {
	if err := atLeastOne(args, "a run folder or an ONNX file"); err != nil {
		return err
	}
	if err := config.CheckName(o.name); err != nil {
		return usagef("--name %v", err)
	}
	forms := []struct {
		flag  string
		given bool
	}{{"json", o.asJSON}, {"markdown", o.asMarkdown}, {"csv", o.asCSV}, {"latex", o.asLaTeX}}
	for i, f := range forms {
		for _, other := range forms[:i] {
			if err := exclusive(other.flag, other.given, f.flag, f.given); err != nil {
				return err
			}
		}
	}
	file, overrides := splitFile(args[1:])
	for _, a := range overrides {
		own := strings.HasPrefix(a, "data.") || strings.HasPrefix(a, "eval.")
		if !strings.Contains(a, "=") || file == "" && !own {
			return usagef("unexpected argument %q, only data.KEY=VALUE and eval.KEY=VALUE can be changed here", a)
		}
	}
	return within("threads", o.threads, 0, 1024)
}

// splitFile takes the experiment file, if there is one, from the arguments behind the target.
func splitFile(args []string) (file string, overrides []string) {
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		return args[0], args[1:]
	}
	return "", args
}

func (o *evalOptions) run(ctx context.Context, g *global, args []string) error {
	options, err := o.options(g, args)
	if err != nil {
		return err
	}
	result, err := evaluation.Evaluate(ctx, options)
	if err != nil {
		return err
	}
	out := o.out
	if out == "" && options.Target.Run != nil {
		out = evaluation.File(options.Target.Path, o.name)
	}
	if out != "" {
		if err := result.Write(out); err != nil {
			return err
		}
		if err := report.SaveEvaluationPictures(strings.TrimSuffix(out, ".json")+"-", result); err != nil {
			return err
		}
	}
	shown := result
	if !o.full {
		shown = report.Principal(result)
	}
	switch {
	case o.asJSON:
		return g.printJSON(result)
	case o.asMarkdown:
		fmt.Fprint(g.stdout, report.EvaluationMarkdown(shown))
	case o.asLaTeX:
		fmt.Fprint(g.stdout, report.EvaluationLaTeX(shown))
	case o.asCSV:
		text, err := report.EvaluationCSV(result)
		if err != nil {
			return err
		}
		fmt.Fprint(g.stdout, text)
	default:
		fmt.Fprint(g.stdout, report.EvaluationTable(shown))
		if out != "" {
			fmt.Fprintf(g.stdout, "\nevaluation: %s, with pictures beside it\n", filepath.Clean(out))
		}
	}
	return nil
}

// options finds what the command line names.
func (o *evalOptions) options(g *global, args []string) (evaluation.Options, error) {
	file, overrides := splitFile(args[1:])
	if o.families != "" {
		overrides = append(overrides, "eval.families=["+o.families+"]")
	}
	options := evaluation.Options{
		Name: o.name, Version: thisBuild().String(), Threads: o.threads, Progress: newEncoding(g).image,
		Watch: data.Watch{Note: g.note, Progress: newReading(g).image},
	}
	var err error
	if options.Target, err = evaluation.Find(args[0]); err != nil {
		return options, err
	}
	if o.against != "" {
		other, err := evaluation.Find(o.against)
		if err != nil {
			return options, err
		}
		options.Against = &other
	}
	options.Experiment, err = evaluation.Load(options.Target, file, overrides, g.environ())
	at, libraryErr := findLibrary(g, false)
	options.Library = at.Path
	return options, cmp.Or(err, libraryErr)
}
