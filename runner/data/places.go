package data

import (
	"context"

	"ordo/runner/data/source"
)

// Place is where the decoded images of a split are kept.
type Place struct {
	File  string // of packed images; "": in memory
	There bool   // the file is there already
	Bytes int64  // about; 0: unknown
}

// Places says where Open would keep the two splits, and decodes at most an image of each.
func Places(ctx context.Context, o Options) ([]Place, error) {
	sets, err := listWhole(ctx, o)
	if err != nil {
		return nil, err
	}
	all := []Place{}
	for _, split := range []struct {
		name string
		set  source.Set
	}{{"train", sets.Train}, {"test", sets.Test}} {
		if o.Fold > 0 && split.name == "test" { // it is a part of the first
			break
		}
		p, err := o.place(split.set, split.name)
		if err != nil {
			return nil, wrap(ctx, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func (o Options) place(set source.Set, split string) (p Place, err error) {
	job := o.Job(set, split)
	packed, err := o.packed(set)
	if err != nil {
		return p, err
	}
	if packed {
		if job.Dir, err = o.Cache.Folder(); err != nil {
			return p, err
		}
		p.File, p.There = job.Path(), job.Packed()
	}
	p.Bytes, _ = job.Size()
	if p.Bytes == 0 && !o.pictures() && job.ShortSide == 0 {
		m, err := set.Image(0) // the others have its size
		if err != nil {
			return p, err
		}
		p.Bytes = int64(len(m.Pix)) * int64(set.Len())
	}
	return p, nil
}
