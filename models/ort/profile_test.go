package ort

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// profile is two runs as ONNX Runtime writes them, shortened.
const profile = `[
{"cat" : "Session","pid" :1,"tid" :1,"dur" :2476,"ts" :825,"ph" : "X","name" :"session_initialization","args" : {}},
{"cat" : "Node","pid" :1,"tid" :1,"dur" :100,"ts" :1,"ph" : "X","name" :"conv1_kernel_time",` +
	`"args" : {"op_name" : "Conv"}},
{"cat" : "Node","pid" :1,"tid" :1,"dur" :7,"ts" :1,"ph" : "X","name" :"conv1_fence_before",` +
	`"args" : {"op_name" : "Conv"}},
{"cat" : "Session","pid" :1,"tid" :1,"dur" :130,"ts" :1,"ph" : "X","name" :"model_run","args" : {}},
{"cat" : "Node","pid" :1,"tid" :1,"dur" :40,"ts" :2,"ph" : "X","name" :"conv1_kernel_time",` +
	`"args" : {"op_name" : "Conv","parameter_size" : "0"}},
{"cat" : "Node","pid" :1,"tid" :1,"dur" :50,"ts" :2,"ph" : "X","name" :"conv2_kernel_time",` +
	`"args" : {"op_name" : "Conv","input_type_shape" : [{"float":[2,3,8,8]},{"float":[4,3,1,1]}],` +
	`"output_type_shape" : [{"float":[2,4,8,8]}]}},
{"cat" : "Node","pid" :1,"tid" :1,"dur" :20,"ts" :2,"ph" : "X","name" :"relu_kernel_time",` +
	`"args" : {"op_name" : "Relu"}},
{"cat" : "Session","pid" :1,"tid" :1,"dur" :120,"ts" :2,"ph" : "X","name" :"model_run","args" : {}}
]
`

func TestReadProfiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("p_1.json", profile)
	write("p_2.json", strings.ReplaceAll(profile, "Conv", "AdamWOptimizer"))
	write("other.json", "no profile")
	for skip, want := range []string{
		"[{AdamWOptimizer 190µs 3 0 3632} {Conv 190µs 3 3072 3632} {Relu 40µs 2 0 0}]",
		"[{AdamWOptimizer 90µs 2 0 3632} {Conv 90µs 2 3072 3632} {Relu 40µs 2 0 0}]",
		"[]",
	} {
		got, err := ReadProfiles(filepath.Join(dir, "p"), skip)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("without %d runs: %v, %v, want %s", skip, got, err, want)
		}
	}
	write("p_3.json", profile[:len(profile)-3])
	if _, err := ReadProfiles(filepath.Join(dir, "p"), 0); err == nil || !strings.Contains(err.Error(), "p_3.json") {
		t.Errorf("error %v", err)
	}
	if _, err := ReadProfiles(filepath.Join(dir, "none", "p"), 0); err == nil {
		t.Error("no error without a folder")
	}
}

func FuzzReadProfile(f *testing.F) {
	f.Add(profile, 0)
	f.Add(profile, 1)
	f.Add(`[{"cat":"Node","name":"x_kernel_time","dur":9223372036854775807,"args":{"op_name":"x"}}]`, 0)
	f.Add(
		`[{"cat":"Node","name":"x_kernel_time","args":{"op_name":"MatMul",`+
			`"input_type_shape":[{"float":[9223372036854775807,-1]},{"float":[]}],"output_type_shape":[{"x":[3]}]}}]`,
		0,
	)
	f.Add("[", 0)
	f.Fuzz(func(t *testing.T, text string, skip int) {
		found, err := readProfile(strings.NewReader(text), skip)
		if err != nil {
			return
		}
		for op, v := range found {
			if op == "" || v.Op != op || v.Calls < 1 || v.Time < 0 ||
				v.Time > time.Duration(v.Calls)*maxEvent*time.Microsecond ||
				!(v.Operations >= 0) || math.IsInf(v.Operations, 0) ||
				!(v.Bytes >= 0) ||
				math.IsInf(v.Bytes, 0) {
				t.Errorf("%q: %+v", op, v)
			}
		}
	})
}
