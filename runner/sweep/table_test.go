package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"ordo/runner/track"
)

// found makes the folder of a sweep whose trials have these results; "" for one that has none.
func (b *bench) found(p *Plan, results ...string) {
	b.t.Helper()
	if err := p.freeze(b.out); err != nil {
		b.t.Fatal(err)
	}
	for i, text := range results {
		trial := p.Trials[i]
		folder, err := track.Open(filepath.Join(b.out, trial.Folder), track.Record{Hash: trial.Hash}, []byte("name: x\n"))
		if err != nil {
			b.t.Fatal(err)
		}
		r := track.Result{Hash: trial.Hash, Steps: 1}
		if json.Unmarshal([]byte(text), &r) == nil {
			_, err = folder.Finish(r, nil, nil)
		} else if text != "" {
			b.write(filepath.Join("out", trial.Folder, "result.json"), text)
		}
		if err := errors.Join(err, folder.Close()); err != nil {
			b.t.Fatal(err)
		}
	}
}

const tableText = `base: base.yaml
method: grid
metric: {name: loss, goal: minimize}
parameters:
  train.lr: {values: [0.1, 0.2, 0.3]}
  augment.framing: {values: [none, circle]}
  seed: {values: [1, 2]}
`

func TestTable(t *testing.T) {
	b := newBench(t, tableText)
	p := b.plan()
	if _, err := p.Table(b.out); err == nil || !strings.Contains(err.Error(), "was not started") {
		t.Errorf("before the start: %v", err)
	}
	b.found(
		p,
		`{"status": "finished", "knn_top1": 0.5, "loss": 1, `+
			`"order_accuracy": {"rotate": {"features": 0.6, "embedding": 0.75}}}`,
		`{"status": "finished", "knn_top1": 0.7, "loss": 4, `+
			`"order_accuracy": {"rotate": {"features": 0.6, "embedding": 0.25}}}`,
		`{"status": "finished", "knn_top1": null, "loss": 2}`,
		``,
		`{"status": "finished", "loss": 0.5, "hash": "`+p.Trials[4].Hash+`"}`,
		`{"status": "finished", "loss": 0.25, "hash": "0123456789"}`, // another experiment
		`{"status": "running", "loss": 0}`,
		`{`,
		`{"status": "finished", "loss": 0.5}`, // a tie
	)
	table, err := p.Table(b.out)
	if err != nil {
		t.Fatal(err)
	}
	// loss of the first row: mean (1+4)/2, standard deviation sqrt((1.5²+1.5²)/1); kNN: 0.6, sqrt(2·0.1²).
	text := "roles (" + p.Hash + `): mean ± sample standard deviation over n seeds
best is loss, to minimize
with one seed no row is surely better than another
  train.lr  augment.  n       loss           knn_top1       order_
            framing                                         accuracy.
                                                            rotate.
                                                            embedding
  0.1       none      2       2.500 ± 2.121  0.600 ± 0.141  0.500 ± 0.354
  0.1       circle    1 of 2  2.0000         –              –
  0.2       none      1 of 2  0.5000         –              –              best
  0.2       circle    0 of 2  –              –              –
  0.3       none      1 of 2  0.5000         –              –              best
  0.3       circle    0 of 2  –              –              –
`
	if got := table.Text(); got != text {
		t.Errorf("Text:\n%s\nwant\n%s", got, text)
	}
	s := table.Rows[0].Numbers["loss"]
	if s.N != 2 || s.Mean != 2.5 || math.Abs(*s.Std-1.5*math.Sqrt2) > 1e-15 {
		t.Errorf("loss is %v ± %v of %d", s.Mean, *s.Std, s.N)
	}
	markdown := table.markdown()
	for _, line := range []string{
		"| train.lr | augment.framing | n | loss | knn_top1 | order_accuracy.rotate.embedding |  |\n" +
			"| --- | --- | --- | --- | --- | --- | --- |\n",
		"| 0.2 | none | 1 of 2 | 0.5000 | – | – | best |\n",
	} {
		if !strings.Contains(markdown, line) {
			t.Errorf("Markdown lacks %q:\n%s", line, markdown)
		}
	}
	csv, err := table.csv()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(csv, "\n")
	for i, want := range map[int]string{
		0: "train.lr,augment.framing,trials,finished,loss.mean,loss.std,loss.low,loss.high,loss.n,knn_top1.mean," +
			"knn_top1.std," +
			"knn_top1.low,knn_top1.high,knn_top1.n,order_accuracy.rotate.embedding.mean,order_accuracy.rotate.embedding.std," +
			"order_accuracy.rotate.embedding.low,order_accuracy.rotate.embedding.high,order_accuracy.rotate.embedding.n," +
			"best,within_noise",
		3: "0.2,none,2,1,0.5,,,,1,,,,,0,,,,,0,true,false",
	} {
		if lines[i] != want {
			t.Errorf("CSV line %d is %q, want %q", i, lines[i], want)
		}
	}
	var back map[string]any
	encoded, err := json.Marshal(table)
	if err == nil {
		err = json.Unmarshal(encoded, &back)
	}
	trial := back["trials"].([]any)[2].(map[string]any)
	if err != nil || back["status"] != "incomplete" || trial["status"] != "finished" ||
		trial["folder"] != p.Trials[2].Folder {
		t.Errorf("JSON %s, %v", encoded, err)
	}
}

