package selection

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/runner/statistics"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

// unbalanced are outcomes of five cells in four seeds; the last two cells were left out of the last one.
var unbalanced = []observation{
	{0, 0, 0.788}, {0, 1, 0.8001}, {0, 2, 0.8363}, {0, 3, 0.8663}, {1, 0, 0.847}, {1, 1, 0.8516}, {1, 2, 0.8617},
	{1, 3, 0.8782}, {2, 0, 0.8112}, {2, 1, 0.8445}, {2, 2, 0.8441}, {2, 3, 0.8415}, {3, 0, 0.8756}, {3, 1, 0.934},
	{3, 2, 0.933}, {4, 0, 0.894}, {4, 1, 0.9387}, {4, 2, 0.9426},
}

// TestFit compares with statsmodels 0.14: ols("y ~ 0 + C(cell) + C(seed, Sum)"), t_test and f_test.
func TestFit(t *testing.T) {
	f, ok := fit(unbalanced, 5, 4)
	if !ok {
		t.Fatal("no fit")
	}
	near(t, "deviation", f.sigma, 0.015271754610682038)
	near(t, "freedom", f.free, 10)
	for i, want := range []float64{0.822675, 0.859625, 0.835325} {
		near(t, "cell", f.cells[i], want)
	}
	if math.Abs(f.cells[3]-0.921797) > 1e-6 || math.Abs(f.cells[4]-0.932697) > 1e-6 {
		t.Errorf("cells %v", f.cells)
	}
	d := f.difference(2, 1)
	near(t, "difference", d.Value, -0.0243)
	near(t, "p", d.P, 0.04815854607687534)
	if math.Abs(d.Low+0.04836114) > 1e-8 || math.Abs(d.High+0.00023886) > 1e-8 {
		t.Errorf("interval %v", d)
	}
	near(t, "p of one", f.test(0, 1, 2), 0.018986307857409294)
	if _, ok := fit(unbalanced[:5], 5, 4); ok {
		t.Error("a fit without degrees of freedom")
	}
}

// TestFitWithoutNoise: nothing divides by a deviation of 0.
func TestFitWithoutNoise(t *testing.T) {
	var seen []observation
	for seed := range 3 {
		for cell, y := range []float64{0.5, 0.5, 0.7, 0.5, 0.5} {
			seen = append(seen, observation{cell, seed, y})
		}
	}
	f, ok := fit(seen, 5, 3)
	if !ok || f.sigma > 1e-12 {
		t.Fatalf("deviation %g", f.sigma)
	}
	if same, other := f.test(0, 3, 4), f.test(0, 1, 2); !(same > 0.05 && other < 1e-6) {
		t.Errorf("p %g of equal cells, %g of others", same, other)
	}
}

// verdicts makes those of families from outcomes by role, absent being the base's.
func verdicts(t *testing.T, try uint64, families, seeds int, noise float64, gain func(role int) float64) []Family {
	t.Helper()
	r := rand.New(rand.NewPCG(try, 7))
	var seen []observation
	for seed := range seeds {
		shift := 0.02 * r.NormFloat64()
		for cell := range 2*families + 1 {
			y := shift + noise*r.NormFloat64()
			if cell > 0 {
				y += gain(1 + (cell-1)%2)
			}
			seen = append(seen, observation{cell, seed, y})
		}
	}
	f, ok := fit(seen, 2*families+1, seeds)
	if !ok {
		t.Fatal("no fit")
	}
	var all []Family
	var p []float64
	for i := range families {
		cells := []int{0, 2*i + 1, 2*i + 2}
		var one Family
		for k, role := range roles {
			one.Roles = append(one.Roles, Role{Role: role, Outcome: f.cells[cells[k]]})
		}
		for _, pair := range [][2]int{{1, 0}, {2, 0}, {2, 1}} {
			one.Differences = append(one.Differences,
				Difference{roles[pair[0]], roles[pair[1]], f.difference(cells[pair[0]], cells[pair[1]])})
		}
		p = append(p, f.test(cells[0], cells[1], cells[2]))
		all = append(all, one)
	}
	for i, adjusted := range statistics.Holm(p) {
		all[i].Holm = adjusted
		all[i].decide(0.005)
	}
	return all
}

// TestVerdicts: what each role's gain over the base makes of a family.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name               string
		invariant, ordered float64
		want               string
	}{
		{"forgetting costs, order doesn't", -0.1, 0, "ordered"},
		{"forgetting costs, order gains", -0.1, 0.1, "ordered"},
		{"order alone gains", 0, 0.1, "ordered"},
		{"both gain", 0.1, 0.1, "invariant"},
		{"forgetting gains, order doesn't", 0.1, 0, "invariant"},
		{"forgetting gains more", 0.2, 0.1, "invariant"},
		{"order gains more", 0.1, 0.2, "ordered"},
		{"both cost", -0.1, -0.1, LeaveOut},
		{"order costs", 0, -0.1, Undecided},
		{"no difference at all", 0, 0, LeaveOut},
	} {
		gains := []float64{0, c.invariant, c.ordered}
		got := verdicts(t, 1, 6, 4, 0.001, func(role int) float64 { return gains[role] })
		for _, f := range got {
			if f.Verdict != c.want {
				t.Errorf("%s: %s, want %s", c.name, f.Verdict, c.want)
			}
		}
	}
	for _, f := range verdicts(t, 1, 6, 3, 0.02, func(int) float64 { return 0 }) {
		if f.Verdict != Undecided {
			t.Errorf("with noise: %s", f.Verdict)
		}
	}
}

// TestFalseVerdicts: of 20 families that do nothing, hardly ever one has a verdict.
func TestFalseVerdicts(t *testing.T) {
	const tries = 400
	wrong := 0
	for try := range tries {
		got := verdicts(t, uint64(try), 20, 3, 0.02, func(int) float64 { return 0 })
		if slices.ContainsFunc(got, func(f Family) bool { return f.Verdict != Undecided && f.Verdict != LeaveOut }) {
			wrong++
		}
	}
	if wrong > tries*8/100 { // 5 % and two deviations
		t.Errorf("a false verdict in %d of %d tries", wrong, tries)
	}
}

func TestSeedsFor(t *testing.T) {
	f := twoWay{sigma: 0.01}
	// 13 cells: t(0.975, 12(n-1))·0.01·√(2/n) is 0.01177 for 6 seeds and 0.01083 for 7.
	if n := f.seedsFor(0.0117, 13, 100); n != 6 && n != 7 {
		t.Errorf("%d seeds", n)
	}
	if n := f.seedsFor(1e-5, 13, 100); n != 0 {
		t.Errorf("%d seeds, want none", n)
	}
}
