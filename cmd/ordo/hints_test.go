package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"ordo/models/fault"
	"ordo/models/ort/install"
)

// hintTypes lists the types of the package fault that are hints, by their names.
func hintTypes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../models/fault/hint.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "hint" {
			names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	return names
}

func TestEveryHintHasWords(t *testing.T) {
	said := map[string]bool{}
	for _, c := range []struct {
		hint fault.Hint
		env  map[string]string
		says []string
	}{
		{fault.OtherFolder{}, nil, []string{"another folder", "--out"}},
		{fault.Replay{Folder: "runs/x"}, nil, []string{"ordo replay runs/x"}},
		{fault.InstallLibrary{}, nil, []string{"`ordo runtime install`"}},
		{fault.InstallLibrary{GPU: true}, nil, []string{"`ordo runtime install --gpu`"}},
		{fault.InstallLibrary{}, map[string]string{install.EnvLibrary: "/x.so"},
			[]string{"ORDO_ONNXRUNTIME", "unset", "`ordo runtime install`"}},
		{fault.InstallLibrary{From: "JAR"}, nil, []string{"`ordo runtime install --from JAR`"}},
		{fault.InstallLibrary{OneDNN: true}, map[string]string{install.EnvLibrary: "/x.so"},
			[]string{"run `ordo runtime install`"}},
		{fault.InstallLibrary{OneDNN: true}, map[string]string{install.EnvOneDNN: "/x.so"}, []string{"ORDO_ONEDNN", "unset"}},
		{fault.InstallLibrary{OneDNN: true, From: "JAR"}, nil, []string{"`ordo runtime install --kernels-from JAR`"}},
		{fault.BuildArtifacts{}, nil, []string{"`ordo artifacts build FORWARD.onnx --out DIR`"}},
		{fault.BuildArtifacts{Heads: []string{"{name: order}", "{name: x}"}}, nil,
			[]string{"--head '{name: order}' --head '{name: x}'"}},
		{fault.Finish{Folder: "runs/x"}, nil, []string{"`ordo run FILE --out runs/x`"}},
		{fault.Option{Name: "image_size"}, nil, []string{"--image-size"}},
		{fault.Start{}, nil, []string{"leave out --table"}},
		{fault.OtherCommand{File: "a.yaml"}, nil, []string{"`ordo run a.yaml`"}},
		{fault.OtherCommand{Sweep: true, File: "a.yaml"}, nil, []string{"`ordo sweep a.yaml`"}},
	} {
		said[reflect.TypeOf(c.hint).Name()] = true
		for _, s := range c.says {
			if text := (&global{env: c.env}).words(c.hint); !strings.Contains(text, s) {
				t.Errorf("%#v: %q does not say %q", c.hint, text, s)
			}
		}
	}
	names := hintTypes(t)
	if len(names) == 0 {
		t.Error("no hints found")
	}
	for _, name := range names {
		if !said[name] {
			t.Errorf("fault.%s has no words here, or no test of them", name)
		}
	}
}

func TestExplain(t *testing.T) {
	occupied := fault.New(fault.Other, "x holds a run").With(fault.OtherFolder{})
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"plain", errors.New("a thing happened"), "a thing happened"},
		{"hint", fmt.Errorf("in y: %w", occupied), "in y: x holds a run: name another folder with --out"},
		{"advice and hint", fault.New(fault.Config, "a head is missing").Advise("leave out the loss").
			With(fault.BuildArtifacts{}),
			"a head is missing: leave out the loss; or " + (&global{}).words(fault.BuildArtifacts{})},
		{"said already", fault.New(fault.Other, "y: %w", occupied).With(fault.OtherFolder{}),
			"y: x holds a run: name another folder with --out"},
		{"each line its own", errors.Join(occupied, errors.New("two: bad")),
			"x holds a run: name another folder with --out\ntwo: bad"},
		{"two causes in one sentence", fmt.Errorf("%w: %w", errors.New("no kernels"), occupied),
			"no kernels: x holds a run: name another folder with --out"},
		{"of the operating system", fmt.Errorf("write /x: %w", syscall.ENOSPC),
			"write /x: no space left on device: free some space there or choose another folder"},
		{"advised once", fault.Writing("/x", syscall.ENOSPC),
			"/x: no space left on device: free some space there or choose another folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&global{}).explain(c.err); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
