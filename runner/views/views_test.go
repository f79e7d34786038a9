package views

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"log"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/sheet"
)

const experiment = `
data: {image_size: 16, images: 48, test_images: 24}
augment:
  invariant:
    - horizontal_flip
    - {family: blur, max: 1}
  ordered:
    - {family: rotate, max: 90, levels: 2}
    - {family: hue, levels: 1}
    - {family: zoom, levels: 1}
  roles: {zoom: invariant}
`

func load(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("tiny.yaml", []byte(experiment), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func draw(t testing.TB, o Options) sheet.Sheet {
	t.Helper()
	s, err := Sheet(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Draw(); err != nil {
		t.Fatal(err)
	}
	return s
}

func labels(r sheet.Row) []string {
	var out []string
	for _, c := range r.Cells {
		out = append(out, c.Label)
	}
	return out
}

// TestSheetWarns: of what a run would.
func TestSheetWarns(t *testing.T) {
	e := load(t)
	e.Model.Threads = runtime.GOMAXPROCS(0) + 1
	var notes []string
	o := Options{Experiment: e, Split: SplitTrain, Images: 1, Steps: 2, Note: func(n string) { notes = append(notes, n) }}
	if draw(t, o); len(notes) != 1 || !strings.Contains(notes[0], "threads on") {
		t.Errorf("notes %q", notes)
	}
}

func TestSheet(t *testing.T) {
	s := draw(t, Options{Experiment: load(t), Split: SplitTrain, Images: 3, Steps: 3})
	var headings []string
	for _, g := range s.Groups {
		headings = append(headings, g.Heading+": "+g.Note)
	}
	if want := []string{
		"Views of the first epoch: the image, then its 5 views",
		"rotate: ordered, cyclic, max 90",
		"hue: ordered, cyclic, max 0.5",
		"zoom: invariant, one-sided, max 2",
		"blur: invariant, one-sided, max 1",
	}; !slices.Equal(headings, want) {
		t.Errorf("headings %q", headings)
	}
	if s.Title != "tiny" || s.Note != "orchard, train split, 16 px, framing circle, seed 1" || s.Size != 128 {
		t.Errorf("%q, %q, pictures of %d", s.Title, s.Note, s.Size)
	}
	seen := map[string]bool{}
	for _, r := range s.Groups[0].Rows {
		if seen[r.Label] {
			t.Errorf("two rows are of the class %s", r.Label)
		}
		seen[r.Label] = true
		got := labels(r)
		if len(got) != 6 || !slices.Equal(got[:3], []string{"image", "base 1", "base 2"}) ||
			!strings.HasPrefix(got[3], "rotate ") || !strings.HasPrefix(got[5], "hue ") {
			t.Errorf("%s: %q", r.Label, got)
		}
	}
	for _, g := range s.Groups[1:] {
		if got := labels(g.Rows[0]); !slices.Equal(got, []string{"0", "0.5", "1"}) {
			t.Errorf("%s: %q", g.Heading, got)
		}
		first, last := g.Rows[0].Cells[0].Image, g.Rows[0].Cells[2].Image
		if slices.Equal(first.Pix, last.Pix) || !slices.Equal(first.Pix, s.Groups[1].Rows[0].Cells[0].Image.Pix) {
			t.Errorf("%s doesn't begin at the origin, or doesn't move", g.Heading)
		}
	}
}

func TestJointFamily(t *testing.T) {
	e := load(t, "augment.ordered=[{family: rotate, max: 90, levels: 2, with: [{family: blur, max: 1}]}, {family: zoom}]",
		"augment.roles.zoom=absent")
	s := draw(t, Options{Experiment: e, Split: SplitTrain, Images: 1, Steps: 3})
	if got := labels(s.Groups[0].Rows[0]); len(got) != 5 || !strings.HasPrefix(got[3], "rotate+blur ") {
		t.Errorf("views %q", got)
	}
	g := s.Groups[1]
	if g.Heading != "rotate+blur" || g.Note != "ordered, one-sided, max 90 + 1" || len(g.Rows) != 1 ||
		fmt.Sprint(labels(g.Rows[0])) != "[0 0.5 1]" {
		t.Errorf("%s: %s, rows %v", g.Heading, g.Note, g.Rows)
	}
}

// TestEveryFamily draws every family there is, and every kind of view.
func TestEveryFamily(t *testing.T) {
	text := "data: {image_size: 16, images: 12}\naugment:\n  plain_view: true\n  local_views: {count: 1}\n" +
		"  invariant: [random_resized_crop]\n  ordered:\n"
	for _, name := range augment.FamilyNames() {
		text += fmt.Sprintf("    - {family: %s, levels: 1}\n", name)
	}
	e, err := config.Parse("all.yaml", []byte(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := draw(t, Options{Experiment: e, Split: SplitTrain, Images: 1, Steps: 5})
	if got := strings.Join(labels(s.Groups[0].Rows[0]), " "); !strings.HasPrefix(got, "image base 1 base 2 local 1 ") ||
		!strings.HasSuffix(got, " plain") {
		t.Errorf("views %s", got)
	}
	if len(s.Groups) != 1+len(augment.FamilyNames()) {
		t.Errorf("%d groups for %d families", len(s.Groups), len(augment.FamilyNames()))
	}
	for _, g := range s.Groups[1:] {
		want := "[0 0.25 0.5 0.75 1]"
		if g.Heading == "quarter_turn" {
			want = "[0 0.333 0.667 1]"
		}
		if got := fmt.Sprint(labels(g.Rows[0])); got != want || len(g.Rows) > 1 != strings.Contains(g.Note, "two-sided") {
			t.Errorf("%s, %s: %s, %d rows", g.Heading, g.Note, got, len(g.Rows))
		}
		if len(g.Rows) > 1 && fmt.Sprint(labels(g.Rows[1])) != "[0 -0.25 -0.5 -0.75 -1]" {
			t.Errorf("%s: %v", g.Heading, labels(g.Rows[1]))
		}
	}
}

// TestViewsAreTheLoaders holds the pictures against what training sees.
func TestViewsAreTheLoaders(t *testing.T) {
	e := load(t, "seed=5", "augment.mean=[0.4,0.5,0.6]", "augment.std=[0.2,0.25,0.3]")
	s := draw(t, Options{Experiment: e, Split: SplitTrain, Images: 2, Steps: 2})
	splits, err := data.Open(t.Context(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := augment.NewPlan(e.Augment, e.Data.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	m, err := splits.Train.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	var scratch augment.Scratch
	n := 16 * 16
	view := make([]float32, 3*n)
	for v := range plan.Views() {
		plan.Render(view, &scratch, m, augment.Key{Seed: 5}, v)
		got := s.Groups[0].Rows[0].Cells[v+1].Image
		for i := range n {
			for c := range 3 {
				x := 255 * (float64(view[c*n+i])*e.Augment.Std[c] + e.Augment.Mean[c])
				if d := float64(got.Pix[3*i+c]) - min(max(x, 0), 255); d > 0.51 || d < -0.51 {
					t.Fatalf("view %d, pixel %d: %d, want %v", v, i, got.Pix[3*i+c], x)
				}
			}
		}
	}
}

func TestFiles(t *testing.T) {
	root := sourcetest.Write(t, map[string][]byte{
		"train/1.png": sourcetest.PNG(
			t,
			100,
			80,
			color.White,
		),
		"test/2.png": sourcetest.PNG(t, 100, 80, color.White),
		"test/3.png": nil,
	})
	e := load(t, "data.source=folder", "data.root="+root, "data.images=0", "data.test_images=0")
	s := draw(t, Options{Experiment: e, Split: SplitTrain, Images: 5, Steps: 2, Size: 64})
	if r := s.Groups[0].Rows; len(r) != 1 || r[0].Label != "1.png" || r[0].Cells[0].Image.Height != 32 || s.Size != 64 {
		t.Errorf("%d rows, %+v", len(r), r[0].Label)
	}
	_, err := Sheet(t.Context(), Options{Experiment: e, Split: SplitTest, Images: 5, Steps: 2})
	if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "3.png: an empty file") {
		t.Errorf("an unreadable image: %v", err)
	}
	e.Data.OnError = data.OnErrorSkip
	s = draw(t, Options{Experiment: e, Split: SplitTest, Images: 5, Steps: 2})
	if r := s.Groups[0].Rows; len(r) != 1 || r[0].Label != "2.png" {
		t.Errorf("unreadable images are skipped: %d rows", len(r))
	}
	e.Data.Root = "missing"
	if _, err := Sheet(
		t.Context(),
		Options{Experiment: e, Split: SplitTrain, Images: 1, Steps: 2},
	); !errors.Is(
		err,
		fault.Data,
	) {
		t.Errorf("a missing root: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Sheet(
		ctx,
		Options{Experiment: load(t), Split: SplitTrain, Images: 1, Steps: 2},
	); !errors.Is(err, context.Canceled) ||
		errors.Is(err, fault.Data) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestPictureSize(t *testing.T) {
	for size, want := range map[int]int{8: 120, 28: 112, 32: 128, 64: 128, 96: 96, 128: 128, 224: 160} {
		if got := pictureSize(size); got != want {
			t.Errorf("views of %d are shown at %d, want %d", size, got, want)
		}
	}
}

func ExampleSheet() {
	e, err := config.Parse("demo.yaml", []byte(experiment), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	s, err := Sheet(context.Background(), Options{Experiment: e, Split: SplitTrain, Images: 4, Steps: 9})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Title, len(s.Groups[0].Rows), s.Groups[1].Heading, s.Groups[1].Rows[0].Cells[1].Label)
	// Output:
	// demo 4 rotate 0.125
}
