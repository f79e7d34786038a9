package main

import (
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/expect"
	"ordo/runner/selection"
	"ordo/runner/track"
)

// checkHelp is what --check does, for the help of both commands that have it.
const checkHelp = `With --check, the file's section "expect" is compared with what was found, and the exit
status is 1 where a number is outside of its range:

  expect:
    minutes: 2                                       on 2 cores, as a guide
    seeds: 3                                         that the ranges come from
    knn_top1: [0.86, 0.94]                           low and high; null: open
    order_accuracy.hue.embedding: [0.95, null]`

// expected reads what the experiment file of the arguments expects of e, which they describe. It is a fault of kind
// Config if that is nothing, or a number that e doesn't measure.
func expected(g *global, args []string, e config.Experiment) (*config.Expect, error) {
	x, err := section(args[0])
	if err != nil {
		return nil, err
	}
	if len(x.Ranges) == 0 {
		return nil, fault.New(fault.Config, "%s: expects verdicts and no numbers", args[0]).
			Advise("leave out --check, or give it to `ordo select`")
	}
	families, err := e.FamilyNames()
	if err != nil {
		return nil, err
	}
	if err := config.CheckFamilies(x.Ranges, families); err != nil {
		return nil, err
	}
	begin(g, args[0], *x, experimentAsWritten(g, args, e))
	return x, nil
}

// section reads what an experiment file expects; that there is no such section is a fault.
func section(file string) (*config.Expect, error) {
	x, err := config.LoadExpect(file)
	if err == nil && x == nil {
		err = expectsNothing(file)
	}
	return x, err
}

// experimentAsWritten says whether e, which the arguments describe, is what their file says, wherever the images are.
func experimentAsWritten(g *global, args []string, e config.Experiment) bool {
	overrides, environ := whereOnly(args[1:], g.environ())
	written, err := config.Load(args[0], overrides, environ)
	return err == nil && written.Outcome() == e.Outcome()
}

func expectsNothing(file string) error {
	return fault.New(fault.Config, "%s: has no section `expect`, which --check compares with", file).
		Advise("leave out --check, or say in the file what you expect")
}

// begin says before a run that is checked what its file says of it, and whether the run is the one of the file as it
// is written.
func begin(g *global, file string, x config.Expect, asWritten bool) {
	if guide := expect.New(file, x).Guide(); guide != "" {
		g.note(file + ": " + guide)
	}
	if !asWritten {
		g.note("warning: " + file + " expects this of itself as it is written; what is changed here may give other numbers")
	}
}

// rootKey is where images lie, which says nothing of what they are.
const rootKey = "data.root"

// whereOnly keeps of overrides and variables those that say where the images are.
func whereOnly(overrides, environ []string) (someOverrides, someEnviron []string) {
	keep := func(list []string, name string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(text string) bool { return !strings.HasPrefix(text, name+"=") })
	}
	return keep(overrides, rootKey), keep(environ, "ORDO_DATA_ROOT")
}

// compared is a run's result with the comparison, as --json prints it.
type compared struct {
	track.Result
	Check expect.Report `json:"check"`
}

// compare puts a result beside what its file expects.
func compare(file string, x config.Expect, result track.Result) (expect.Report, error) {
	r := expect.New(file, x)
	numbers, err := result.Numbers()
	r.Add("", x.Ranges, numbers, false)
	return r, err
}

// verdict is the error of a comparison that failed.
func verdict(r expect.Report) error {
	if r.Failed == 0 {
		return nil
	}
	what := "numbers"
	if len(r.Verdicts) > 0 {
		what = "verdicts"
	}
	return fault.New(fault.Other, "%d of %d %s are not what %s expects", r.Failed, len(r.Checks)+len(r.Verdicts), what,
		r.File)
}

// expectedVerdicts reads which verdicts the experiment file of the arguments expects of the families, all candidates.
// Of those that were asked for alone only these count.
func expectedVerdicts(g *global, args []string, e config.Experiment, all, asked []string) (*config.Expect, error) {
	x, err := section(args[0])
	if err != nil {
		return nil, err
	}
	if len(x.Verdicts) == 0 {
		return nil, fault.New(fault.Config, "%s: expects no verdicts", args[0]).
			Advise("leave out --check, or say them below `expect: {verdicts: …}`")
	}
	if err := config.CheckVerdicts(x.Verdicts, all); err != nil {
		return nil, err
	}
	x.Verdicts = slices.DeleteFunc(x.Verdicts, func(v config.Verdict) bool {
		return len(asked) > 0 && !slices.Contains(asked, v.Family)
	})
	x.Ranges = nil
	begin(g, args[0], *x, experimentAsWritten(g, args, e))
	return x, nil
}

// judged is a selection's result with the comparison, as --json prints it.
type judged struct {
	selection.Result
	Check *expect.Report `json:"check,omitempty"`
}

// compareVerdicts puts a selection's verdicts beside what its file expects.
func compareVerdicts(file string, x config.Expect, result selection.Result) expect.Report {
	r := expect.New(file, x)
	verdicts := map[string]string{}
	for _, f := range result.Families {
		verdicts[f.Family] = f.Verdict
	}
	r.AddVerdicts(x.Verdicts, verdicts)
	return r
}
