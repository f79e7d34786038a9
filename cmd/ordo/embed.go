package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/embed"
	"ordo/runner/target"
)

const embedHelp = `Encode every image with an encoder and write its outputs, ids, labels and splits to a file:
  .npz      NumPy arrays, which ordo eval takes (--split all) and ordo neighbours
  .npy      one matrix; FILE.rows.csv says which image each row is of
  .parquet  a row an image: id, path, label, class, split, width, height, and a list of numbers
            for each output
  .csv      the same with a column a number; as lightly reads it with --format lightly

TARGET is the folder of a finished run, whose images are those of its own data section, or any
encoder in ONNX with --data DIR or an experiment FILE, and with the flags of ordo eval for how
it takes images. Of a run, --data names another folder of the same kind of source, and
data.KEY=VALUE changes any key of the section: of other images than the run's all are encoded.

Memory is the same for any number of images. What is encoded is kept in OUT.part until the file
is whole: the same command goes on there when it was interrupted, and the file has the same
bytes. --shard 1/4 to 4/4 are four files, whose rows one after the other are those of one file:
numpy.concatenate, pyarrow.concat_tables, or in DuckDB SELECT * FROM 'part-*.parquet'.

--launcher slurm --shard 4 submits all four as an array of jobs, in the working folder, and
returns: OUT's files are OUT-1-of-4 to OUT-4-of-4, and scripts and logs are in OUT.jobs. A job
whose time is up goes on when it has been requeued. --launcher kubernetes prints the manifest of
a Job; --dry-run prints what would be submitted.

--family rotate --scales 0,0.25,0.5,1 shows every image at four scales: a row an image and scale,
with a column scale, or with --average their mean. --neighbours 10 adds a column neighbors to
Parquet and CSV: {ids, distances} of the nearest other images, exact, by 1 - cosine of the
first output; ids are rows from 0, as embedding-atlas --neighbors wants them. --xy adds columns
x and y: the plane of the first output's two first principal components.

In Python:
  f = numpy.load("out.npz")      # features, embedding, ids, labels, classes, split
  x = numpy.load("out.npy", mmap_mode="r")
  t = pandas.read_parquet("out.parquet"); x = numpy.stack(t["features"])`

const embedExamples = `  ordo embed runs/demo --out demo.npz
  ordo embed runs/demo data.source=folder --data ~/fruit --out fruit.npz
  ordo embed runs/demo --split all --out demo.parquet --neighbours 10
  ordo embed resnet18.onnx --data photos --out photos.npy --dtype float16 \
    --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  ordo embed runs/demo --out all.parquet --launcher slurm --shard 16 --time 1:00:00
  ordo embed runs/demo --family rotate --scales 0,0.25,0.5,1 --out turned.npz`

type embedOptions struct {
	encoderFlags
	launcherFlags
	out, split, format, dtype, precision, shard string
	outputs                                     []string
	views                                       embed.Views
	neighbours                                  int
	plane                                       bool
	asJSON, requeue, dry                        bool
}

func newEmbedCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "embed TARGET [FILE] [KEY=VALUE ...]",
		Short:   "Write what an encoder makes of every image to a NumPy, Parquet or CSV file",
		Long:    embedHelp,
		Example: embedExamples,
	}, &embedOptions{})
}

func (o *embedOptions) AddFlags(flags *pflag.FlagSet) {
	o.encoderFlags.AddFlags(flags)
	flags.StringVar(&o.out, "out", "", "`FILE` to write: .npz, .npy, .parquet or .csv")
	flags.StringVar(&o.format, "format", "",
		"npz, npy, parquet, csv or lightly (CSV as lightly reads it); default by FILE's end")
	flags.StringSliceVar(&o.outputs, "outputs", nil,
		"outputs to write (`A,B`); features and embedding, or else all; in npy features, for lightly embedding")
	flags.StringVar(&o.dtype, "dtype", embed.Float32, "numbers as float32, or in npz, npy and parquet float16 (`TYPE`)")
	flags.StringVar(&o.precision, "precision", models.Float32,
		"of the network: float32, bf16 (AMX or AVX-512 bf16), or auto: bf16 where there is AMX (`P`)")
	flags.StringVar(&o.split, "split", "",
		"`SPLIT` of the data set: train, test or all; default test, of images that are not the run's all")
	flags.StringVar(&o.shard, "shard", "",
		"one of several parts of the images (`I/N`), such as 1/4 to 4/4; with --launcher how many")
	flags.StringVar(&o.views.Family, "family", "", "family (`NAME`) at whose scales images are shown")
	flags.Float64SliceVar(&o.views.Scales, "scales", nil, "those scales (`S,…`), in [0, 1]")
	flags.BoolVar(&o.views.Average, "average", false, "write the mean over the scales")
	flags.BoolVar(&o.plane, "xy", false, "write where each row lies on the plane of the first output; parquet and csv")
	flags.IntVar(&o.neighbours, "neighbours", 0, "how many nearest images (`K`) to write beside each; parquet and csv")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object about the file")
	flags.BoolVar(&o.requeue, "requeue", false, requeueHelp)
	flags.BoolVar(&o.dry, "dry-run", false, "with --launcher: print what would be submitted")
	o.addLauncher(flags, taskShard)
}

func (o *embedOptions) check(args []string) error {
	if err := atLeastOne(args, "a run folder or an ONNX file"); err != nil {
		return err
	}
	if o.split != "" {
		if err := oneOf("split", o.split, embed.Splits()...); err != nil {
			return err
		}
	}
	if err := o.checkShard(); err != nil {
		return err
	}
	if (o.views.Family == "") != (len(o.views.Scales) == 0) {
		return usagef("--family and --scales need each other")
	}
	return cmp.Or(changeable(args[1:], "data"), o.encoderFlags.check(), required("out", o.out), o.checkFormat(),
		oneOf("dtype", o.dtype, embed.DTypes()...),
		oneOf("precision", o.precision, models.Float32, models.BFloat16, models.AutoPrecision),
		within("neighbours", o.neighbours, 0, 1000))
}

