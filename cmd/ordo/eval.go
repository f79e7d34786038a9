package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/evaluation"
	"ordo/runner/report"
	"ordo/runner/target"
)

const evalHelp = `Evaluate an encoder that is trained already, without training: how well its outputs tell
classes, keep the order of every family's scale, tell the scale itself, predict transformed
views, and how much they change. Each number stands beside chance, the untrained network of
the same seed and raw pixels, with a 95 % interval over the test images.

TARGET is one of these; the same encoder has the same numbers as each of them:
  RUN         folder of a finished run: data.KEY=VALUE and eval.KEY=VALUE change how it is
              evaluated
  NET.onnx    any encoder, of any tool; --data names a folder of images, or FILE an experiment
              file whose data and augment sections say what it sees
  ROWS.npz    what an encoder made of images: of ordo embed --split all, or of numpy.savez with
              features, labels and split; --train names a second file of training images

A network in ONNX takes float32, float16 or uint8, [batch, 3, S, S] or [batch, S, S, 3], where
batch and S may be free, and gives rows of numbers. Where its file doesn't say how it takes
images, --layout, --image-size, --mean, --std and --range do, for example ImageNet's
  --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
Without them it gets what the experiment's network gets. They change its input only, not the
views and not the pixels beside it. The file's metadata may say it for good: the keys are
ordo.layout, ordo.image_size, ordo.mean, ordo.std, ordo.range and ordo.framing.

Of rows there are classes and label-free measures, beside chance and --against. Families, LiDAR,
the untrained network and pixels need images; of FILE only the eval section counts.

The results of a run go to RUN/eval/NAME.json, those of other targets to --out, if given;
pictures of them (distance over scale, robustness over scale) stand beside, as SVG and PNG.
--launcher slurm or kubernetes takes several targets, TARGET ... [FILE.yaml] [KEY=VALUE ...], and
runs each as a job of its own in the working folder. An evaluation isn't sharded: kNN needs all
images. --out DIR takes scripts and logs, and the results of targets that are no runs. A job
whose time is up has done nothing: give it more. --dry-run prints what would be submitted.

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
  class_accuracy                            of a nominal family: its classes, by a linear probe
  rankme, self_clustering, deviation,       without labels: directions used, collapse, dimension
  local_dimension, alpha_req,               about an image, decay of the spectrum, neighbours
  overlap_untrained …                       kept`

const evalExamples = `  ordo eval runs/demo
  ordo eval runs/demo --families all --name all --markdown > demo.md
  ordo eval runs/ordered --against runs/absent eval.family_images=1000
  ordo eval resnet18.onnx --data photos --families all
  ordo eval resnet18.onnx experiment.yaml --out resnet18.json
  ordo eval rows.npz
  ordo eval runs/*/ --launcher slurm --out jobs --name all --families all
  ordo eval test.npz --train train.npz --against other.npz`

type evalOptions struct {
	encoderFlags
	launcherFlags
	dry                                          bool
	name, against, families, out, train, outputs string
	asJSON, asMarkdown, asCSV, asLaTeX, full     bool
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
	o.encoderFlags.AddFlags(flags)
	flags.StringVar(&o.name, "name", "default", "`NAME` of the evaluation and of its file in the run's folder eval")
	flags.StringVar(&o.out, "out", "", "file to write (`FILE.json`), in place of the run's own")
	flags.StringVar(&o.against, "against", "", "`TARGET` to compare with on the same images, paired")
	flags.StringVar(&o.train, "train", "", "`FILE.npz` of training images, beside one of test images")
	flags.StringVar(&o.outputs, "outputs", "", "outputs to measure (`A,B`); features and embedding, or else all")
	flags.StringVar(&o.families, "families", "", "families (`A,B`) beside those that the experiment names; all: every one")
	flags.BoolVar(&o.full, "full", false, "print all metrics of families; --json and --csv always do")
	flags.BoolVar(&o.asJSON, "json", false, "print the results as one JSON object")
	flags.BoolVar(&o.asMarkdown, "markdown", false, "print a Markdown table")
	flags.BoolVar(&o.asCSV, "csv", false, "print a CSV table")
	flags.BoolVar(&o.asLaTeX, "latex", false, "print a LaTeX table")
	flags.BoolVar(&o.dry, "dry-run", false, "with --launcher: print what would be submitted")
	o.addLauncher(flags, taskEvaluation)
}