// TestTableWarns: each warning once, with how many finished trials have it, and a collapse without its numbers.
func TestTableWarns(t *testing.T) {
	b := newBench(t, tableText)
	p := b.plan()
	b.found(
		p,
		`{"status": "finished", "warnings": ["rare", "common", "the training collapses, since epoch 3"]}`,
		`{"status": "finished", "warnings": ["common", "the training collapses, since epoch 4"]}`,
		`{"status": "finished", "warnings": ["common", "common"]}`,
		`{"status": "finished"}`,
		`{"status": "running", "warnings": ["none"]}`,
	)
	table, err := p.Table(b.out)
	want := []Warning{{"common", 3}, {"the training collapses", 2}, {"rare", 1}}
	if err != nil || !slices.Equal(table.Warnings, want) {
		t.Fatalf("%+v, %v", table.Warnings, err)
	}
	end := "warning: common (3 of 4 trials)\nwarning: the training collapses (2 of 4 trials)\n" +
		"warning: rare (1 of 4 trials)\n"
	if text := table.Text(); !strings.HasSuffix(text, "\n"+end) {
		t.Errorf("Text:\n%s", text)
	}
	end = " |\n\n" + strings.ReplaceAll(end[:len(end)-1], "\n", "\n\n") + "\n"
	if text := table.markdown(); !strings.HasSuffix(text, end) {
		t.Errorf("Markdown:\n%s", text)
	}
}

