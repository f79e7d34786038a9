package embed

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/target"
)

// The splits that Options.Split can name.
const (
	SplitTrain = "train"
	SplitTest  = "test"
	SplitAll   = "all" // train, then test
)

// Splits lists them.
func Splits() []string { return []string{SplitTrain, SplitTest, SplitAll} }

// The types of numbers that Options.DType can name.
const (
	Float32 = "float32"
	Float16 = "float16"
)

// DTypes lists them.
func DTypes() []string { return []string{Float32, Float16} }

// Options say what to encode, with what, and where to put it.
type Options struct {
	Library    string              // the file of ONNX Runtime's library
	OneDNN     string              // oneDNN's, for ordo's operators; "": none
	Precision  string              // of these, as models.Options.Precision; "": float32
	Target     target.Target       // whose encoder it is, of a run or in ONNX
	Experiment config.Experiment   // as target.Load gives it: its data and augment sections say what is shown
	Input      models.InputOptions // what the user says of how the encoder takes images
	Split      string              // train, test or all
	Out        string              // the file to write
	Format     string              // of Formats; "": what Out's end says
	// Outputs are the encoder's that are written. nil: features and embedding, or where there are no features all; for npy
	// features alone, for lightly embedding alone, or the only one that there is.
	Outputs    []string
	DType      string // of DTypes; "": float32
	Shard      Shard  // the zero value: all images
	Views      Views  // the zero value: each image as it is
	Neighbours int    // of each image, in a column neighbors of Parquet and CSV; 0: none
	// Plane adds columns x and y to Parquet and CSV: where a row lies on the plane of its first output's two first
	// principal components.
	Plane   bool
	Threads int // ONNX Runtime's; 0 is one a core
	// Progress hears how many views are encoded, after every batch, and Compared how many images' neighbours are known.
	// Both may be nil.
	Progress, Compared func(done, total int)
	Watch              data.Watch // hears how the images are read, and what is wrong with them
}

// Shard is one of several parts of the images, by whole batches: all of them, one after the other, are the whole.
type Shard struct {
	Part, Of int // in [1, Of]; 0 and 0: everything
}

// String is PART/OF, or "".
func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Part, s.Of)
}

// ParseShard reads PART/OF; "" is everything.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	var s Shard
	if _, err := fmt.Sscanf(text, "%d/%d", &s.Part, &s.Of); err != nil || s.String() != text ||
		s.Part < 1 || s.Part > s.Of {
		return Shard{}, fault.New(fault.Config, "a shard is one of so many, such as 1/4 to 4/4, not %q", text)
	}
	return s, nil
}

// of are the shard's pages.
func (s Shard) of(all []page) []page {
	if s.Of == 0 {
		return all
	}
	return all[len(all)*(s.Part-1)/s.Of : len(all)*s.Part/s.Of]
}

// Views are transformed images: each image is shown at some scales of a family.
type Views struct {
	Family  string // its name; the experiment's settings of it, or its defaults; "": the image as it is
	Scales  []float64
	Average bool // writes the mean over the scales, a row an image; else each image has a row a scale
}

// perImage is how many rows an image has in the file.
func (v Views) perImage() int {
	if v.Average {
		return 1
	}
	return max(len(v.Scales), 1)
}

// Summary says what Export wrote.
type Summary struct {
	Out     string        `json:"out"`
	Target  string        `json:"target"`
	Split   string        `json:"split"`
	Shard   string        `json:"shard,omitempty"`
	Images  int           `json:"images"`
	Of      int           `json:"of"`   // images of the whole set, both splits
	Rows    int           `json:"rows"` // an image has one, or one a scale
	Outputs []OutputShape `json:"outputs"`
	Classes int           `json:"classes"`
}

// OutputShape is an output that was written, [rows, Columns].
type OutputShape struct {
	Name    string `json:"name"`
	Columns int    `json:"columns"`
}

