package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/runner/report"
)

const artifactsBuildHelp = `Make training artifacts of a forward graph, which any framework can export to ONNX (opset
%d to %d): images [batch, 3, size, size] in, features [batch, n] out.

What is trained: the float32 tensors that are used as weights, biases, scales, shifts,
embeddings or tokens. What an exporter stores beside these is not: numbers such as an
epsilon or the scale of a softmax, tables such as rotary positions, what images are
normalised by. Use and name decide, and a table says which tensors are taken for what
(with --json, tensor by tensor). --train and --freeze overrule it; what both match is
trained. --config has them too: train, freeze, keep_tied.

In evaluation mode torch's exporters store equal tensors once, so that all norms of a
network that was never trained share their scales and shifts. They are taken apart, and a
line says so; --keep-tied keeps them one. To export them apart, export in training mode
(torch.onnx.export with training=TrainingMode.TRAINING, dynamo=False). Weights that a
network shares, such as a word embedding that is the last layer too, stay one.

The graph's output becomes "features"; where it has several, --features names one. The
losses look at "embedding": another output (--embedding), or what a projector makes of the
features (--projector), or else the features themselves. Further heads can be added: each
--head is a line of YAML, and a --config file holds them all, in the same form:

  features: pooled            # the keys are the flags' names, with _ for -
  heads:
    - {name: projector, layers: [256, 64]}
    - {name: predictor, input: embedding, layers: [64, 64]}
    - {name: order, layers: [128, 32], batch_norm: false, bias: true}
    - {name: classifier, input: features, output: classes, layers: [10]}
    - {name: augself, kind: pair, layers: [512, 512, 9], views: 5}
  freeze: ["conv1.*", "bn1.*"]
  mean: [0.485, 0.456, 0.406]
  std: [0.229, 0.224, 0.225]

A head of kind pair or conditioned looks at several views of an image, so it must know how
training batches are made of views: it takes the keys views, and for kind conditioned
base_views, plain_view and parameters. When an experiment with model.artifacts lacks a
head that its loss needs, the error gives the --head that builds it.

The folder appears whole or not at all. Its file ordo.json says what it holds. Of its file
forward_model.onnx a run makes a training graph with ordo's own operators, where the
machine has oneDNN (model.kernels).`

const artifactsBuildExamples = `  ordo artifacts build resnet50.onnx --projector 2048,128 --out artifacts/resnet50
  ordo artifacts build vit.onnx --head '{name: order, layers: [128, 32]}' \
    --freeze 'patch_embed.*' --out artifacts/vit`

// artifactsBuildOptions are what the command line says over a --config.
type artifactsBuildOptions struct {
	out, config, features, embedding string
	outputs, heads                   []string
	train, freeze, keepTied          []string
	projector, predictor             []int
	noBatchNorm                      bool
	mean, std                        []float64
	imageSize                        int
	seed                             uint64
	dropoutSeed                      int64
	asJSON                           bool
	given                            func(flag string) bool
}

func newArtifactsBuildCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "build FORWARD.onnx --out DIR",
		Short:   "Make training artifacts of a forward graph",
		Long:    fmt.Sprintf(artifactsBuildHelp, artifacts.MinOpset, artifacts.MaxOpset),
		Example: artifactsBuildExamples,
	}, &artifactsBuildOptions{})
}

func (f *artifactsBuildOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.out, "out", "", "folder to make (`DIR`)")
	flags.StringVar(&f.config, "config", "", "`FILE`.yaml with any of these options")
	flags.StringVar(&f.features, "features", "", "`OUTPUT` that becomes the features")
	flags.StringVar(&f.embedding, "embedding", "", "`OUTPUT` that becomes the embedding")
	flags.StringSliceVar(&f.outputs, "outputs", nil, "further `OUTPUTS` that the loss shall see")
	flags.IntSliceVar(&f.projector, "projector", nil,
		"`SIZES` of the layers of a projector on the features, which gives the embedding")
	flags.IntSliceVar(&f.predictor, "predictor", nil,
		"`SIZES` of the layers of a predictor on the embedding, which gives the prediction")
	flags.BoolVar(&f.noBatchNorm, "no-batch-norm", false, "build projector and predictor without batch norm")
	flags.StringArrayVar(&f.heads, "head", nil, "add a head, a line of `YAML` as above")
	flags.StringArrayVar(&f.train, "train", nil, "`PATTERN` of tensors that are trained (* is any text)")
	flags.StringArrayVar(&f.freeze, "freeze", nil, "`PATTERN` of tensors that are not trained")
	flags.StringArrayVar(&f.keepTied, "keep-tied", nil,
		"`PATTERN` of tensors that stay one in several norms or biases; without one: all")
	flags.Lookup("keep-tied").NoOptDefVal = "*"
	flags.Float64SliceVar(&f.mean, "mean", nil, "three `NUMBERS` that are subtracted from the images first")
	flags.Float64SliceVar(&f.std, "std", nil, "three `NUMBERS` that the images are divided by then")
	flags.IntVar(&f.imageSize, "image-size", 0, "side of the images in pixels, where the graph leaves it free")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the heads' initial weights")
	flags.Int64Var(&f.dropoutSeed, "dropout-seed", 0, "seed of the dropouts; 0 is the session's")
	flags.BoolVar(&f.asJSON, "json", false, "print the manifest")
	f.given = flags.Changed
}

