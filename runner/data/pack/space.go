package pack

import (
	"ordo/models/fault"
	"ordo/runner/data/source"
	"ordo/runner/machine"
)

// sampled is how many images' headers Size reads: enough for a mean, and no wait.
const sampled = 64

// Size estimates the bytes of the job's packed file from the headers of some of its images, evenly over the set. ok is
// false where they don't tell: the set has no headers, or its images are to be encoded anew.
func (j Job) Size() (size int64, ok bool) {
	set, ok := j.Set.(source.Inspector)
	if !ok || set.Len() < 1 {
		return 0, false
	}
	n, sum, read := set.Len(), 0.0, 0
	for k := range min(n, sampled) {
		h, err := set.Inspect(k * n / min(n, sampled))
		if err != nil || h.Width < 1 || h.Height < 1 {
			continue // packing will say what is wrong with it
		}
		width, height := float64(h.Width), float64(h.Height)
		if short := min(width, height); j.ShortSide > 0 && short > float64(j.ShortSide) {
			width, height = width*float64(j.ShortSide)/short, height*float64(j.ShortSide)/short
		}
		if j.Format == FormatJPEG {
			if h.Format != "JPEG" || width != float64(h.Width) {
				return 0, false
			}
			sum += float64(h.Bytes)
		} else {
			sum += 3 * width * height
		}
		read++
	}
	if read == 0 {
		return 0, false
	}
	return headerSize + int64(float64(n)*(sum/float64(read)+entrySize)), true
}

// Packed says whether the job's packed file is there.
func (j Job) Packed() bool {
	f, err := j.open(j.Path())
	return err == nil && f.Close() == nil
}

// margin is the share of the estimate that must be free beyond it: other programs write, too.
const margin = 0.05

// checkRoom is a fault if the packed file, of which some bytes are there, will not fit the file system of its folder.
// Where that can't be known, it says nothing.
func (j Job) checkRoom(there int64) error {
	size, ok := j.Size()
	free := machine.FreeSpace
	if j.Free != nil {
		free = j.Free
	}
	left := free(j.Dir)
	if !ok || left == 0 || float64(size)*(1+margin) <= float64(left+there) {
		return nil
	}
	do := "free some space there, or choose another folder with data.cache.dir or ORDO_CACHE"
	if j.ShortSide == 0 {
		do += ", or let data.cache.short_side reduce the images"
	}
	return fault.New(fault.Storage, "the packed images of %s need about %s, and its folder %s has %s free", j.Path(),
		machine.Bytes(size), j.Dir, machine.Bytes(left)).Advise("%s", do)
}