// TestTableColumns: the sweep file chooses the numbers beside the metric; the experiment file is a column where there
// are several.
func TestTableColumns(t *testing.T) {
	b := newBench(
		t,
		"base: [base.yaml, other.yaml]\nmethod: grid\ncolumns: [order_accuracy.rotate.features]\n"+
			"parameters: {seed: {value: 1}}\n",
	)
	b.write("other.yaml", "data: {seed: 7}\n"+baseText)
	p := b.plan()
	b.found(
		p,
		`{"status": "finished", "knn_top1": 0.5, "loss": 1, `+
			`"order_accuracy": {"rotate": {"features": 0.75, "embedding": 1}}}`,
	)
	table, err := p.Table(b.out)
	if err != nil {
		t.Fatal(err)
	}
	want := `  base   n       knn_top1  order_accuracy.rotate.features
  base   1       0.5000    0.7500                          best
  other  0 of 1  –         –
`
	if got := table.Text(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.write("roles.yaml", strings.Replace(tableText, "method:",
		"columns: [knn_top1, order_accuracy.shear_x.embedding]\nmethod:", 1))
	p = b.plan()
	b.found(p, `{"status": "finished", "knn_top1": 0.5, "loss": 1, "order_accuracy": {"shear_y": {"embedding": 1}}}`)
	if table, err = p.Table(b.out); err != nil || table.Note != "no result has order_accuracy.shear_x.embedding, "+
		"did you mean order_accuracy.shear_y.embedding?" {
		t.Errorf("note %q, %v", table.Note, err)
	}
}

func TestTableMetric(t *testing.T) {
	b := newBench(t, strings.Replace(tableText, "name: loss, goal: minimize",
		"name: order_accuracy.hue.features, goal: maximize", 1))
	p := b.plan()
	b.found(p, `{"status": "finished", "knn_top1": 0.5, "loss": 1}`)
	table, err := p.Table(b.out)
	if err != nil {
		t.Fatal(err)
	}
	if want := "no result has order_accuracy.hue.features"; table.Note != want ||
		!strings.Contains(strings.Join(strings.Fields(table.Text()), " "), want) {
		t.Errorf("note %q, want %q", table.Note, want)
	}
	for _, r := range table.Rows {
		if r.Best {
			t.Errorf("row %v is the best of nothing", r.Values)
		}
	}
}

// TestTableCompares: rows beside their baseline, paired by seed. The differences are 0.1, 0.2, 0.3: mean 0.2, deviation
// 0.1, and the quantile of t with 2 degrees of freedom is 4.302653.
func TestTableCompares(t *testing.T) {
	b := newBench(t, `base: base.yaml
method: grid
metric: {name: loss, goal: maximize}
parameters:
  train.lr: {values: [0.1, 0.2]}
  augment.framing: {values: [none, circle]}
seeds: 3
baseline: {augment.framing: none}
`)
	p := b.plan()
	var results []string
	for _, loss := range []float64{1, 2, 3, 1.1, 2.2, 3.3, 5, 5, 5, 4, 5, 6} {
		results = append(results, fmt.Sprintf(`{"status": "finished", "loss": %g}`, loss))
	}
	b.found(p, results...)
	for i, trial := range p.Trials {
		if trial.Seed != uint64(i%3+1) {
			t.Fatalf("trial %d has seed %d", i+1, trial.Seed)
		}
	}
	opened, err := Open(b.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Plan{p, opened} {
		table, err := p.Table(b.out)
		if err != nil {
			t.Fatal(err)
		}
		d := table.Rows[1].Against["loss"]
		if d == nil || d.N != 3 || math.Abs(d.Value-0.2) > 1e-12 || math.Abs(*d.Low-(0.2-4.302653*0.1/math.Sqrt(3))) > 1e-6 {
			t.Fatalf("difference %+v", d)
		}
		// Two rows are tested: the smaller p, twice.
		if row := table.Rows[1]; math.Abs(*row.P-2**d.P) > 1e-12 || table.Rows[0].Against != nil || table.Rows[2].P != nil {
			t.Errorf("p %v of %v", *row.P, *d.P)
		}
		if r := table.Rows; !r[2].Best || !r[3].Best || r[0].Noise || r[1].Noise {
			t.Errorf("rows %+v", r)
		}
		for format, want := range map[string]string{
			FormatText: "loss less that of framing=none, paired by seed (95 %; p by Holm over the rows):\n" +
				"  lr=0.1, framing=circle: +0.2000 (-0.0484 to +0.4484), p = 0.15, n = 3\n" +
				"  lr=0.2, framing=circle: 0.0000 (-2.4841 to +2.4841), p = 1, n = 3\n",
			FormatMarkdown: "- lr=0.1, framing=circle: +0.2000 (-0.0484 to +0.4484), p = 0.15, n = 3\n",
			FormatLaTeX:    "0.1 & circle & 3 & 2.2000 $\\pm$ 1.1000",
			FormatCSV:      "against,against.low,against.high,p_holm",
		} {
			if text, err := table.As(format); err != nil || !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s, %v", format, want, text, err)
			}
		}
	}
	if _, err := p.Table(t.TempDir()); err == nil {
		t.Error("a table of an empty folder")
	}
}

// TestWithinNoise: what seeds alone could make is said beside the best.
func TestWithinNoise(t *testing.T) {
	b := newBench(t, "base: base.yaml\nmethod: grid\nmetric: {name: loss, goal: minimize}\n"+
		"parameters: {train.lr: {values: [0.1, 0.2, 0.3]}}\nseeds: [1, 2, 5]\n")
	p := b.plan()
	var results []string
	for _, loss := range []float64{1, 1.1, 0.9, 1.2, 1, 0.9, 3, 3.1, 2.9} {
		results = append(results, fmt.Sprintf(`{"status": "finished", "loss": %g}`, loss))
	}
	b.found(p, results...)
	table, err := p.Table(b.out)
	if err != nil {
		t.Fatal(err)
	}
	if r := table.Rows; !r[0].Best || !r[1].Noise || r[2].Noise || !strings.Contains(table.Note, "of 1 other rows") {
		t.Errorf("rows %+v, %s", r, table.Note)
	}
}

// TestParquet: what was written comes back, with nothing in the place of what a trial hasn't found.
func TestParquet(t *testing.T) {
	b := newBench(t, twoSeeds)
	p := b.plan()
	b.found(p, `{"status": "finished", "knn_top1": 0.75, "loss": 2}`, "")
	table, err := p.Table(b.out)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trials.parquet")
	if err := table.WriteParquet(file); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Trial  int64    `parquet:"trial"`
		Folder string   `parquet:"folder"`
		Seed   uint64   `parquet:"seed"`
		Status string   `parquet:"status"`
		KNN    *float64 `parquet:"number.knn_top1,optional"`
	}
	rows, err := parquet.ReadFile[row](file)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if r := rows[0]; r.Trial != 1 || r.Folder != p.Trials[0].Folder || r.Seed != 1 || r.Status != Finished ||
		r.KNN == nil || *r.KNN != 0.75 {
		t.Errorf("first %+v", r)
	}
	if r := rows[1]; r.Trial != 2 || r.Status != Pending || r.KNN != nil {
		t.Errorf("second %+v", r)
	}
}
