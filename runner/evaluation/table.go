package evaluation

import (
	"fmt"
	"runtime"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/embed"
	"ordo/runner/target"
)

// known is the encoder of an embeddings file: its rows are known already.
type known struct{ *embed.Table }

func (k known) Outputs() []string {
	var all []string
	for _, o := range k.Table.Outputs {
		all = append(all, o.Name)
	}
	return all
}

func (k known) Columns() []int {
	var all []int
	for _, o := range k.Table.Outputs {
		all = append(all, o.Columns)
	}
	return all
}

func (k known) Rows(dst [][]float32, v views) ([][]float32, error) {
	for len(dst) < len(k.Table.Outputs) {
		dst = append(dst, nil)
	}
	rows := v.set.(*part).of(v.images)
	for i, o := range k.Table.Outputs {
		dst[i] = o.Select(dst[i], rows)
	}
	return dst, nil
}

func (k known) Close() error { return nil }

// part is a split of an embeddings file. Its images are only numbers, of which rows are known.
type part struct {
	table *embed.Table
	rows  []int // of the table
}

// of are the table's rows of images.
func (p *part) of(images []int) []int {
	rows := make([]int, len(images))
	for i, image := range images {
		rows[i] = p.rows[image]
	}
	return rows
}

func (p *part) Len() int { return len(p.rows) }

func (p *part) Image(int) (augment.Image, error) {
	return augment.Image{}, fault.New(fault.Data, "an embeddings file has no images")
}

func (p *part) Label(i int) int {
	if p.table.Labels == nil {
		return -1
	}
	return p.table.Labels[p.rows[i]]
}

func (p *part) ID(i int) string {
	if p.table.IDs == nil {
		return ""
	}
	return p.table.IDs[p.rows[i]]
}

func (p *part) Classes() []string { return p.table.Classes }

func (p *part) Fingerprint() string { return p.table.Fingerprint(p.rows) }

// openTable takes an embeddings file in the place of encoder and images.
func (s *session) openTable() error {
	t, err := readRows(s.o.Target, s.o.Outputs)
	if err != nil {
		return err
	}
	s.subjects = []subject{{encoder: known{t}}}
	s.outputs = s.subjects[0].Outputs()
	s.result.Software = Software{Ordo: s.o.Version, Platform: runtime.GOOS + "/" + runtime.GOARCH}
	s.splits = data.Splits{Train: &part{t, t.Rows(false)}, Test: &part{t, t.Rows(true)}}
	if s.splits.Test.Len() == 0 {
		return fault.New(fault.Data, "%s has no rows of the test split", s.o.Target.Path).
			Advise("evaluate a file with both splits, or one of test images beside this one of training images")
	}
	s.note("an embeddings file has no images to show: families, LiDAR, the untrained network and pixels are left out")
	s.chooseImages()
	if s.o.Against != nil {
		if err := s.openOtherTable(*s.o.Against, t); err != nil {
			return err
		}
	}
	for i := range s.subjects {
		if err := s.subjects[i].choose(s.outputs); err != nil {
			return err
		}
	}
	s.result.Columns = s.columns()
	return nil
}

// openOtherTable adds the embeddings file to compare with.
func (s *session) openOtherTable(other target.Target, t *embed.Table) error {
	if !other.Embeddings {
		return fault.New(fault.Config, "%s is no embeddings file, as %s is", other.Path, s.o.Target.Path).
			Advise("compare like with like")
	}
	rows, err := readRows(other, s.o.Outputs)
	if err != nil {
		return err
	}
	if rows, err = rows.Like(t); err != nil {
		return fault.New(fault.Data, "%s and %s can't be compared: %w", s.o.Target.Path, other.Path, err)
	}
	s.subjects = append(s.subjects, subject{encoder: known{rows}, name: Against})
	s.result.Against = other.Path
	return nil
}

// readRows reads what an encoder made of images.
func readRows(t target.Target, outputs []string) (*embed.Table, error) {
	test, err := embed.Read(t.Path, outputs)
	if err != nil || t.Train == "" {
		return test, err
	}
	train, err := embed.Read(t.Train, outputs)
	if err != nil {
		return nil, err
	}
	both, err := embed.Join(train, test)
	if err != nil {
		return nil, fmt.Errorf("%s beside %s: %w", t.Path, t.Train, err)
	}
	return both, nil
}

// sums is the SHA-256 of the encoder's file, with the files in which it keeps tensors, or of the files of embeddings.
func sums(t target.Target) (encoder string, embeddings []Source, err error) {
	if !t.Embeddings {
		encoder, err = target.SumEncoder(t.Encoder)
		return encoder, nil, err
	}
	for _, path := range []string{t.Train, t.Path} {
		if path == "" {
			continue
		}
		sum, err := target.Sum(nil, path)
		if err != nil {
			return "", nil, err
		}
		embeddings = append(embeddings, Source{path, sum})
	}
	return "", embeddings, nil
}
