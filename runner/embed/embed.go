package embed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/loader"
	"ordo/runner/track"
)

// The splits that Options.Split can name.
const (
	SplitTrain = "train"
	SplitTest  = "test"
	SplitAll   = "all" // train, then test
)

// Splits lists them.
func Splits() []string { return []string{SplitTrain, SplitTest, SplitAll} }

// Options say what to encode, with what, and where to put it.
type Options struct {
	Library    string            // the file of ONNX Runtime's library
	Run        string            // folder of a finished run
	Experiment config.Experiment // the run's, as Load gives it; its data section names the images
	Split      string            // train, test or all
	Out        string            // the file to write
	Format     string            // of Formats; "": what Out's end says
	Outputs    []string          // of Outputs; nil: both, for npy features and for lightly embedding
	Threads    int               // ONNX Runtime's; 0 is one a core
	// Progress hears how many images are encoded, after every batch. May be nil.
	Progress func(done, total int)
	Watch    data.Watch // hears how the images are read, and what is wrong with them
}

// Summary says what Export wrote.
type Summary struct {
	Out       string `json:"out"`
	Run       string `json:"run"`
	Split     string `json:"split"`
	Images    int    `json:"images"`
	Of        int    `json:"of"`        // images of the whole set, both splits
	Features  int    `json:"features"`  // F
	Embedding int    `json:"embedding"` // D
	Classes   int    `json:"classes"`
}

// batch is how many images are encoded at once.
const batch = 128

// resolve fills in the format and the outputs.
func (o *Options) resolve() error {
	if o.Format == "" {
		o.Format = FormatOf(o.Out)
	}
	if !slices.Contains(Formats(), o.Format) || !strings.EqualFold(filepath.Ext(o.Out), Extension(o.Format)) {
		return fault.New(fault.Config, "the name of %s doesn't end as a file of embeddings does", o.Out).
			Advise("end it in .npz, .npy, .parquet or .csv")
	}
	alone := o.Format == FormatNPY || o.Format == FormatLightly
	switch {
	case o.Outputs == nil && o.Format == FormatNPY:
		o.Outputs = []string{models.Features}
	case o.Outputs == nil && o.Format == FormatLightly:
		o.Outputs = []string{models.Embedding}
	case o.Outputs == nil:
		o.Outputs = Outputs()
	case alone && len(o.Outputs) != 1:
		return fault.New(fault.Config, "a file of format %s holds one output, not %d", o.Format, len(o.Outputs)).
			Advise("choose features or embedding")
	}
	return nil
}

// Load reads the resolved experiment of the run in dir, which must be finished, and changes it by overrides KEY=VALUE,
// as config.LoadRun does.
func Load(dir string, overrides []string) (config.Experiment, error) {
	if _, err := track.ReadResult(dir); errors.Is(err, fs.ErrNotExist) {
		return config.Experiment{}, fault.New(fault.Other, "there is no finished run in %s", dir).
			With(fault.Finish{Folder: dir})
	} else if err != nil {
		return config.Experiment{}, err
	}
	return config.LoadRun(dir, overrides)
}

// Export encodes every image of the split and writes the file, whole or not at all.
func Export(ctx context.Context, o Options) (Summary, error) {
	if !slices.Contains(Splits(), o.Split) {
		return Summary{}, fmt.Errorf("embed: split must be one of %s, got %q", strings.Join(Splits(), ", "), o.Split)
	}
	if err := o.resolve(); err != nil {
		return Summary{}, err
	}
	sum, err := track.CheckEncoder(o.Run)
	if err != nil {
		return Summary{}, err
	}
	// The file comes first, so that hours of encoding do not end at a folder that is not there.
	f, err := renameio.NewPendingFile(o.Out, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(o.Out)))
	if err != nil {
		return Summary{}, fault.Writing(o.Out, err)
	}
	defer f.Cleanup() //nolint:errcheck // after a successful rename there is nothing left to clean
	mean, std := o.Experiment.Augment.Mean, o.Experiment.Augment.Std
	encoder, err := models.OpenEncoder(o.Library, track.EncoderFile(o.Run), models.EncoderOptions{
		Threads: o.Threads, Images: models.Normalisation{Mean: mean, Std: std, Range: 1},
	})
	if err != nil {
		return Summary{}, err
	}
	defer encoder.Close()
	size := encoder.Input().Size
	plan, err := augment.NewPlan(o.Experiment.Augment, size)
	if err != nil {
		return Summary{}, err
	}
	own, err := o.ownImages()
	if err != nil {
		return Summary{}, err
	}
	o.Experiment.Data.ImageSize = size
	splits, err := data.OpenWatched(ctx, o.Experiment.Data, o.Watch)
	if err != nil {
		return Summary{}, err
	}
	if now := fingerprint(splits); own != "" && own != now && o.Watch.Note != nil {
		o.Watch.Note(fmt.Sprintf("warning: %s holds other images than the run's (fingerprint %s, the run's %s)",
			o.Experiment.Data.Root, now, own))
	}
	o.Watch.Tell(splits) // what is left out, before the work
	defer o.Watch.Tell(splits)
	sets := map[string][]data.Dataset{
		SplitTrain: {splits.Train}, SplitTest: {splits.Test}, SplitAll: {splits.Train, splits.Test},
	}[o.Split]
	t, err := encode(ctx, encoder, plan, sets, o.Progress)
	if err != nil {
		return Summary{}, err
	}
	t.Classes = splits.Train.Classes()
	for i := range t.Test {
		t.Test[i] = o.Split == SplitTest || o.Split == SplitAll && i >= splits.Train.Len()
	}
	if err := errors.Join(t.complete(), t.keep(o.Outputs)); err != nil {
		return Summary{}, err
	}
	if err := t.write(f, o, splits, sum); err != nil {
		return Summary{}, err
	}
	s := Summary{
		Out: o.Out, Run: o.Run, Split: o.Split, Images: t.Len(), Classes: len(t.Classes),
		Of: cmp.Or(splits.About.Train+splits.About.Test, splits.Train.Len()+splits.Test.Len()),
	}
	for _, output := range t.Outputs {
		switch output.Name {
		case models.Features:
			s.Features = output.Columns
		case models.Embedding:
			s.Embedding = output.Columns
		}
	}
	return s, nil
}