// resolve checks the options as far as it can be done without the encoder, and fills in the format.
func (o *Options) resolve() error {
	if !slices.Contains(Splits(), o.Split) {
		return fmt.Errorf("embed: split must be one of %s, got %q", strings.Join(Splits(), ", "), o.Split)
	}
	if o.Format == "" {
		o.Format = FormatOf(o.Out)
	}
	if !slices.Contains(Formats(), o.Format) || !strings.EqualFold(filepath.Ext(o.Out), Extension(o.Format)) {
		return fault.New(fault.Config, "the name of %s doesn't end as a file of embeddings does", o.Out).
			Advise("end it in .npz, .npy, .parquet or .csv")
	}
	if o.DType == "" {
		o.DType = Float32
	}
	alone := o.Format == FormatNPY || o.Format == FormatLightly
	text := o.Format == FormatCSV || o.Format == FormatLightly
	scaled := o.Views.perImage() > 1
	switch {
	case alone && len(o.Outputs) > 1:
		return fault.New(fault.Config, "a file of format %s holds one output, not %d", o.Format, len(o.Outputs)).
			Advise("choose one")
	case !slices.Contains(DTypes(), o.DType):
		return fault.New(fault.Config, "the type of numbers must be float32 or float16, not %s", o.DType)
	case text && o.DType == Float16:
		return fault.New(fault.Config, "%s holds numbers as texts, not as float16", o.Format).
			Advise("write npz, npy or parquet, or float32")
	case (o.Views.Family == "") != (len(o.Views.Scales) == 0):
		return fault.New(fault.Config, "views are of a family at some scales: one of the two is missing")
	case o.Views.Average && o.Views.Family == "":
		return fault.New(fault.Config, "an average is over views of a family, and none is named")
	case o.Format == FormatLightly && scaled:
		return fault.New(fault.Config, "lightly's files have a row an image, not one a scale").Advise("average the views")
	case o.Plane && o.Format != FormatParquet && o.Format != FormatCSV:
		return fault.New(fault.Config, "x and y are columns of Parquet and CSV files, not of %s", o.Format).
			Advise("write one of those")
	case o.Plane && o.Shard.Of > 1:
		return fault.New(fault.Config, "x and y are those of all images, and a shard has some of them").
			Advise("join the shards and project them then")
	case o.Neighbours > 0 && o.Format != FormatParquet && o.Format != FormatCSV:
		return fault.New(fault.Config, "neighbours are a column of Parquet and CSV files, not of %s", o.Format).
			Advise("write one of these")
	case o.Neighbours > 0 && o.Shard.Of > 1:
		return fault.New(fault.Config, "a shard has none of the other shards' images, which may be nearest").
			Advise("join the shards and look for neighbours then")
	case o.Neighbours > 0 && scaled:
		return fault.New(fault.Config, "neighbours are of images, not of one at several scales").Advise("average the views")
	}
	return nil
}

// Export encodes every image of the split and writes the file, whole or not at all. What is encoded is kept beside it,
// in [PartFile], until it is whole: an Export that was ended, however it was, goes on there when it is called again
// with the same options, and the file has the same bytes. Memory grows with the number of rows by their names only.
//
// Faults are of kind Config (settings), Data (images, encoder), Library, Numeric (outputs that are not finite, or too
// large for float16) and Interrupted.
func Export(ctx context.Context, o Options) (Summary, error) {
	if err := o.resolve(); err != nil {
		return Summary{}, err
	}
	sum, err := target.SumEncoder(o.Target.Encoder)
	if err != nil {
		return Summary{}, err
	}
	own, err := o.ownImages()
	if err != nil {
		return Summary{}, err
	}
	encoder, outputs, err := o.Target.Open(&o.Experiment, target.Opening{
		Library: o.Library, OneDNN: o.OneDNN, Precision: o.Precision, Threads: o.Threads, Outputs: o.Outputs,
		Input: o.Input,
	})
	if err != nil {
		return Summary{}, err
	}
	defer encoder.Close()
	if fast, why := encoder.Fast(); !fast && o.Precision == models.BFloat16 {
		return Summary{}, fault.New(fault.Config, "precision is %s, which takes ordo's operators, and %s", o.Precision,
			cmp.Or(why, "there is no oneDNN")).Advise("set it to %s", models.Float32)
	}
	if o.Outputs, err = o.chosen(encoder, outputs); err != nil {
		return Summary{}, err
	}
	plan, err := o.plan()
	if err != nil {
		return Summary{}, err
	}
	splits, err := data.OpenWatched(ctx, o.Experiment.Data.Few(), o.Watch)
	if err != nil {
		return Summary{}, err
	}
	if now := splits.Fingerprint(); own != "" && own != now {
		o.note(fmt.Sprintf("warning: %s holds other images than the run's (fingerprint %s, the run's %s)",
			o.Experiment.Data.Root, now, own))
	}
	o.Watch.Tell(splits) // what is left out, before the work
	defer o.Watch.Tell(splits)
	e := &encoding{ctx: ctx, o: o, encoder: encoder, plan: plan}
	if e.rows, err = o.rows(encoder, splits); err != nil {
		return Summary{}, err
	}
	meta := o.meta(sum, splits)
	if err := e.export(meta); err != nil {
		return Summary{}, err
	}
	return e.summary(splits), nil
}

