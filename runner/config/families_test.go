package config_test

import (
	"testing"

	"ordo/augment"
	"ordo/runner/config"
)

func TestFamilies(t *testing.T) {
	e, err := config.Parse("x.yaml", []byte(`
augment:
  invariant: [horizontal_flip, {family: blur, max: 1}, {family: hue}]
  ordered: [{family: rotate}, {family: hue, max: 0.2}, {family: zoom, with: [{family: noise}]}]
  roles: {hue: absent}
eval: {families: [blur, jpeg]}
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := e.Families()
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Family{
		{Role: "ordered"}, {Role: "absent"}, {Role: "ordered"}, {Role: "invariant"}, {Role: ""},
	}
	names := []string{"rotate", "hue", "zoom+noise", "blur", "jpeg"}
	if len(list) != len(want) {
		t.Fatalf("%+v", list)
	}
	for i, f := range list {
		if f.Role != want[i].Role || f.Name() != names[i] {
			t.Errorf("%d is %s (%s), want %s (%s)", i, f.Name(), f.Role, names[i], want[i].Role)
		}
	}
	if list[1].Max != 0.2 || list[3].Max != 1 {
		t.Errorf("strengths %v", list)
	}
	plan, err := augment.NewPlan(e.Augment, 32)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]augment.Family, len(list))
	for i, f := range list {
		all[i] = f.Family
	}
	if _, err := plan.Evaluation(all); err != nil {
		t.Error(err)
	}
}
