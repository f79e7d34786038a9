package selection

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ordo/augment"
	"ordo/runner/config"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/track"
)

// The test binary plays two other programs: `ordo run`, without training, and a process that selects.
const (
	asVariable = "SELECTION_TEST_AS" // run or select
	// callsVariable names a file to which every trial appends a line.
	callsVariable = "SELECTION_TEST_CALLS"
	failVariable  = "SELECTION_TEST_FAIL" // the name of experiments that fail
)

func TestMain(m *testing.M) {
	switch os.Getenv(asVariable) {
	case "run":
		os.Exit(fakeRun(os.Args[1:]))
	case "select":
		o, err := fakeOptions(os.Args[1])
		must(err)
		_, err = Run(context.Background(), o)
		must(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// must is for the programs that the test binary plays.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// gains is what each role gives over the base's in the fake's world.
var gains = map[string]float64{
	"rotate ordered": 0.001, "rotate invariant": 0.002, // no difference
	"hue absent": 0, "hue invariant": -0.2, // the base has it ordered
	"blur absent": -0.1, "blur ordered": -0.003, // the base has it invariant
}

// fakeRun keeps the contract of `ordo run BASE KEY=VALUE … --out DIR --json`: result.json last.
func fakeRun(args []string) int {
	at := slices.Index(args, "--out")
	e, err := config.Load(args[0], args[1:at], os.Environ())
	must(err)
	dir := args[at+1]
	text, err := e.YAML()
	must(err)
	folder, err := track.Open(dir, track.Record{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}, text)
	must(err)
	if e.Name == os.Getenv(failVariable) {
		fmt.Fprintln(os.Stderr, "trouble")
		return 4
	}
	if file := os.Getenv(callsVariable); file != "" {
		calls, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		must(err)
		_, err = fmt.Fprintf(calls, "%s seed %d fold %d threads %d\n", e.Name, e.Seed, e.Data.Fold, e.Model.Threads)
		must(err)
	}
	h := fnv.New64a()
	fmt.Fprint(h, e.Hash())
	r2 := 0.75
	y := 0.7 + 0.01*float64(e.Seed) + 0.004*math.Sin(float64(h.Sum64()%1000))
	for _, f := range []string{"rotate", "hue", "blur"} {
		role := augment.RoleAbsent
		for _, o := range e.Augment.Ordered {
			if o.Name() == f {
				role = augment.RoleOrdered
			}
		}
		if given, ok := e.Augment.Roles[f]; ok {
			role = given
		}
		gain := gains[f+" "+role]
		for _, o := range e.Augment.Ordered { // weak invariance costs nothing
			if o.Name() == "hue" && f == "hue" && role == augment.RoleInvariant && o.Max < 0.5 {
				gain = 0
			}
		}
		y += gain
		if f == "hue" {
			r2 += gain
		}
	}
	metrics := map[string]float64{"knn.features": y - 0.01, "probe.features": y + 0.01, "hue.scale_r2.features": r2,
		"rankme.features": 0.25}
	if e.Name == pilotStage {
		must(folder.Rewind(nil)) // it may have been killed
		for step := range 40 {
			must(folder.Step(track.Step{Step: step + 1, Terms: map[string]float64{
				"ranknet/gradient_cosine/rotate": 0.1, "ranknet/gradient_cosine/hue": float64(step%4) - 1}}))
		}
	}
	must(fakeEvaluation(e, y).Write(evaluation.File(dir, evaluation.AtEnd)))
	time.Sleep(2 * time.Millisecond)
	_, err = folder.Finish(track.Result{Status: track.Finished, Hash: e.Hash(), Seed: e.Seed, Name: e.Name, Steps: 1,
		Evaluation: track.Evaluation{Metrics: metrics}}, nil, nil)
	must(err)
	must(folder.Close())
	return 0
}

// fakeEvaluation is what the trials' files have that selections read.
func fakeEvaluation(e config.Experiment, y float64) (r evaluation.Result) {
	add := func(name, family string, value float64) {
		r.Metrics = append(r.Metrics, evaluation.Metric{Name: name, Family: family, Output: "features",
			Value: eval.Defined(value), Interval: &evaluation.Interval{Low: eval.Defined(value - 0.1),
				High: eval.Defined(value + 0.1)}, Protocol: eval.Protocol{TestImages: 50}})
	}
	add("knn", "", y-0.01)
	add("probe", "", y+0.01)
	add("local_dimension", "", 2-y)
	if slices.Contains(e.Eval.Families, turns) {
		add("class_accuracy", turns, 0.5+y/10)
	}
	if e.Name == pilotStage {
		for i, f := range []string{"rotate", "hue", "blur"} {
			for k, name := range []string{"broken", "forgetting", "class_of_scale", "class_relevance"} {
				add(name, f, float64(i-1)+float64(k)/100)
			}
		}
	}
	return r
}

// fakeOptions is a question to the fake.
func fakeOptions(dir string) (Options, error) {
	program, err := os.Executable()
	if err != nil {
		return Options{}, err
	}
	e, err := config.Parse("fruit.yaml", []byte(baseText), nil, nil)
	return Options{Base: e, Seeds: 3, Margin: DefaultMargin, Jobs: 2, Dir: dir, Command: []string{program},
		Environ: append(os.Environ(), asVariable+"=run", "ORDO_SEED=9")}, err
}

func selected(t *testing.T, dir string, change func(o *Options)) (Result, error) {
	t.Helper()
	o, err := fakeOptions(dir)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&o)
	}
	return Run(t.Context(), o)
}

// calls are the trials that were trained since the last call, sorted.
func calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(os.Getenv(callsVariable))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	_ = os.Remove(os.Getenv(callsVariable))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
}

