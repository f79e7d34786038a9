package main

import (
	"cmp"
	"strings"

	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/runner/target"
)

// encoderFlags say what an encoder is shown and how it takes images, alike in all commands that take a TARGET.
type encoderFlags struct {
	root, layout, mean, std, span string
	threads, imageSize            int
}

func (f *encoderFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.root, "data", "", "folder of images (`DIR`), in place of data.root; with ONNX in place of FILE")
	flags.StringVar(&f.layout, "layout", "", "axes of an ONNX file's input (`LAYOUT`): nchw or nhwc")
	flags.IntVar(&f.imageSize, "image-size", 0, "side of its images in pixels (`N`), where the file leaves it free")
	flags.StringVar(&f.mean, "mean", "", "taken from red, green and blue (`R,G,B`), in units of the range")
	flags.StringVar(&f.std, "std", "", "divides red, green and blue after that (`R,G,B`)")
	flags.StringVar(&f.span, "range", "", "what white is before mean and std (`N`): 1 or 255")
	flags.IntVar(&f.threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
}

func (f *encoderFlags) check() error {
	if f.layout != "" {
		if err := oneOf("layout", f.layout, models.Layouts()...); err != nil {
			return err
		}
	}
	if _, err := models.ParseNormalisation(f.mean, f.std, f.span); err != nil {
		return usagef("--%v", err)
	}
	return cmp.Or(within("image-size", f.imageSize, 0, 1024), within("threads", f.threads, 0, 1024))
}

// input is what the flags say of how an encoder takes images.
func (f *encoderFlags) input() (models.InputOptions, error) {
	normalisation, err := models.ParseNormalisation(f.mean, f.std, f.span)
	return models.InputOptions{Layout: f.layout, Size: f.imageSize, Normalisation: normalisation}, err
}

// overrides are KEY=VALUE, and what the flags say of the images.
func (f *encoderFlags) overrides(given []string) []string {
	if f.root != "" {
		given = append(given, "data.root="+f.root)
	}
	return given
}

// meaning is a flag that has a meaning for some targets only.
type meaning struct {
	flag         string
	given, means bool
	of           string // which targets
}

// suits refuses flags that mean nothing for a target: those of how an encoder takes images, and others.
func (f *encoderFlags) suits(t target.Target, others ...meaning) error {
	network := !t.Embeddings && t.Run == nil
	for _, m := range append(others,
		meaning{"data", f.root != "", !t.Embeddings, "encoders"},
		meaning{"layout", f.layout != "", network, "ONNX files"},
		meaning{"image-size", f.imageSize != 0, network, "ONNX files"},
		meaning{"mean", f.mean != "", network, "ONNX files"},
		meaning{"std", f.std != "", network, "ONNX files"},
		meaning{"range", f.span != "", network, "ONNX files"},
	) {
		if m.given && !m.means {
			return usagef("--%s is for %s, and %s is none of them", m.flag, m.of, t.Path)
		}
	}
	return nil
}

// splitFile takes the experiment file, if there is one, from the arguments behind the target.
func splitFile(args []string) (file string, overrides []string) {
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		return args[0], args[1:]
	}
	return "", args
}

// changeable refuses arguments that change more than the named sections of a target's own experiment. A file's may be
// changed at will.
func changeable(args []string, sections ...string) error {
	file, overrides := splitFile(args)
	for _, a := range overrides {
		own := false
		var keys []string
		for _, s := range sections {
			own = own || strings.HasPrefix(a, s+".")
			keys = append(keys, s+".KEY=VALUE")
		}
		if !strings.Contains(a, "=") || file == "" && !own {
			return usagef("unexpected argument %q, only %s can be changed here", a, strings.Join(keys, " and "))
		}
	}
	return nil
}
