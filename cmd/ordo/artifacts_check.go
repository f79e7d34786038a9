package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/ort/install"
	"ordo/models/verify"
)

// errCheck is the error of a check that found something; the report says what.
var errCheck = errors.New("the artifacts do not pass")

func newArtifactsCheckCommand(g *global) *cobra.Command {
	o := verify.DefaultOptions()
	var reference, which string
	var asJSON, noDifferences bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Check that training artifacts compute what they should",
		Long: `Check a folder of training artifacts: the contract between its files, that ONNX Runtime takes them, the gradient of every
parameter against finite differences (the slope of the loss along a direction in which that parameter is moved), and the running
statistics of batch norms against the moments of what they see. The loss is the sum of z·dz over the outputs, with dz fixed.

--reference names an .npz file with what another program computed. Its arrays: images, dz, z, z_eval, grad/PARAMETER,
buffer_before/NAME, buffer_after/NAME; dz, z and z_eval are those of the embedding, dz/OUTPUT and so on are those of another
output. Errors are relative to the largest element of the parameter's gradient, or to a thousandth of the largest of all
gradients if that is more. The exit status is 1 if anything is beyond its tolerance.

Training is checked with the kernels that an experiment would use here, or with those that --kernels names: stock, ONNX Runtime's, or
fast, ordo's over oneDNN.

Artifacts of ONNX Runtime's own generator, with a loss sum(z·dz), are adapted first: see what is said about it.`,
		Example: `  ordo artifacts check artifacts/resnet50
  ordo artifacts check artifacts/vit --reference vit.npz --tolerance 1e-5 --json`,
		Args: oneArg("a folder of artifacts"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Differences = !noDifferences
			if err := o.Validate(); err != nil {
				return usageErrorf(cmd, "--%v", err)
			}
			kernels := models.DefaultOptions()
			kernels.Artifacts, kernels.Kernels = args[0], which
			if err := kernels.ValidateKernels(); err != nil {
				return usageErrorf(cmd, "--%v", err)
			}
			f, err := artifacts.Read(args[0])
			if err != nil {
				return err
			}
			if reference != "" {
				if o.Reference, err = verify.OpenReference(reference); err != nil {
					return err
				}
			}
			at, err := install.Find(g.env[install.EnvLibrary], g.env[install.EnvCache])
			if err != nil {
				return err
			}
			rt, err := models.OpenTraining(at.Path)
			if err != nil {
				return err
			}
			defer rt.Close()
			which, note, err := useKernels(g, rt, f, kernels)
			if err != nil {
				return err
			}
			report, err := verify.Run(cmd.Context(), rt, f.Artifacts, o, checkProgress(g))
			if err != nil {
				return err
			}
			if asJSON {
				err = g.printJSON(struct {
					Folder  string   `json:"folder"`
					Adapted []string `json:"adapted"`
					Kernels string   `json:"kernels"`
					*verify.Report
				}{args[0], append([]string{}, f.Adapted...), which, report})
			} else {
				for _, text := range f.Adapted {
					fmt.Fprintf(g.stdout, "adapted: %s\n", text)
				}
				fmt.Fprintf(g.stdout, "kernels: %s%s\n", which, note)
				fmt.Fprint(g.stdout, report.Text())
			}
			if err == nil && !report.OK {
				err = fmt.Errorf("%w: %s: %s", errCheck, args[0], report.Failures[0])
				if more := len(report.Failures) - 1; more > 0 {
					err = fmt.Errorf("%w, and %d more", err, more)
				}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&which, "kernels", models.AutoKernels, "`KERNELS` of the training step: auto, stock or fast")
	flags.StringVar(&reference, "reference", "", "`FILE`.npz to compare with")
	flags.Float64Var(&o.Tolerance, "tolerance", o.Tolerance, "largest relative error against the reference, and of running statistics")
	flags.Float64Var(&o.DifferenceTolerance, "difference-tolerance", o.DifferenceTolerance, "largest relative error against finite differences")
	flags.BoolVar(&noDifferences, "no-differences", false, "leave out the finite differences, which take some ten passes a parameter")
	flags.IntVar(&o.Batch, "batch", o.Batch, "images, where there is no reference")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of images, dz and directions")
	flags.IntVar(&o.Threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
	flags.BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

// useKernels gives a folder's training graph the kernels that the options ask for, and says which these are and why.
func useKernels(g *global, rt *models.Runtime, f *artifacts.Folder, o models.Options) (which, note string, err error) {
	oneDNN, err := findOneDNN(g)
	if err != nil {
		return "", "", err
	}
	k, note, err := models.OpenKernels(rt, oneDNN, o)
	if err == nil && k != nil {
		err = f.UseKernels(k)
	}
	if err != nil {
		return "", "", err
	}
	which = models.StockKernels
	if uses, err := models.UsesKernels(f.Artifacts); err != nil {
		return "", "", err
	} else if uses {
		which = models.FastKernels
	}
	if note != "" {
		note = ", " + note
	}
	return which, note, nil
}

// checkProgress says on a terminal how far the finite differences are, which can take minutes.
func checkProgress(g *global) verify.Progress {
	if !g.stderrIsTTY {
		return nil
	}
	var last time.Time
	return func(done, total int) {
		if done == total {
			fmt.Fprintf(g.stderr, "\r%60s\r", "")
			return
		}
		if time.Since(last) > time.Second/4 {
			last = time.Now()
			fmt.Fprintf(g.stderr, "\rfinite differences: %d of %d parameters", done, total)
		}
	}
}