func TestRun(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	dir := filepath.Join(t.TempDir(), "select")
	var last Event
	r, err := selected(t, dir, func(o *Options) { o.Progress = func(e Event) { last = e } })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"rotate": Undecided, "hue": "ordered", "blur": "invariant"}
	for _, f := range r.Families {
		if f.Verdict != want[f.Family] {
			t.Errorf("%s is %s, want %s: %s", f.Family, f.Verdict, want[f.Family], f.Evidence)
		}
		if hint := map[string]string{"rotate": Keep, "hue": "", "blur": Forget}[f.Family]; f.Hint != hint {
			t.Errorf("%s: hint %q, want %q", f.Family, f.Hint, hint)
		}
		if want := map[string]int{"rotate": 5, "hue": 5, "blur": 4}[f.Family]; len(f.Screens) != want {
			t.Errorf("%s has the screens %v", f.Family, f.Screens)
		}
	}
	// Means over ten stretches of four steps are all the same.
	if x := r.Families[1].Screens[screenAgree]; x.Value != 0.5 || *x.Negative != 0.25 || x.Steps != 40 ||
		math.Abs(*x.Low-0.5) > 1e-9 || math.Abs(*x.High-0.5) > 1e-9 {
		t.Errorf("agree of hue is %+v", x)
	}
	trained := calls(t)
	// The pilot, and in every seed the base and two cells a family, but for those that the first two rounds settled.
	if n := len(trained); n != 1+2*7+3 || r.Runs != n || last.Ended != n {
		t.Errorf("%d runs, said %d and %d: %v", len(trained), r.Runs, last.Ended, trained)
	}
	if !slices.Contains(trained, "hue-invariant seed 2 fold 2 threads "+fmt.Sprint(threads(config.Experiment{}, 2))) {
		t.Errorf("trained %v", trained)
	}
	again, err := selected(t, dir, nil)
	if err != nil || len(calls(t)) > 0 || again.Text() != r.Text() {
		t.Errorf("the second call: %v\n%s\n%s", err, again.Text(), r.Text())
	}
	for _, text := range []string{"hue     ordered", "rotate  undecided", "ready to run: " + dir} {
		if !strings.Contains(r.Text(), text) {
			t.Errorf("no %q in\n%s", text, r.Text())
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	// Five scales a family; three seeds of the base and of rotate's roles, two of the others'.
	if text := string(page); strings.Count(text, "data:image/png") != 15 || strings.Contains(text, "http") ||
		strings.Count(text, "<circle") != 3*3+2*7 {
		t.Errorf("the page has %d pictures and %d points", strings.Count(text, "data:image/png"),
			strings.Count(text, "<circle"))
	}
	e, err := config.Load(filepath.Join(dir, selectedFile), nil, nil)
	if err != nil || e.Augment.Roles["hue"] != "" || e.Augment.Roles["blur"] != augment.RoleInvariant || e.Data.Fold != 0 {
		t.Errorf("%s: %v, roles %v, fold %d", selectedFile, err, e.Augment.Roles, e.Data.Fold)
	}
}

// TestRange: invariance is tried at three strengths, and costs from where the fake says so.
func TestRange(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	r, err := selected(t, filepath.Join(t.TempDir(), "select"), func(o *Options) { o.Range = true })
	if err != nil {
		t.Fatal(err)
	}
	trained := calls(t)
	if n := len(trained); n != 18+3*2*3 || !slices.Contains(trained, "hue-invariant-0.25 seed 3 fold 3 threads "+
		fmt.Sprint(threads(config.Experiment{}, 2))) {
		t.Errorf("%d runs: %v", n, trained)
	}
	for _, f := range r.Families {
		var most []float64
		for _, point := range f.Range {
			most = append(most, point.Max)
		}
		want := map[string][]float64{"rotate": {22.5, 45, 90}, "hue": {0.125, 0.25, 0.5}, "blur": {0.5, 1, 2}}[f.Family]
		if !slices.Equal(most, want) {
			t.Errorf("%s: strengths %v, want %v", f.Family, most, want)
		}
		holds := map[string]float64{"rotate": 90, "hue": 0.25, "blur": 2}[f.Family]
		if f.HoldsTo == nil || *f.HoldsTo != holds {
			t.Errorf("%s: invariance holds up to %v, want %g", f.Family, f.HoldsTo, holds)
		}
	}
}

// TestJoint: what is chosen is tried together, beside the nearest other choices.
func TestJoint(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	r, err := selected(t, filepath.Join(t.TempDir(), "select"), func(o *Options) {
		o.Base.Augment.Roles = map[string]string{
			"rotate": augment.RoleAbsent, "hue": augment.RoleInvariant, "blur": augment.RoleAbsent,
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"rotate": augment.RoleAbsent, "hue": augment.RoleOrdered, "blur": augment.RoleInvariant}
	if !maps.Equal(r.Joint.Roles, want) {
		t.Errorf("chose %v", r.Joint.Roles)
	}
	if g := r.Joint.Gain; g == nil || math.Abs(g.Value-0.3) > 0.02 || g.Low < 0.27 || len(r.Joint.Runs) != 3 {
		t.Errorf("gain %v by %v", r.Joint.Gain, r.Joint.Runs)
	}
	if len(r.Joint.Runners) != 2 {
		t.Fatalf("runners-up %v", r.Joint.Runners)
	}
	for _, runner := range r.Joint.Runners {
		if math.Abs(runner.Gain.Value) > 0.02 || runner.Role == want[runner.Family] || len(runner.Runs) != 3 {
			t.Errorf("runner-up %+v", runner)
		}
	}
	trained := calls(t)
	if !slices.ContainsFunc(trained, func(l string) bool { return strings.HasPrefix(l, "joint seed 3 fold 3") }) ||
		len(trained) != r.Runs {
		t.Errorf("%d runs, trained %v", r.Runs, trained)
	}
}

// TestCompare: comparators train two runs a family, take the rest from the trials, and say what they cost.
func TestCompare(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	dir := filepath.Join(t.TempDir(), "select")
	plain, err := selected(t, filepath.Join(t.TempDir(), "plain"), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := len(calls(t))
	r, err := selected(t, dir, func(o *Options) { o.Compare = true })
	if err != nil {
		t.Fatal(err)
	}
	trained := calls(t)
	if len(trained) != before+6 || r.Runs != plain.Runs+6 || len(r.Comparators) != 6 {
		t.Errorf("%d runs beside %d, said %d; %d comparators", len(trained), before, r.Runs, len(r.Comparators))
	}
	for i, f := range r.Families {
		if f.Verdict != plain.Families[i].Verdict || len(f.Comparators) != len(keeps) {
			t.Errorf("%s: %s, without comparators %s; %v", f.Family, f.Verdict, plain.Families[i].Verdict, f.Comparators)
		}
		for name, x := range f.Comparators {
			if interval := x.Low != nil; x.Images != 50 || interval == strings.HasPrefix(name, "essl") {
				t.Errorf("%s: %s is %+v", f.Family, name, x)
			}
		}
	}
	hue := r.Families[1].Comparators // invariance costs 0.2
	if x := hue[compareInvariant].Value; math.Abs(x+0.2) > 0.01 {
		t.Errorf("E-SSL says of invariant hue %g", x)
	}
	if x := hue[compareDimension].Value; math.Abs(x-1.49) > 0.01 {
		t.Errorf("the dimension where hue is invariant is %g", x)
	}
	for _, name := range []string{compareInvariant, comparePredicted, compareSingle, compareTurns, compareDimension} {
		if !strings.Contains(r.Text(), name+": ") || r.tau(name, withCost) == "–" || r.tau(name, withGain) == "–" {
			t.Errorf("no %s in\n%s", name, r.Text())
		}
	}
	if tau := r.tau(compareInvariant, withCost); tau != "+1.00" {
		t.Errorf("the exploration's τ with the trials is %s", tau)
	}
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	if err != nil || !strings.Contains(string(page), "<td>essl_predicted</td>") {
		t.Errorf("the page lacks the comparators: %v", err)
	}
	if again, err := selected(t, dir, func(o *Options) { o.Compare = true }); err != nil || len(calls(t)) > 0 ||
		again.Text() != r.Text() {
		t.Errorf("the second call: %v\n%s", err, again.Text())
	}
	few, err := selected(t, filepath.Join(t.TempDir(), "few"), func(o *Options) { o.Compare, o.Runs = true, 20 })
	if err != nil || few.Runs > 20 || len(few.Families[0].Comparators) != 3 ||
		!strings.Contains(strings.Join(few.Notes, " "), "comparators that train") {
		t.Errorf("%v: %d runs, %v, notes %v", err, few.Runs, few.Families[0].Comparators, few.Notes)
	}
}

// TestFast: the pilot's hints are the verdicts, and nothing else is trained.
func TestFast(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	dir := filepath.Join(t.TempDir(), "select")
	r, err := selected(t, dir, func(o *Options) { o.Fast = true })
	if err != nil || len(calls(t)) != 1 || r.Runs != 1 {
		t.Fatalf("%v, %d runs", err, r.Runs)
	}
	for _, f := range r.Families {
		// rotate is absent in the base, hue ordered and blur invariant
		want := map[string][2]string{"rotate": {Keep, "absent"}, "hue": {Undecided, "ordered"},
			"blur": {"invariant", "invariant"}}
		if got := [2]string{f.Verdict, f.Chosen()}; got != want[f.Family] || !strings.Contains(f.Evidence, "95 %") {
			t.Errorf("%s: %v, want %v; %s", f.Family, got, want[f.Family], f.Evidence)
		}
	}
	if text := r.Text(); !strings.Contains(text, "rotate: keep. kNN") || !strings.Contains(text, "weaker than trials") ||
		!strings.Contains(text, "7 of 7") {
		t.Errorf("said\n%s", text)
	}
	if kept := (Family{Base: augment.RoleInvariant, Verdict: Keep}).Chosen(); kept != augment.RoleAbsent {
		t.Errorf("what is to be kept is %s in place of invariant", kept)
	}
}

// TestNoLabels: trials without labels have their numbers, no verdict, and nothing that labels told.
func TestNoLabels(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	dir := filepath.Join(t.TempDir(), "select")
	r, err := selected(t, dir, func(o *Options) {
		o.NoLabels = true
		o.Progress = func(e Event) {
			if e.Outcome != nil {
				t.Errorf("%s has the outcome %g", e.Trial, *e.Outcome)
			}
		}
	})
	if n := len(calls(t)); err != nil || n != 1+3*7 || r.Runs != n { // no family is settled early, and none is joint
		t.Fatalf("%v, %d runs, said %d", err, n, r.Runs)
	}
	for _, f := range r.Families {
		_, forgetting := f.Screens[screenForgetting]
		if f.Verdict != Undecided || f.Hint != "" || forgetting || len(f.Differences) > 0 || len(f.Roles[0].Seeds) > 0 {
			t.Errorf("%+v", f)
		}
	}
	hue := r.Families[1]
	if kept := hue.Roles[1].Kept; math.Abs(kept["scale_r2"]-0.55) > 1e-9 || kept["rankme"] != 0.25 || len(kept) != 2 {
		t.Errorf("invariant hue keeps %v", kept)
	}
	if !strings.Contains(hue.Evidence, "+0.20") || !strings.Contains(r.Text(), "nothing is decided") ||
		!strings.Contains(r.Text(), "hue     0.750      0.550") {
		t.Errorf("%s\n%s", hue.Evidence, r.Text())
	}
	if len(r.Agreements) > 0 || r.Without != (Without{}) {
		t.Errorf("labels told %v and %v", r.Agreements, r.Without)
	}
	page, err := os.ReadFile(filepath.Join(dir, pageFile))
	if text := string(page); err != nil || strings.Contains(text, "<svg") || !strings.Contains(text, "RankMe 0.25") {
		t.Errorf("%v: the page has a plot of outcomes, or no numbers", err)
	}
}

// TestBudget: rounds that don't fit are left out.
func TestBudget(t *testing.T) {
	t.Setenv(callsVariable, filepath.Join(t.TempDir(), "calls"))
	r, err := selected(t, filepath.Join(t.TempDir(), "select"), func(o *Options) { o.Runs = 10 })
	if err != nil || r.Seeds != 1 || r.Runs != 8 || len(calls(t)) != 8 {
		t.Fatalf("%v, %d seeds, %d runs", err, r.Seeds, r.Runs)
	}
	for _, f := range r.Families {
		if f.Verdict != Undecided || !strings.Contains(f.Evidence, "too few trials") {
			t.Errorf("%s is %s after one seed: %s", f.Family, f.Verdict, f.Evidence)
		}
	}
}

func TestFailure(t *testing.T) {
	t.Setenv(failVariable, "blur-absent")
	dir := filepath.Join(t.TempDir(), "select")
	if _, err := selected(t, dir, nil); err == nil || !strings.Contains(err.Error(), "1 of 7 trials failed") {
		t.Errorf("got %v", err)
	}
	t.Setenv(failVariable, "")
	if _, err := selected(t, dir, nil); err != nil {
		t.Error(err)
	}
}

// TestKill: a selection that is killed at any moment comes to the same answer.
func TestKill(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "select")
	t.Setenv(callsVariable, filepath.Join(root, "calls"))
	kills := 0
	for moment := 1; ; moment++ {
		cmd := exec.Command(program, dir)
		cmd.Env = append(os.Environ(), asVariable+"=select")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it may have been killed
			close(done)
		}()
		select {
		case <-done: // it may have come to the lock of a trial that still stops
		case <-time.After(time.Duration(moment) * 40 * time.Millisecond):
			kills++
			_ = cmd.Process.Kill()
			<-done
		}
		if _, err := os.Stat(filepath.Join(dir, resultFile)); err == nil {
			break
		}
		if moment > 10_000 {
			t.Fatal("never finished")
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		t.Fatal(err)
	}
	undisturbed := filepath.Join(t.TempDir(), "select")
	if _, err := selected(t, undisturbed, nil); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(undisturbed, resultFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), dir, "") != strings.ReplaceAll(string(want), undisturbed, "") {
		t.Errorf("killed %d times:\n%s\nundisturbed:\n%s", kills, got, want)
	}
	t.Logf("killed %d times", kills)
}