// ownImages is the fingerprint of the run's images if these are to be encoded, or "": other keys of data, other images.
func (o Options) ownImages() (string, error) {
	was, err := config.LoadRun(o.Run, nil)
	if err != nil || was.Data != o.Experiment.Data {
		return "", err
	}
	record, err := track.ReadRecord(o.Run)
	return record.Data, err
}

func fingerprint(s data.Splits) string { return s.Train.Fingerprint() + "-" + s.Test.Fingerprint() }

func encode(
	ctx context.Context, encoder *models.Encoder, plan *augment.Plan, sets []data.Dataset, progress func(done, total int),
) (*Table, error) {
	t, total := &Table{}, 0
	for _, set := range sets {
		total += set.Len()
	}
	t.Test = make([]bool, total)
	scratch := loader.Scratch(runtime.GOMAXPROCS(0))
	side := plan.ImageSize()
	pixels := make([]float32, batch*3*side*side)
	rows := make([][]float32, len(encoder.Outputs()))
	view := loader.View{Plan: plan, Family: -1}
	for _, set := range sets {
		for from := 0; from < set.Len(); from += batch {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("interrupted after %d of %d images, nothing was written: %w", len(t.IDs), total,
					ctx.Err())
			}
			n := min(batch, set.Len()-from)
			images := make([]int, n)
			for i := range images {
				images[i] = from + i
			}
			if err := loader.Evaluation(pixels, view, set, images, scratch); err != nil {
				return nil, err
			}
			var err error
			if rows, err = encoder.Run(rows, pixels, n); err != nil {
				return nil, err
			}
			for i := from; i < from+n; i++ {
				t.IDs = append(t.IDs, set.ID(i))
				t.Labels = append(t.Labels, set.Label(i))
			}
			if progress != nil {
				progress(len(t.IDs), total)
			}
		}
	}
	columns := encoder.Columns()
	for i, name := range encoder.Outputs() {
		if name == models.Features || name == models.Embedding {
			t.Outputs = append(t.Outputs, Output{name, columns[i], rows[i]})
		}
	}
	return t, nil
}

// complete is check, and that the ids tell the images.
func (t *Table) complete() error {
	if err := t.check(); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(t.IDs))
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return fault.New(fault.Data, "two images have the id %s", sorted[i])
		}
	}
	return nil
}

// write writes the table that the encoder with this checksum made.
func (t *Table) write(f *renameio.PendingFile, o Options, splits data.Splits, sum string) error {
	record, err := track.ReadRecord(o.Run)
	if err != nil {
		return err
	}
	meta, err := json.Marshal(map[string]any{
		"run": record.Name, "hash": record.Hash, "seed": record.Seed, "encoder_sha256": sum,
		"data_fingerprint": fingerprint(splits), "split": o.Split,
	})
	if err != nil {
		return fmt.Errorf("embed: describe: %w", err)
	}
	if o.Format == FormatNPZ {
		err = t.writeNPZ(f, string(meta))
	} else {
		err = writeTable(f, o.Format, t, string(meta))
	}
	if err == nil && o.Format == FormatNPY {
		err = t.writeBeside(RowsFile(o.Out))
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return fault.Writing(o.Out, err)
	}
	return nil
}

// RowsFile is the file beside one in npy that says which image each row is of.
func RowsFile(out string) string { return strings.TrimSuffix(out, filepath.Ext(out)) + ".rows.csv" }

// writeBeside writes what the rows are of, whole or not at all.
func (t *Table) writeBeside(file string) error {
	var text bytes.Buffer
	if err := t.writeRows(&text); err != nil {
		return err
	}
	return renameio.WriteFile(file, text.Bytes(), 0o644)
}
