package sweep

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

// Kubernetes says how trials run as one Indexed Job, an index a trial. Empty values are left out.
type Kubernetes struct {
	Image     string // with ordo in its path and ONNX Runtime installed, or named by ORDO_ONNXRUNTIME
	Claim     string // PersistentVolumeClaim that all pods share; the sweep's folder and the images are in it
	Mount     string // where it is mounted, in the pods and here
	Namespace string
	Queue     string // Kueue's LocalQueue: the job is suspended until it has room
	Memory    string // of a trial: 8Gi
	GPUs      int    // of a trial
	CPUs      int    // of a trial
	Parallel  int    // trials at once; 0: all
}

// graceSeconds is how long a pod that is told to stop may take for its checkpoint.
const graceSeconds = 120

// Manifest is the Job's YAML for `kubectl apply`. It puts the sweep's folder, which must be below Mount, in place, or
// leaves that out where nothing is to be written.
//
// A pod that is told to stop (75, 130, 143), killed (137) or evicted is replaced, and counts as no failure; one whose
// command line or experiment is wrong (2, 3) fails its index at once; others are tried as often as the sweep's retries
// say. A trial that is finished ends at once, so the manifest may be applied again.
func (p *Plan) Manifest(o Options, k Kubernetes, write bool) (string, error) {
	if err := cmp.Or(k.check(), p.startable()); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(cmp.Or(o.Dir, p.Dir()))
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(k.Mount, dir)
	if err != nil || !filepath.IsLocal(below) {
		return "", fault.New(fault.Config, "the sweep's folder %s is not below %s, where pods find the claim", dir, k.Mount).
			With(fault.OtherFolder{})
	}
	if write {
		if err := p.start(dir); err != nil {
			return "", err
		}
	}
	text, err := yaml.Marshal(k.job(p, filepath.ToSlash(dir)))
	return string(text), err
}

// label is what names in Kubernetes can be.
var label = regexp.MustCompile(`[^a-z0-9-]+`)

func (k Kubernetes) check() error {
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

func (k Kubernetes) job(p *Plan, dir string) object {
	// 63 letters, with what Kubernetes adds behind.
	name := strings.Trim(label.ReplaceAllString(strings.ToLower(p.Name), "-"), "-")
	name = strings.TrimRight("ordo-"+name[:min(len(name), 30)], "-") + "-" + p.Hash
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
	metadata := object{"name": name, "labels": object{"app.kubernetes.io/name": "ordo", "ordo/sweep": p.Hash}}
	if k.Namespace != "" {
		metadata["namespace"] = k.Namespace
	}
	spec := object{
		"completions": len(p.Trials), "parallelism": cmp.Or(k.Parallel, len(p.Trials)), "completionMode": "Indexed",
		"backoffLimitPerIndex": p.retries, "maxFailedIndexes": len(p.Trials),
		"podFailurePolicy": object{"rules": []object{
			{"action": "Ignore", "onPodConditions": []object{{"type": "DisruptionTarget", "status": "True"}}},
			{"action": "Ignore", "onExitCodes": object{"operator": "In", "values": []int{75, 130, 137, 143}}},
			{"action": "FailIndex", "onExitCodes": object{"operator": "In", "values": []int{2, 3}}},
		}},
		"template": object{
			"metadata": object{"labels": object{"ordo/sweep": p.Hash}},
			"spec": object{
				"restartPolicy": "Never", "terminationGracePeriodSeconds": graceSeconds,
				"containers": []object{{
					"name": "ordo", "image": k.Image,
					"command":      []string{"/bin/sh", "-c", `exec ordo sweep trial "$0" $((JOB_COMPLETION_INDEX + 1))`, dir},
					"resources":    object{"requests": requests, "limits": limits},
					"volumeMounts": []object{{"name": "runs", "mountPath": k.Mount}},
				}},
				"volumes": []object{{"name": "runs", "persistentVolumeClaim": object{"claimName": k.Claim}}},
			},
		},
	}
	if p.failFast {
		spec["maxFailedIndexes"] = 0
	}
	if k.Queue != "" {
		metadata["labels"].(object)["kueue.x-k8s.io/queue-name"] = k.Queue
		spec["suspend"] = true
	}
	return object{"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
}
