package track

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"ordo/models/fault"
)

// pieceBytes is how much of a file Tail reads at once, but for a longer line.
const pieceBytes = 1 << 20

// Tail follows metrics.jsonl and timing.jsonl of a run that is at work.
type Tail struct{ metrics, timing follower }

// NewTail follows the run in dir from its first line on.
func NewTail(dir string) *Tail {
	return &Tail{follower{path: filepath.Join(dir, metricsFile)}, follower{path: filepath.Join(dir, timingFile)}}
}

// Next gives the lines that came since the last call, some of them where there are many; none: there are no more now.
// Where it has lines of metrics, it has all those of times that were written before them.
func (t *Tail) Next() (History, error) {
	var h History
	// What was measured of a step comes before its time, so the times are read last.
	if err := t.metrics.next(h.addMetrics); err != nil {
		return History{}, err
	}
	for {
		n := len(h.Timing)
		if err := t.timing.next(h.addTiming); err != nil {
			return History{}, err
		}
		if len(h.Timing) == n {
			return h, nil
		}
	}
}

// follower reads a file that grows.
type follower struct {
	path  string
	bytes int64 // that were read
	size  int   // of a piece, where a line is longer than pieceBytes
}

// next reads whole lines of the next piece.
func (f *follower) next(read func(text []byte) error) error {
	file, err := os.Open(f.path)
	if err != nil {
		return fault.Reading(fault.Other, f.path, err)
	}
	defer file.Close()
	piece := make([]byte, max(f.size, pieceBytes))
	n, err := file.ReadAt(piece, f.bytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return fault.Reading(fault.Other, f.path, err)
	}
	end := bytes.LastIndexByte(piece[:n], '\n') + 1
	if end == 0 {
		if n == len(piece) { // in the middle of a long line
			if n >= maxLine {
				return damaged(f.path, errors.New("it has a line that is too long"))
			}
			f.size = 2 * len(piece)
			return f.next(read)
		}
		return nil
	}
	for line := range bytes.Lines(piece[:end]) {
		if err := read(line); err != nil {
			return damaged(f.path, err)
		}
	}
	f.bytes, f.size = f.bytes+int64(end), 0
	return nil
}
