package expect_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"ordo/runner/config"
	"ordo/runner/expect"
)

func TestAdd(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name       string
		low, high  float64
		numbers    map[string]float64
		unfinished bool
		want       string
	}{
		{"inside", 0.5, 0.7, map[string]float64{"loss": 0.6}, false, expect.OK},
		{"at the low end", 0.5, 0.7, map[string]float64{"loss": 0.5}, false, expect.OK},
		{"at the high end", 0.5, 0.7, map[string]float64{"loss": 0.7}, false, expect.OK},
		{"below", 0.5, 0.7, map[string]float64{"loss": 0.4999}, false, expect.Outside},
		{"above", 0.5, 0.7, map[string]float64{"loss": 0.7001}, false, expect.Outside},
		{"open above", 0.5, inf, map[string]float64{"loss": 1e9}, false, expect.OK},
		{"open below", -inf, 0.5, map[string]float64{"loss": -1e9}, false, expect.OK},
		{"below, open above", 0.5, inf, map[string]float64{"loss": 0.1}, false, expect.Outside},
		{"no number", 0.5, 0.7, map[string]float64{"seed": 1}, false, expect.Missing},
		{"not a number", -inf, inf, map[string]float64{"loss": math.NaN()}, false, expect.Outside},
		{"unfinished", 0.5, 0.7, map[string]float64{"loss": 0.6}, true, expect.Unfinished},
	} {
		r := expect.New("x.yaml", config.Expect{})
		r.Add("", []config.Range{{Metric: "loss", Low: c.low, High: c.high}}, c.numbers, c.unfinished)
		failed := 1
		if c.want == expect.OK {
			failed = 0
		}
		if len(r.Checks) != 1 || r.Checks[0].Status != c.want || r.Failed != failed {
			t.Errorf("%s: %+v, want %s", c.name, r, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	r := expect.New("x.yaml", config.Expect{Minutes: 2})
	r.Add("rotate=absent", []config.Range{{Metric: "loss", Low: 0.5, High: math.Inf(1)}}, nil, false)
	got, err := json.Marshal(r)
	want := `{"file":"x.yaml","minutes":2,"checks":[{"group":"rotate=absent","metric":"loss","value":null,"low":0.5,` +
		`"high":null,"status":"missing"}],"failed":1}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func ExampleReport_Text() {
	r := expect.New("roles.yaml", config.Expect{Minutes: 15, Seeds: 3})
	numbers := map[string]float64{"knn_top1": 0.914, "order_accuracy.rotate.embedding": 0.57}
	r.Add("rotate=absent", []config.Range{
		{Metric: "knn_top1", Low: 0.9, High: math.Inf(1)},
		{Metric: "order_accuracy.rotate.embedding", Low: 0.43, High: 0.54},
	}, numbers, false)
	fmt.Print(r.Text())
	// Output:
	// expected by roles.yaml (ranges from 3 seeds, about 15 min on 2 cores):
	// metric                                   group   value     low    high
	// knn_top1                         rotate=absent  0.9140  0.9000     any  ok
	// order_accuracy.rotate.embedding  rotate=absent  0.5700  0.4300  0.5400  outside
}

func ExampleReport_AddVerdicts() {
	r := expect.New("orchard.yaml", config.Expect{Minutes: 19, Seeds: 3})
	r.AddVerdicts([]config.Verdict{
		{Family: "hue", Any: []string{"ordered", "leave out"}}, {Family: "blur", Any: []string{"undecided"}},
		{Family: "zoom", Any: []string{"ordered"}},
	}, map[string]string{"hue": "leave out", "blur": "ordered"})
	fmt.Print(r.Text())
	fmt.Println(r.Failed, "of", len(r.Verdicts), "fail")
	// Output:
	// expected by orchard.yaml (ranges from 3 seeds, about 19 min on 2 cores):
	// family  verdict    expected
	// hue     leave out  ordered or leave out  ok
	// blur    ordered    undecided             outside
	// zoom    –          ordered               missing
	// 2 of 3 fail
}
