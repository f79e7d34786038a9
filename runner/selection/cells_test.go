package selection

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/config"
)

const baseText = `name: fruit
data: {source: orchard, image_size: 16, per_class: 20}
augment:
  invariant:
    - horizontal_flip
    - {family: contrast, max: 2}
  ordered:
    - {family: rotate, max: 90, levels: 3}
    - {family: hue, levels: 2}
    - {family: blur, levels: 2}
  roles: {rotate: absent, blur: invariant}
loss:
  invariance: {kind: ntxent, views: queries}
  order: {kind: relative_scale, weight: 0.1}
train: {epochs: 1, batch_size: 40, warmup_epochs: 0}
`

func parse(t *testing.T, text string, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("fruit.yaml", []byte(text), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func options(t *testing.T) Options {
	return Options{Base: parse(t, baseText), Seeds: 2, Margin: DefaultMargin, Jobs: 2}
}

// viewsOf counts those of an image.
func viewsOf(e config.Experiment) int {
	n := e.Augment.BaseViews
	for _, f := range e.Augment.Ordered {
		if role := e.Augment.Roles[f.Name()]; role == "" || role == augment.RoleOrdered {
			n += f.Levels
		}
	}
	return n
}

// TestCells: a cell differs from the base in one role, and in nothing that a network sees but that.
func TestCells(t *testing.T) {
	d, err := newDesign(options(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range d.cells {
		names = append(names, c.name)
		e, err := d.experiment(c)
		if err != nil {
			t.Fatal(err)
		}
		if viewsOf(e) != 7 { // two base views, two of hue, and three of rotate
			t.Errorf("%s: %d views", c.name, viewsOf(e))
		}
		if e.Augment.Framing != augment.FramingCircle || e.Eval.AtEnd != "roles" || e.Name != c.name {
			t.Errorf("%s: framing %s, evaluation %s, name %s", c.name, e.Augment.Framing, e.Eval.AtEnd, e.Name)
		}
		for _, f := range d.candidates {
			want := f.role
			if c.family >= 0 && d.candidates[c.family].Name() == f.Name() {
				want = c.role
			}
			role, listed := augment.RoleAbsent, false
			for _, o := range e.Augment.Ordered {
				if o.Name() == f.Name() {
					listed, role = true, augment.RoleOrdered
				}
			}
			if given, ok := e.Augment.Roles[f.Name()]; ok {
				role = given
			}
			if role != want || want != augment.RoleAbsent && !listed {
				t.Errorf("%s: %s is %s, want %s", c.name, f.Name(), role, want)
			}
		}
		ordered := viewsOf(e) > e.Augment.BaseViews
		if none := e.Loss.Order.Kind == "none"; none == ordered || ordered != (e.Loss.Invariance.Views == "queries") {
			t.Errorf("%s: loss of order %s, views %s", c.name, e.Loss.Order.Kind, e.Loss.Invariance.Views)
		}
	}
	want := []string{"base", "rotate-invariant", "rotate-ordered", "hue-absent", "hue-invariant", "blur-absent",
		"blur-ordered"}
	if !slices.Equal(names, want) {
		t.Errorf("cells %v, want %v", names, want)
	}
	pilot, err := d.pilot()
	if err != nil {
		t.Fatal(err)
	}
	if len(pilot.Augment.Roles) != 0 || len(pilot.Augment.Ordered) != 3 || pilot.Augment.BaseViews != 4 {
		t.Errorf("pilot: %d base views, ordered %v, roles %v", pilot.Augment.BaseViews, pilot.Augment.Ordered,
			pilot.Augment.Roles)
	}
}

// TestUnordered: a cell that orders nothing has no term about ordered views either, whatever the base has.
func TestUnordered(t *testing.T) {
	o := options(t)
	o.Base = parse(t, baseText, "augment.roles={rotate: absent, hue: absent, blur: invariant}",
		"loss.terms=[{kind: ranknet, weight: 1}, {kind: ntxent, views: queries, output: features, standardise: true}]")
	d, err := newDesign(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.cells {
		e, err := d.experiment(c)
		if err != nil {
			t.Fatal(err)
		}
		count, views := 1, "base"
		if c.role == augment.RoleOrdered {
			count, views = 2, "queries"
		}
		last := e.Loss.Terms[len(e.Loss.Terms)-1].Invariance
		if len(e.Loss.Terms) != count || last == nil || last.Views != views || !last.Standardise {
			t.Errorf("%s: terms %+v, want %d, the last on the %s views", c.name, e.Loss.Terms, count, views)
		}
	}
	if terms := o.Base.Loss.Terms; len(terms) != 2 || terms[1].Invariance.Views != "queries" {
		t.Error("the base was changed")
	}
}

// TestPredicted: E-SSL's trials have the family's views and its term, and as many views as the others.
func TestPredicted(t *testing.T) {
	o := options(t)
	o.Compare = true
	d, err := newDesign(o)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range d.candidates {
		for _, alone := range []bool{false, true} {
			e, err := d.predicted(i, alone)
			if err != nil {
				t.Fatal(err)
			}
			var ordered []string
			for _, f := range e.Augment.Ordered {
				if e.Augment.Roles[f.Name()] == "" {
					ordered = append(ordered, f.Name())
				}
			}
			want := []string{c.Name()}
			if !alone && c.Name() != "hue" { // the base has it ordered
				want = append(want, "hue")
			}
			slices.Sort(ordered)
			slices.Sort(want)
			term := e.Loss.Terms[len(e.Loss.Terms)-1].Baseline
			if !slices.Equal(ordered, want) || viewsOf(e) != d.views || term.Family != c.Name() {
				t.Errorf("%s: ordered %v, want %v, %d views, term %+v", e.Name, ordered, want, viewsOf(e), term)
			}
			order, invariance := e.Loss.Order, e.Loss.Invariance
			switch {
			case alone && (order.Kind != "none" || invariance.Kind != "none" || e.Augment.BaseViews != leastBase):
				t.Errorf("%s: losses %s and %s, %d base views", e.Name, order.Kind, invariance.Kind, e.Augment.BaseViews)
			case !alone && len(want) == 1 && (order.Kind != "none" || invariance.Views != "base"):
				t.Errorf("%s: order %s, views %s", e.Name, order.Kind, invariance.Views)
			case !alone && len(want) == 2 && (order.Kind == "none" || order.Families[c.Name()].Weight != 0 ||
				len(order.Families) != 1):
				t.Errorf("%s: order %+v", e.Name, order)
			}
		}
	}
	for _, c := range d.cells {
		e, err := d.experiment(c)
		turned := slices.Contains(e.Eval.Families, turns)
		if err != nil || turned != (c.family < 0 || c.role == "invariant") {
			t.Errorf("%s: %v, evaluates %v", c.name, err, e.Eval.Families)
		}
	}
}

// TestWatching: a term of weight 0 watches where invariance looks, like the experiment's own where that looks there.
func TestWatching(t *testing.T) {
	for _, c := range []struct{ invariance, order, want string }{
		{"{kind: ntxent}", "{kind: relative_scale}", "ranknet embedding"},
		{"{kind: ntxent}", "{kind: listmle, weight: 3}", "listmle embedding"},
		{"{kind: vicreg, output: features, views: base}", "{kind: chain}", "ranknet features"},
		{"{kind: ntxent, output: own, views: base}", "{kind: chain}", ""},
	} {
		o := options(t)
		o.Base = parse(t, baseText, "loss.invariance="+c.invariance, "loss.order="+c.order)
		d, err := newDesign(o)
		if err != nil {
			t.Fatal(err)
		}
		pilot, err := d.pilot()
		got := ""
		if err == nil && len(pilot.Loss.Terms) > 0 {
			term := pilot.Loss.Resolved().Terms[0].Order
			if got = term.Kind + " " + term.Output; term.Weight != 0 {
				t.Errorf("%s beside %s has weight %g", got, c.order, term.Weight)
			}
		}
		if err != nil || got != c.want {
			t.Errorf("%s, %s: %v, %q, want %q", c.invariance, c.order, err, got, c.want)
		}
	}
}

// TestPilotBesideOthers: families that are no candidates keep their views, and the pilot its two base views.
func TestPilotBesideOthers(t *testing.T) {
	o := options(t)
	o.Base.Augment.Roles = nil // rotate, hue and blur are ordered, in seven views
	o.Families = []string{"zoom", "noise", "gamma", "erase"}
	d, err := newDesign(o)
	if err != nil {
		t.Fatal(err)
	}
	pilot, err := d.pilot()
	if err != nil || pilot.Augment.BaseViews != 2 || viewsOf(pilot) != 2+7+4 {
		t.Errorf("%v, %d base views of %d", err, pilot.Augment.BaseViews, viewsOf(pilot))
	}
}

// TestCandidates: those that are named join with their role, or with what the file has.
func TestCandidates(t *testing.T) {
	o := options(t)
	o.Families = []string{"hue", "contrast", "zoom"}
	d, err := newDesign(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.candidates {
		got = append(got, c.Name()+" "+c.role)
	}
	if want := []string{"hue ordered", "contrast invariant", "zoom absent"}; !slices.Equal(got, want) {
		t.Errorf("candidates %v, want %v", got, want)
	}
	e, err := d.experiment(d.cells[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range e.Augment.Invariant {
		if step.Family != nil {
			t.Errorf("%s is in the invariant list beside its role", step.Family.Name())
		}
	}
	if e.Augment.Roles["rotate"] != augment.RoleAbsent || e.Augment.Roles["contrast"] != augment.RoleInvariant {
		t.Errorf("roles %v", e.Augment.Roles)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		change func(o *Options)
		says   string
	}{
		{func(o *Options) { o.Seeds = 1 }, "seeds must be in [2, 100], got 1"},
		{func(o *Options) { o.Margin = -1 }, "the margin must be in [0, 1)"},
		{func(o *Options) { o.Base.Data.Fold = 2 }, "data.fold"},
		{func(o *Options) { o.Compare, o.Screens = true, true }, "keep one of the two"},
		{func(o *Options) { o.Compare, o.NoLabels = true, true }, "keep one of the two"},
		{func(o *Options) { o.Range, o.NoLabels = true, true }, "need labels"},
		{func(o *Options) { o.Base.Loss.Order.Kind = "none" }, "loss.order.kind: is none"},
		{func(o *Options) { o.Families = []string{"rotat"} }, `no family is called "rotat"`},
		{func(o *Options) { o.Base.Augment.Ordered, o.Base.Augment.Roles = nil, nil }, "there is no candidate"},
		{func(o *Options) { o.Base.Augment.Ordered[0].Levels = 20 }, "base views"},
	} {
		o := options(t)
		c.change(&o)
		_, err := newDesign(o)
		if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want %s", err, c.says)
		}
	}
}

// TestDefaultBase: the base for any images is an experiment, and asks for what photographs have.
func TestDefaultBase(t *testing.T) {
	dir := t.TempDir()
	e, err := DefaultBase([]string{"data.root=" + dir, "train.epochs=2"}, []string{"ORDO_SEED=4"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Data.Root != dir || e.Train.Epochs != 2 || e.Seed != 4 {
		t.Errorf("root %s, epochs %d, seed %d", e.Data.Root, e.Train.Epochs, e.Seed)
	}
	d, err := newDesign(Options{Base: e, Seeds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.cells) != 2*len(d.candidates)+1 {
		t.Errorf("%d cells of %d candidates", len(d.cells), len(d.candidates))
	}
}

// TestFolder: it names the question, and freeze refuses another one in its place.
func TestFolder(t *testing.T) {
	o := options(t)
	first, err := Folder(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Jobs, o.Runs = 7, 40
	if again, _ := Folder(o); again != first {
		t.Errorf("%s and %s are one question", first, again)
	}
	o.Margin = 0.01
	if other, _ := Folder(o); other == first || !strings.HasPrefix(other, filepath.Join("runs", "select-fruit-")) {
		t.Errorf("another margin is in %s", other)
	}
	dir := filepath.Join(t.TempDir(), "select")
	for _, c := range []struct {
		margin float64
		says   string
	}{{0.01, ""}, {0.01, ""}, {0.02, "holds the answer to another question"}} {
		o.Margin = c.margin
		d, err := newDesign(o)
		if err != nil {
			t.Fatal(err)
		}
		err = (&selection{design: d, dir: dir}).freeze()
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("margin %g: %v", c.margin, err)
		}
	}
	if Frozen(dir, "30m") != 0 || Frozen(dir, "") != 40 {
		t.Errorf("frozen runs %d and %d", Frozen(dir, "30m"), Frozen(dir, ""))
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "photo.png"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, _ := newDesign(o)
	err = (&selection{design: d, dir: other}).freeze()
	if err == nil || !strings.Contains(err.Error(), "holds photo.png") {
		t.Errorf("a folder of photographs: %v", err)
	}
}