// maxShards is how many jobs may write one embedding.
const maxShards = 10_000

// checkShard refuses a part that isn't one, and with a launcher what is no number of parts.
func (o *embedOptions) checkShard() error {
	if err := o.checkLauncher("json", "requeue"); err != nil {
		return err
	}
	if !o.launched() {
		if o.dry {
			return usagef("--dry-run needs --launcher")
		}
		if _, err := embed.ParseShard(o.shard); err != nil {
			return usagef("--shard: %v", err)
		}
		return nil
	}
	n, err := strconv.Atoi(o.shard)
	if err != nil {
		return usagef("--shard is the number of shards with --launcher %s, which runs all of them; got %q", o.launcher,
			o.shard)
	}
	return within("shard", n, 1, maxShards)
}

// submit gives the shards to a cluster.
func (o *embedOptions) submit(ctx context.Context, g *global, args []string) error {
	if _, err := o.options(g, args); err != nil { // what is wrong is wrong in every job
		return err
	}
	n, _ := strconv.Atoi(o.shard) // check has seen it
	end := filepath.Ext(o.out)
	stem := strings.TrimSuffix(o.out, end)
	var tasks [][]string
	for i := 1; i <= n; i++ {
		part := fmt.Sprintf("%s-%0*d-of-%d%s", stem, len(o.shard), i, n, end)
		words := append([]string{"embed"}, o.given("shard", "out", "requeue")...)
		words = append(words, fmt.Sprintf("--shard=%d/%d", i, n), "--out="+part)
		if o.launcher == launchSlurm {
			words = append(words, "--requeue")
		}
		tasks = append(tasks, slices.Concat(words, []string{"--"}, args))
	}
	if err := o.launch(ctx, g, "embed", "ordo-embed", o.out+".jobs", tasks, o.dry); err != nil {
		return err
	}
	g.note(fmt.Sprintf("their files, one after the other, are the whole: %s-*-of-%d%s", stem, n, end))
	return nil
}

// checkFormat refuses a name that promises another format than the one that is written.
func (o *embedOptions) checkFormat() error {
	format := cmp.Or(o.format, embed.FormatOf(o.out))
	if o.format != "" {
		if err := oneOf("format", o.format, embed.Formats()...); err != nil {
			return err
		}
	}
	if format == "" {
		return usagef("--out writes npz, npy, parquet and csv files, got %q: end the name in .npz, .npy, .parquet or .csv",
			o.out)
	}
	if (format == embed.FormatNPY || format == embed.FormatLightly) && len(o.outputs) > 1 {
		return usagef("a file of format %s holds one output: choose --outputs features or --outputs embedding", format)
	}
	return suffix("out", o.out, embed.Extension(format))
}

func (o *embedOptions) run(ctx context.Context, g *global, args []string) error {
	if o.launched() {
		return o.submit(ctx, g, args)
	}
	if o.requeue {
		var cancel context.CancelFunc
		ctx, cancel = untilJobEnds(ctx, g)
		defer cancel()
	}
	options, err := o.options(g, args)
	if err != nil {
		return err
	}
	s, err := embed.Export(ctx, options)
	if err != nil && o.requeue && timeIsUp(ctx) {
		return requeue(ctx, g)
	}
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(s)
	}
	shard := ""
	if s.Shard != "" {
		shard = ", shard " + s.Shard
	}
	text := fmt.Sprintf("%s: %d of %d images (split %s%s)", s.Out, s.Images, s.Of, s.Split, shard)
	for _, output := range s.Outputs {
		text += fmt.Sprintf(", %s [%d, %d]", output.Name, s.Rows, output.Columns)
	}
	fmt.Fprintln(g.stdout, text)
	return nil
}

// options finds what the command line names.
func (o *embedOptions) options(g *global, args []string) (embed.Options, error) {
	file, given := splitFile(args[1:])
	overrides := o.overrides(given)
	if o.views.Family != "" {
		overrides = append(overrides, "eval.families=["+o.views.Family+"]") // framed as where it is evaluated
	}
	options := embed.Options{
		Split: o.split, Out: o.out, Format: o.format, Outputs: o.outputs, DType: o.dtype,
		Precision: o.precision, Views: o.views,
		Neighbours: o.neighbours, Plane: o.plane, Threads: o.threads, Progress: newEncoding(g).image,
		Compared: newComparing(g).image,
		Watch:    data.Watch{Note: g.note, Progress: newReading(g).image},
	}
	var err error
	if options.Input, err = o.input(); err != nil {
		return options, err
	}
	if !o.launched() {
		if options.Shard, err = embed.ParseShard(o.shard); err != nil {
			return options, err
		}
	}
	g.beyondCores(o.threads)
	t, err := target.Find(args[0])
	if err != nil {
		return options, err
	}
	if t.Embeddings {
		return options, fault.New(fault.Config, "%s is an embeddings file already", t.Path).
			Advise("name a run folder or an ONNX file")
	}
	if err := o.suits(t); err != nil {
		return options, err
	}
	options.Target = t
	if o.split == "" {
		options.Split = embed.SplitTest
		if t.Run == nil || file != "" || config.OtherImages(overrides) {
			options.Split = embed.SplitAll
		}
	}
	if options.Experiment, err = target.Load(t, file, overrides, g.environ()); err != nil {
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
