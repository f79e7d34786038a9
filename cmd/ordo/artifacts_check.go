package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/verify"
)

const artifactsCheckHelp = `Check a folder of training artifacts:
  - its files fit each other, and ONNX Runtime takes them
  - the gradient of every parameter is the slope of the loss when that parameter is moved a little
  - the running statistics of batch norms are the moments of what the batch norms see
The loss is the sum of z·dz over the outputs z, with dz fixed.

--reference names an .npz file with what another program computed. Its arrays are images,
dz, z, z_eval, grad/PARAMETER, buffer_before/NAME and buffer_after/NAME. There dz, z and
z_eval belong to the embedding; those of another output are called dz/OUTPUT, z/OUTPUT and
z_eval/OUTPUT.

Errors are relative to the largest element of the parameter's gradient, or to a thousandth
of the largest element of all gradients if that is more. A gradient that is 0 but for
rounding, as that of a bias before a batch norm, is compared with what was summed, and a
running mean with the deviation. The exit status is 1 if an error is beyond its tolerance.

The kernels are those that an experiment would use on this machine, or those that
--kernels names: stock (ONNX Runtime's) or fast (ordo's, over oneDNN).

Artifacts that ONNX Runtime's own generator made, with the loss sum(z·dz), are changed in
memory first, to fit what ordo trains. The lines that begin with "adapted:" say how.`

const artifactsCheckExamples = `  ordo artifacts check artifacts/resnet50
  ordo artifacts check artifacts/vit --reference vit.npz --tolerance 1e-5 --json`

type artifactsCheckOptions struct {
	verify.Options
	reference, kernels    string
	noDifferences, asJSON bool
}

func newArtifactsCheckCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "check DIR",
		Short:   "Check that training artifacts compute what they should",
		Long:    artifactsCheckHelp,
		Example: artifactsCheckExamples,
	}, &artifactsCheckOptions{Options: verify.DefaultOptions()})
}

func (o *artifactsCheckOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.kernels, "kernels", models.AutoKernels, "`KERNELS` of the training step: auto, stock or fast")
	flags.StringVar(&o.reference, "reference", "", "`FILE`.npz to compare with")
	flags.Float64Var(&o.Tolerance, "tolerance", o.Tolerance,
		"largest relative error against the reference, and of running statistics")
	flags.Float64Var(&o.DifferenceTolerance, "difference-tolerance", o.DifferenceTolerance,
		"largest relative error against finite differences")
	flags.BoolVar(&o.noDifferences, "no-differences", false,
		"leave out the finite differences, which take some ten passes a parameter")
	flags.IntVar(&o.Batch, "batch", o.Batch, "images, where there is no reference")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of images, dz and directions")
	flags.IntVar(&o.Threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
	flags.BoolVar(&o.asJSON, "json", false, "print the report as one JSON object")
}

func (o *artifactsCheckOptions) check(args []string) error {
	if err := oneArg(args, "a folder of artifacts"); err != nil {
		return err
	}
	o.Differences = !o.noDifferences
	if err := cmp.Or(o.Validate(), o.model(args[0]).ValidateKernels()); err != nil {
		return usagef("--%v", err)
	}
	return nil
}

// model is how an experiment would train the folder.
func (o *artifactsCheckOptions) model(folder string) models.Options {
	m := models.DefaultOptions()
	m.Artifacts, m.Kernels = folder, o.kernels
	return m
}

func (o *artifactsCheckOptions) run(ctx context.Context, g *global, args []string) error {
	f, err := artifacts.Read(args[0])
	if err != nil {
		return err
	}
	if o.reference != "" {
		if o.Reference, err = verify.OpenReference(o.reference); err != nil {
			return err
		}
	}
	rt, err := openTraining(g)
	if err != nil {
		return err
	}
	defer rt.Close()
	which, note, err := useKernels(g, rt, f, o.model(args[0]))
	if err != nil {
		return err
	}
	report, err := verify.Run(ctx, rt, f.Artifacts, o.Options, checkProgress(g))
	if err != nil {
		return err
	}
	c := checked{Folder: args[0], Adapted: append([]string{}, f.Adapted...), Kernels: which, Report: report}
	if o.asJSON {
		err = g.printJSON(c)
	} else {
		c.print(g, note)
	}
	if err != nil {
		return err
	}
	return c.verdict()
}

// checked is what a check found, and its JSON form.
type checked struct {
	Folder  string   `json:"folder"`
	Adapted []string `json:"adapted"`
	Kernels string   `json:"kernels"`
	*verify.Report
}

func (c checked) print(g *global, note string) {
	for _, text := range c.Adapted {
		fmt.Fprintf(g.stdout, "adapted: %s\n", text)
	}
	fmt.Fprintf(g.stdout, "kernels: %s%s\n", c.Kernels, note)
	fmt.Fprint(g.stdout, c.Text())
}

// verdict is the error of a check that found something; the report says what.
func (c checked) verdict() error {
	if c.OK {
		return nil
	}
	err := fmt.Errorf("the artifacts in %s do not pass: %s", c.Folder, c.Failures[0])
	if more := len(c.Failures) - 1; more > 0 {
		err = fmt.Errorf("%w, and %d more", err, more)
	}
	return err
}

// useKernels gives a folder's training graph the kernels that the options ask for, and says which these are and why.
func useKernels(g *global, rt *models.Runtime, f *artifacts.Folder, o models.Options) (which, note string, err error) {
	oneDNN, err := findOneDNN(g)
	if err != nil {
		return "", "", err
	}
	k, note, err := models.OpenKernels(rt, oneDNN, o)
	if err == nil && k != nil {
		err = f.UseKernels(o.Artifacts, k)
	}
	if err != nil {
		return "", "", err
	}
	which = models.StockKernels
	if contract, err := f.Contract(); err != nil {
		return "", "", err
	} else if contract.Kernels {
		which = models.FastKernels
	}
	if note != "" {
		note = ", " + note
	}
	return which, note, nil
}

// checkProgress says on a terminal how far the finite differences are, which can take minutes.
func checkProgress(g *global) verify.Progress {
	if !g.redraws() {
		return nil
	}
	var last time.Time
	return func(done, total int) {
		switch {
		case done == total:
			g.wipe()
		case time.Since(last) > redrawInterval:
			last = time.Now()
			g.drawBar(bar{"finite differences", done, total, []string{fmt.Sprintf("%d/%d parameters", done, total)}})
		}
	}
}