func (o *evalOptions) check(args []string) error {
	if err := atLeastOne(args, "a run folder, an ONNX file or an embeddings file"); err != nil {
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
	if err := o.checkLauncher("json", "markdown", "csv", "latex", "all"); err != nil {
		return err
	}
	if o.launched() {
		_, rest := targets(args)
		return cmp.Or(changeable(rest, "data", "eval"), o.encoderFlags.check(), required("out", o.out))
	}
	if o.dry {
		return usagef("--dry-run needs --launcher")
	}
	return cmp.Or(changeable(args[1:], "data", "eval"), o.encoderFlags.check(), suffix("out", o.out, ".json"))
}

// targets are the arguments before an experiment file or KEY=VALUE, and these.
func targets(args []string) (names, rest []string) {
	at := 1 + slices.IndexFunc(args[1:], func(a string) bool {
		end := strings.ToLower(filepath.Ext(a))
		return strings.Contains(a, "=") || end == ".yaml" || end == ".yml"
	})
	if at == 0 {
		return args, nil
	}
	return args[:at], args[at:]
}

// submit gives every target to a cluster as a task of its own.
func (o *evalOptions) submit(ctx context.Context, g *global, args []string) error {
	names, rest := targets(args)
	var tasks [][]string
	for i, name := range names {
		t, err := target.Find(name)
		if err != nil {
			return err
		}
		words := append([]string{"eval"}, o.given("out")...)
		if t.Run == nil {
			stem := strings.TrimSuffix(filepath.Base(t.Path), filepath.Ext(t.Path))
			words = append(words, "--out="+filepath.Join(o.out, fmt.Sprintf("%d-%s.json", i+1, stem)))
		}
		tasks = append(tasks, slices.Concat(words, []string{"--", name}, rest))
	}
	if !o.dry {
		if err := os.MkdirAll(o.out, 0o755); err != nil {
			return fault.Writing(o.out, err)
		}
	}
	return o.launch(ctx, g, "eval", "ordo-eval-"+o.name, o.out, tasks, o.dry)
}

func (o *evalOptions) run(ctx context.Context, g *global, args []string) error {
	if o.launched() {
		return o.submit(ctx, g, args)
	}
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
		stem := strings.TrimSuffix(out, filepath.Ext(out))
		if err := report.SaveEvaluationPictures(stem+"-", result); err != nil {
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
	overrides = o.overrides(overrides)
	if o.families != "" {
		overrides = append(overrides, "eval.families=["+o.families+"]")
	}
	options := evaluation.Options{
		Name: o.name, Version: thisBuild().String(), Threads: o.threads, Progress: newEncoding(g).image,
		Watch: data.Watch{Note: g.note, Progress: newReading(g).image},
	}
	if o.outputs != "" {
		options.Outputs = strings.Split(o.outputs, ",")
	}
	var err error
	if options.Input, err = o.input(); err != nil {
		return options, err
	}
	g.beyondCores(o.threads)
	if options.Target, err = target.Find(args[0]); err != nil {
		return options, err
	}
	if err := o.suits(options.Target,
		meaning{"train", o.train != "", options.Target.Embeddings, "embeddings files"},
		meaning{"families", o.families != "", !options.Target.Embeddings, "encoders"}); err != nil {
		return options, err
	}
	options.Target.Train = o.train
	if o.against != "" {
		other, err := target.Find(o.against)
		if err != nil {
			return options, err
		}
		options.Against = &other
	}
	options.Experiment, err = target.Load(options.Target, file, overrides, g.environ())
	if err != nil || options.Target.Embeddings {
		return options, err
	}
	at, err := findLibrary(g, false)
	if err != nil {
		return options, err
	}
	options.Library = at.Path
	options.OneDNN, err = findOneDNN(g)
	return options, err
}
