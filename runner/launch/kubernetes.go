package launch

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
)

// Kubernetes says how tasks run as one Indexed Job, an index a task. Empty values are left out.
type Kubernetes struct {
	Image     string // with ordo in its path and ONNX Runtime installed, or named by ORDO_ONNXRUNTIME
	Claim     string // PersistentVolumeClaim that all pods share; folders and images are in it
	Mount     string // where it is mounted, in the pods and here
	Namespace string
	Queue     string // Kueue's LocalQueue: the job is suspended until it has room
	Memory    string // of a task: 8Gi
	GPUs      int    // of a task
	CPUs      int    // of a task
	Parallel  int    // tasks at once; 0: all
}

// graceSeconds is how long a pod that is told to stop may take for its checkpoint.
const graceSeconds = 120

// Job is what of a manifest isn't the cluster's.
type Job struct {
	Array
	Dir      string   // that pods must find
	Work     string   // that they work in; "": the image's
	Environ  []string // NAME=VALUE of the pods
	Retries  int      // of a task that fails
	FailFast bool     // the first that fails for good ends the others
}

// Manifest is the Job's YAML for `kubectl apply`.
//
// A pod that is told to stop (75, 130, 143), killed (137) or evicted is replaced, and counts as no failure; one whose
// command line or experiment is wrong (2, 3) fails its index at once; others are tried as often as Retries says.
func (k Kubernetes) Manifest(j Job) (string, error) {
	if err := k.Check(); err != nil {
		return "", err
	}
	if err := k.Below(j.Dir); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(k.job(j))
	if err != nil {
		return "", fmt.Errorf("launch: %w", err)
	}
	return string(text), nil
}

// Below refuses an absolute path that pods don't find.
func (k Kubernetes) Below(dir string) error {
	below, err := filepath.Rel(k.Mount, dir)
	if err != nil || !filepath.IsLocal(below) {
		return fault.New(fault.Config, "%s is not below %s, where pods find the claim", dir, k.Mount).
			With(fault.OtherFolder{})
	}
	return nil
}

// label is what names in Kubernetes can be.
var label = regexp.MustCompile(`[^a-z0-9-]+`)

// Check refuses what no manifest can be made of.
func (k Kubernetes) Check() error {
	switch {
	case k.Image == "":
		return fault.New(fault.Config, "the image that pods run is missing").With(fault.Option{Name: "image"})
	case k.Claim == "":
		return fault.New(fault.Config, "the claim that pods share is missing").With(fault.Option{Name: "claim"})
	case !path.IsAbs(k.Mount):
		return fault.New(fault.Config, "the claim must be mounted at an absolute path, got %q", k.Mount).
			With(fault.Option{Name: "mount"})
	}
	return nil
}

type object = map[string]any

func (k Kubernetes) job(j Job) object {
	// 63 letters, with what Kubernetes adds behind.
	name := strings.Trim(label.ReplaceAllString(strings.ToLower(j.Name), "-"), "-")
	name = strings.TrimRight("ordo-"+name[:min(len(name), 30)], "-") + "-" + j.Hash
	requests := object{}
	if k.CPUs > 0 {
		requests["cpu"] = fmt.Sprint(k.CPUs)
	}
	if k.Memory != "" {
		requests["memory"] = k.Memory
	}
	limits := object{}
	for key, value := range requests {
		limits[key] = value
	}
	if k.GPUs > 0 {
		limits["nvidia.com/gpu"] = fmt.Sprint(k.GPUs)
	}
	metadata := object{"name": name, "labels": object{"app.kubernetes.io/name": "ordo", "ordo/" + j.Command: j.Hash}}
	if k.Namespace != "" {
		metadata["namespace"] = k.Namespace
	}
	container := object{
		"name": "ordo", "image": k.Image,
		"command":      []string{"/bin/sh", "-c", "n=$((JOB_COMPLETION_INDEX + 1))\n" + j.Lines},
		"resources":    object{"requests": requests, "limits": limits},
		"volumeMounts": []object{{"name": "runs", "mountPath": k.Mount}},
	}
	if j.Work != "" {
		container["workingDir"] = j.Work
	}
	if len(j.Environ) > 0 {
		var all []object
		for _, kv := range j.Environ {
			name, value, _ := strings.Cut(kv, "=")
			all = append(all, object{"name": name, "value": value})
		}
		container["env"] = all
	}
	spec := object{
		"completions": j.Of, "parallelism": cmp.Or(k.Parallel, j.Of), "completionMode": "Indexed",
		"backoffLimitPerIndex": j.Retries, "maxFailedIndexes": j.Of,
		"podFailurePolicy": object{"rules": []object{
			{"action": "Ignore", "onPodConditions": []object{{"type": "DisruptionTarget", "status": "True"}}},
			{"action": "Ignore", "onExitCodes": object{"operator": "In", "values": []int{75, 130, 137, 143}}},
			{"action": "FailIndex", "onExitCodes": object{"operator": "In", "values": []int{2, 3}}},
		}},
		"template": object{
			"metadata": object{"labels": object{"ordo/" + j.Command: j.Hash}},
			"spec": object{
				"restartPolicy": "Never", "terminationGracePeriodSeconds": graceSeconds,
				"containers": []object{container},
				"volumes":    []object{{"name": "runs", "persistentVolumeClaim": object{"claimName": k.Claim}}},
			},
		},
	}
	if j.FailFast {
		spec["maxFailedIndexes"] = 0
	}
	if k.Queue != "" {
		metadata["labels"].(object)["kueue.x-k8s.io/queue-name"] = k.Queue
		spec["suspend"] = true
	}
	return object{"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
}
