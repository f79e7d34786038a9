package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/runner/standalone"
)

const exportHelp = `Write the encoder of a finished run as one ONNX file for programs that know nothing of ordo.
Pixels of decoded pictures go in, [batch, height, width, 3], of any size, all of one size in
a batch; features and embedding come out. What ordo does in between is in the graph: larger
pictures are reduced as ordo reduces files, the short side becomes the network's image size,
the square in the middle is cut out, framed as in training, and normalised. The numbers are
those of ordo embed, but for what decoders differ in.

Pictures must be upright RGB: turned as their EXIF data say, grey in all three channels.
With --resize=false they are squares of the network's image size already.

The graph has operators of ONNX's own only. Resizing is computed in float64; programs that
have none take a graph with --resize=false. The file's metadata say what it takes (ordo.layout,
ordo.range, …), what happens inside (ordo.inside), and what it is of (ordo.run, ordo.classes).

In Python:
  net = onnxruntime.InferenceSession("photos.onnx")
  image = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
  features, embedding = net.run(None, {"pixels": numpy.asarray(image)[None]})`

const exportExamples = `  ordo export runs/photos --onnx photos.onnx
  ordo export runs/photos --onnx photos.onnx --outputs features
  ordo export runs/photos --onnx tensors.onnx --input float32 --range 1 --layout nchw
  ordo export runs/photos --onnx squares.onnx --resize=false`

type exportOptions struct {
	standalone.Options
	white  string
	asJSON bool
}

func newExportCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "export RUN --onnx FILE",
		Short:   "Write a run's encoder as one ONNX file, with what happens to pixels inside",
		Long:    exportHelp,
		Example: exportExamples,
	}, &exportOptions{Options: standalone.DefaultOptions()})
}

func (o *exportOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Out, "onnx", "", "`FILE.onnx` to write")
	flags.StringVar(&o.Type, "input", o.Type, "`TYPE` of the pixels: uint8 or float32")
	flags.StringVar(&o.white, "range", "255", "what white is in the pixels: 255, or with --input float32 also 1")
	flags.StringVar(&o.Layout, "layout", o.Layout,
		"order of the pixels' axes: nhwc, channels last, as decoders give them, or nchw")
	flags.BoolVar(&o.Resize, "resize", o.Resize, "take pictures of any size")
	flags.StringSliceVar(&o.Outputs, "outputs", nil, "features, embedding or both; default both")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object about the file")
}

func (o *exportOptions) check(args []string) error {
	err := cmp.Or(
		oneArg(args, "a run folder"),
		required("onnx", o.Out),
		suffix("onnx", o.Out, ".onnx"),
		oneOf("input", o.Type, standalone.Types()...),
		oneOf("layout", o.Layout, models.Layouts()...),
		oneOf("range", o.white, "1", "255"),
	)
	if err == nil && o.Type == models.TypeUint8 && o.white == "1" {
		err = usagef("--range 1 is for --input float32: white is 255 in uint8")
	}
	for _, name := range o.Outputs {
		err = cmp.Or(err, oneOf("outputs", name, standalone.Outputs()...))
	}
	return err
}

func (o *exportOptions) run(_ context.Context, g *global, args []string) error {
	o.Run = args[0]
	o.Range, _ = strconv.ParseFloat(o.white, 64) // check has seen it
	s, err := standalone.Write(o.Options)
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(s)
	}
	var outputs []string
	for _, name := range standalone.Outputs() {
		if shape, ok := s.Outputs[name]; ok {
			outputs = append(outputs, name+" "+shape)
		}
	}
	fmt.Fprintf(g.stdout, "%s: %s %s %s to %s\n", s.Out, s.Input, s.Type, s.Shape, strings.Join(outputs, " and "))
	return nil
}