func (o Options) note(text string) {
	if o.Watch.Note != nil {
		o.Watch.Note(text)
	}
}

// chosen are the outputs that are written, of those that the encoder has to offer.
func (o Options) chosen(encoder *models.Encoder, offered []string) ([]string, error) {
	if text := target.LeftOut(encoder); text != "" {
		o.note(text)
	}
	if o.Outputs != nil {
		return o.Outputs, nil
	}
	first := models.Features
	if o.Format == FormatLightly {
		first = models.Embedding
	}
	switch {
	case o.Format != FormatNPY && o.Format != FormatLightly, len(offered) == 1:
		return offered, nil
	case slices.Contains(offered, first):
		return []string{first}, nil
	}
	return nil, fault.New(fault.Config, "a file of format %s holds one output, and the encoder has these: %s", o.Format,
		strings.Join(offered, ", ")).With(fault.Option{Name: "outputs"})
}

// plan shows the images, at the scales of a family if there is one, which is the first of the plan.
func (o Options) plan() (*augment.Plan, error) {
	plan, err := augment.NewPlan(o.Experiment.Augment, o.Experiment.Data.ImageSize)
	if err != nil || o.Views.Family == "" {
		return plan, fault.Wrap(fault.Config, err)
	}
	e := o.Experiment
	e.Eval.Families = []string{o.Views.Family}
	families, err := e.Families()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(families, func(f config.Family) bool { return f.Name() == o.Views.Family })
	if i < 0 {
		return nil, fmt.Errorf("embed: the family %s got lost", o.Views.Family)
	}
	if plan, err = plan.Evaluation([]augment.Family{families[i].Family}); err != nil {
		return nil, fault.Wrap(fault.Config, err)
	}
	info := plan.FamilyInfo(0)
	if info.Classes > 0 {
		return nil, fault.New(fault.Config, "%s has %d classes and no scale", o.Views.Family, info.Classes).
			Advise("name another family")
	}
	for _, s := range o.Views.Scales {
		if !(s >= 0 && s <= 1) {
			return nil, fault.New(fault.Config, "a scale is in [0, 1], which %g isn't", s)
		}
	}
	return plan, nil
}

// ownImages is the fingerprint of the run's images if these are to be encoded, or "": other keys of data, other images.
func (o Options) ownImages() (string, error) {
	if o.Target.Run == nil {
		return "", nil
	}
	was, err := config.LoadRun(o.Target.Path, nil)
	if err != nil || was.Data != o.Experiment.Data {
		return "", err
	}
	return o.Target.Data, nil
}

// meta says where rows come from; the file has it where its format has room for it.
func (o Options) meta(sum string, splits data.Splits) map[string]any {
	meta := map[string]any{"encoder_sha256": sum, "data_fingerprint": splits.Fingerprint(), "split": o.Split}
	if run := o.Target.Run; run != nil {
		meta["run"], meta["hash"], meta["seed"] = run.Name, run.Hash, run.Seed
	}
	if o.Shard.Of > 0 {
		meta["shard"] = o.Shard.String()
	}
	if o.Views.Family != "" {
		meta["family"], meta["scales"], meta["average"] = o.Views.Family, o.Views.Scales, o.Views.Average
	}
	return meta
}

