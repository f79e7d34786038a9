package embed

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ordo/runner/eval"
	"ordo/runner/npy"
)

// The formats of files.
const (
	FormatNPZ     = "npz"     // NumPy arrays in an archive, what Read takes
	FormatNPY     = "npy"     // one matrix alone, for programs that map files into memory; the rows' names are beside it
	FormatParquet = "parquet" // a row an image, an output a list of float
	FormatCSV     = "csv"     // a row an image, a column a number
	FormatLightly = "lightly" // CSV as lightly's: filenames, embedding_0, …, labels
)

// Formats lists them.
func Formats() []string {
	return []string{FormatNPZ, FormatNPY, FormatParquet, FormatCSV, FormatLightly}
}

// FormatOf is the format that a file's name tells by its end, or "".
func FormatOf(file string) string {
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
	if slices.Contains(Formats(), format) && format != FormatLightly {
		return format
	}
	return ""
}

// Extension is how the names of a format's files end.
func Extension(format string) string {
	if format == FormatLightly {
		return ".csv"
	}
	return "." + format
}

// writeTable writes rows in a format other than npz. meta is what is to be said of them.
func writeTable(to io.Writer, format string, r *rows, meta string) error {
	switch format {
	case FormatNPY:
		return r.writeNPY(to)
	case FormatParquet:
		return r.writeParquet(to, meta)
	case FormatLightly:
		return r.writeLightly(to)
	default:
		return r.writeCSV(to)
	}
}

func (r *rows) writeNPY(to io.Writer) error {
	o := r.outputs[0]
	if err := npy.Start(to, floatType(r.half), r.len(), o.Columns); err != nil {
		return err
	}
	return r.writeMatrix(to, o)
}

// columnNeighbours holds an image's neighbours, under the name that embedding-atlas's users give it.
const columnNeighbours = "neighbors"

// The columns of where a row lies on the plane of its output's two first principal components.
const columnX, columnY = "x", "y"

// said are the names of the columns that say what a row is: the image's id, path below the root, number and name of its
// class, split, width and height, and the scale where images are shown at some.
func said(scaled bool) []string {
	names := []string{"id", "path", "label", "class", "split", "width", "height"}
	if scaled {
		names = append(names, arrayScale)
	}
	return names
}

// appendSaid appends the texts of said: what isn't known is empty.
func (r *rows) appendSaid(line []string, rec *record) []string {
	number := func(n int, known bool) string {
		if !known {
			return ""
		}
		return strconv.Itoa(n)
	}
	class := ""
	if rec.label >= 0 {
		class = r.classes[rec.label]
	}
	line = append(line, rec.id, rec.path, number(rec.label, rec.label >= 0), class, rec.split,
		number(rec.width, rec.width > 0), number(rec.height, rec.height > 0))
	if r.scales != nil {
		line = append(line, strconv.FormatFloat(rec.scale, 'g', -1, 64))
	}
	return line
}

func (r *rows) writeCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	line := said(r.scales != nil)
	if r.plane != nil {
		line = append(line, columnX, columnY)
	}
	if r.search != nil {
		line = append(line, columnNeighbours)
	}
	for _, o := range r.outputs {
		line = append(line, numbered(o.Name, o.Columns)...)
	}
	if err := w.Write(line); err != nil {
		return err
	}
	if err := r.each(func(rec *record) error {
		line = r.appendSaid(line[:0], rec)
		if r.plane != nil {
			line = append(line, strconv.FormatFloat(rec.x, 'g', -1, 64), strconv.FormatFloat(rec.y, 'g', -1, 64))
		}
		if r.search != nil {
			text, err := json.Marshal(near(rec.neighbours))
			if err != nil {
				return fmt.Errorf("embed: describe: %w", err)
			}
			line = append(line, string(text))
		}
		for _, v := range rec.values {
			line = appendNumbers(line, v)
		}
		return w.Write(line)
	}); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// nearby is how embedding-atlas has a row's neighbours: their rows' numbers from 0, and how far they are.
type nearby struct {
	IDs       []int     `json:"ids"`
	Distances []float32 `json:"distances"`
}

func near(neighbours []eval.Neighbour) nearby {
	n := nearby{IDs: []int{}, Distances: []float32{}}
	for _, x := range neighbours {
		n.IDs, n.Distances = append(n.IDs, x.Row), append(n.Distances, float32(x.Distance))
	}
	return n
}

// writeLightly writes what lightly's load_embeddings reads: labels are whole numbers, -1 where there is none.
func (r *rows) writeLightly(to io.Writer) error {
	w := csv.NewWriter(to)
	line := append(append([]string{"filenames"}, numbered("embedding", r.outputs[0].Columns)...), "labels")
	if err := w.Write(line); err != nil {
		return err
	}
	alone := *r
	alone.describe = nil
	if err := alone.each(func(rec *record) error {
		line = append(appendNumbers(append(line[:0], rec.id), rec.values[0]), strconv.Itoa(rec.label))
		return w.Write(line)
	}); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

func numbered(name string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = name + "_" + strconv.Itoa(i)
	}
	return names
}

// appendNumbers appends the shortest texts that give the same numbers again.
func appendNumbers(line []string, row []float32) []string {
	for _, x := range row {
		line = append(line, strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	return line
}