func (f *artifactsBuildOptions) check(args []string) error {
	if err := oneArg(args, "an ONNX file"); err != nil {
		return err
	}
	return required("out", f.out)
}

func (f *artifactsBuildOptions) run(_ context.Context, g *global, args []string) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	return buildArtifacts(g, args[0], f.out, o, f.asJSON)
}

// options are those of the --config file, with the flags that were given over them.
func (f *artifactsBuildOptions) options() (artifacts.Options, error) {
	o := artifacts.DefaultOptions()
	if f.config != "" {
		text, err := os.ReadFile(f.config)
		if err != nil {
			return o, fault.Reading(fault.Config, f.config, err)
		}
		if o, err = artifacts.ParseOptions(text); err != nil {
			return o, fmt.Errorf("%s: %w", f.config, err)
		}
	}
	for name, set := range map[string]func(){
		"features":     func() { o.Features = f.features },
		"embedding":    func() { o.Embedding = f.embedding },
		"outputs":      func() { o.Outputs = f.outputs },
		"train":        func() { o.Train = f.train },
		"freeze":       func() { o.Freeze = f.freeze },
		"keep-tied":    func() { o.KeepTied = f.keepTied },
		"mean":         func() { o.Mean = f.mean },
		"std":          func() { o.Std = f.std },
		"image-size":   func() { o.ImageSize = f.imageSize },
		"seed":         func() { o.Seed = f.seed },
		"dropout-seed": func() { o.DropoutSeed = f.dropoutSeed },
	} {
		if f.given(name) {
			set()
		}
	}
	if f.given("projector") {
		h := heads.Default()
		h.Name, h.Layers, h.BatchNorm = heads.Projector, f.projector, !f.noBatchNorm
		o.Heads = append(o.Heads, h)
	}
	if f.given("predictor") {
		h := heads.Default()
		h.Name, h.Input, h.Layers, h.BatchNorm = "predictor", models.Embedding, f.predictor, !f.noBatchNorm
		o.Heads = append(o.Heads, h)
	}
	for _, text := range f.heads {
		h, err := heads.Parse(text)
		if err != nil {
			return o, usagef("--head: %v", err)
		}
		o.Heads = append(o.Heads, h)
	}
	if err := o.Validate(); err != nil {
		return o, usagef("%v", err)
	}
	return o, nil
}

func buildArtifacts(g *global, file, out string, o artifacts.Options, asJSON bool) error {
	// What can't be written shouldn't be computed for a minute first.
	if err := artifacts.CheckFree(out); err != nil {
		return err
	}
	forward, err := onnxgraph.ReadFile(file)
	if err != nil {
		return err
	}
	built, err := artifacts.Build(forward, o)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	hash, err := hashFile(file)
	if err != nil {
		return err
	}
	source := artifacts.Source{File: filepath.Base(file), SHA256: hash}
	if err := artifacts.Write(out, built, source, thisBuild().Version); err != nil {
		return err
	}
	if asJSON {
		written, err := artifacts.Read(out)
		if err != nil {
			return err
		}
		return g.printJSON(written.Manifest)
	}
	fmt.Fprint(g.stdout, report.Artifacts(built.Description)+report.Tensors(built.Manifest))
	if d := built.Manifest.Dropped; len(d) > 0 {
		fmt.Fprintf(g.stdout, "not used: the graph's outputs %s\n", strings.Join(d, ", "))
	}
	fmt.Fprintf(g.stdout, "artifacts: %s\n", out+string(os.PathSeparator))
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}