// key names all that the encoded rows depend on.
func (e *encoding) key(meta map[string]any) ([sha256.Size]byte, error) {
	x := e.o.Experiment
	text, err := json.Marshal(map[string]any{
		"meta": meta, "outputs": e.rows.outputs, "input": e.encoder.Input(), "runtime": e.encoder.Version(),
		"threads": e.o.Threads, "framing": e.plan.Framing(), "mean": x.Augment.Mean, "std": x.Augment.Std,
		"families": e.plan.Families(), "dtype": e.o.DType, "batch": batch, "kernels": e.encoder.Kernels(),
	})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("embed: describe: %w", err)
	}
	return sha256.Sum256(text), nil
}

func (e *encoding) summary(splits data.Splits) Summary {
	s := Summary{
		Out: e.o.Out, Target: e.o.Target.Path, Split: e.o.Split, Shard: e.o.Shard.String(), Images: e.rows.images(),
		Rows: e.rows.len(), Outputs: e.rows.outputs, Classes: len(e.rows.classes),
		Of: splits.About.Train + splits.About.Test,
	}
	if s.Of == 0 {
		s.Of = splits.Train.Len() + splits.Test.Len()
	}
	return s
}

// PartFile is where an Export keeps what is encoded while its file is not whole.
func PartFile(out string) string { return out + ".part" }

// export encodes what the part file lacks, and writes the file from it.
func (e *encoding) export(meta map[string]any) error {
	key, err := e.key(meta)
	if err != nil {
		return err
	}
	if e.part, err = openPart(PartFile(e.o.Out), key, e.rows, e.o.Watch.Note); err != nil {
		return err
	}
	defer e.part.close()
	e.rows.read = e.part.read
	if err := e.encode(); err != nil {
		return err
	}
	if err := e.write(meta); err != nil {
		return err
	}
	return e.part.remove()
}

// write writes the file from what is encoded.
func (e *encoding) write(meta map[string]any) error {
	o := e.o
	text, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("embed: describe: %w", err)
	}
	f, err := renameio.NewPendingFile(o.Out, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(o.Out)))
	if err != nil {
		return fault.Writing(o.Out, err)
	}
	defer f.Cleanup() //nolint:errcheck // after a successful rename there is nothing left to clean
	e.rows.describe = func() (*described, error) { return describe(e.ctx, o.Experiment.Data.Few()) }
	if o.Neighbours > 0 {
		e.rows.search = e.neighbours
	}
	if o.Plane {
		if e.rows.plane, err = e.rows.fitPlane(); err != nil {
			return err
		}
	}
	if o.Format == FormatNPZ {
		err = e.rows.writeNPZ(f, string(text))
	} else {
		err = writeTable(f, o.Format, e.rows, string(text))
	}
	if err == nil && o.Format == FormatNPY {
		err = e.writeBeside(RowsFile(o.Out))
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case e.ctx.Err() != nil:
		return e.interrupted()
	case errors.As(err, &known):
		return err
	}
	return fault.Writing(o.Out, err)
}

// RowsFile is the file beside one in npy that says which image each row is of.
func RowsFile(out string) string { return strings.TrimSuffix(out, filepath.Ext(out)) + ".rows.csv" }

// writeBeside writes what the rows are of, whole or not at all.
func (e *encoding) writeBeside(file string) error {
	f, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(file)))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // as above
	alone := e.rows.bare()
	alone.describe = e.rows.describe
	if err := alone.writeCSV(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// fits refuses numbers that the file can't hold.
func (o Options) fits(name, id string, row []float32) error {
	for _, v := range row {
		switch {
		case v-v != 0:
			return fault.New(fault.Numeric, "%s of %s holds %g", name, id, v)
		case o.DType == Float16 && math.Abs(float64(v)) >= 65520:
			return fault.New(fault.Numeric, "%s of %s holds %g, which is too large for float16", name, id, v).
				Advise("write float32")
		}
	}
	return nil
}

// removed is what os.Remove says, but for a file that isn't there.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fault.Writing(path, err)
	}
	return nil
}
