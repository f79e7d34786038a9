package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/loss"
	"ordo/models"
	"ordo/runner/data"
	"ordo/runner/eval"
)

// Experiment is everything that decides what a run gives.
type Experiment struct {
	// Name is the first part of the run folder's name: letters, digits, and . _ - after the first, 64 at most. Unset, it
	// is the file's base name without its extension.
	Name string `yaml:"name"`
	// Seed starts every random draw but those that data.seed starts; any whole number from 0, default 1.
	Seed    uint64          `yaml:"seed"`
	Data    data.Options    `yaml:"data"`
	Model   models.Options  `yaml:"model"`
	Augment augment.Options `yaml:"augment"`
	Loss    loss.Options    `yaml:"loss"`
	Train   Train           `yaml:"train"`
	Eval    eval.Options    `yaml:"eval"`
	Track   Track           `yaml:"track"`
}

// Default returns the experiment that a file refines. It has no name.
func Default() Experiment {
	return Experiment{
		Seed:    1,
		Data:    data.DefaultOptions(),
		Model:   models.DefaultOptions(),
		Augment: augment.DefaultOptions(),
		Loss:    loss.DefaultOptions(),
		Train:   DefaultTrain(),
		Eval:    eval.DefaultOptions(),
	}
}

// names are what a folder can be called everywhere; a leading dot would hide it and a leading dash look like a flag.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName returns a sentence about what a name must be if this is none.
func CheckName(name string) error {
	if names.MatchString(name) {
		return nil
	}
	return fmt.Errorf("becomes a folder's name, so it must be 1 to 64 letters, digits, . _ or -, "+
		"beginning with a letter or digit, got %q", name)
}

// Validate returns every fault of every section, joined, each starting with its full key.
func (e Experiment) Validate() error {
	var faults []error
	if err := CheckName(e.Name); err != nil {
		faults = append(faults, fmt.Errorf("name: %w", err))
	}
	for _, section := range []struct {
		name string
		err  error
	}{
		{"data", e.Data.Validate()},
		{"model", e.Model.Validate()},
		{"augment", e.Augment.Validate()},
		{"loss", e.Loss.Validate()},
		{"train", e.Train.Validate()},
		{"eval", e.Eval.Validate()},
		{"track", e.Track.Validate()},
	} {
		for _, err := range flatten(section.err) {
			faults = append(faults, fmt.Errorf("%s.%w", section.name, err))
		}
	}
	if len(faults) == 0 {
		faults = e.contradictions()
	}
	return errors.Join(faults...)
}

// contradictions are the faults of sections that are right each by itself.
func (e Experiment) contradictions() []error {
	var faults []error
	if err := e.Model.CheckImageSize(e.Data.ImageSize); err != nil {
		faults = append(faults, fmt.Errorf("data.image_size: %w", err))
	}
	if err := e.checkBest(); err != nil {
		faults = append(faults, err)
	}
	if kind := e.Loss.Invariance.Kind; kind != loss.KindNone && e.Augment.BaseViews < 2 {
		faults = append(faults, fmt.Errorf("augment.base_views: must be at least 2 for loss.invariance.kind %s, got %d",
			kind, e.Augment.BaseViews))
	}
	ordered := slices.ContainsFunc(e.Augment.Ordered, func(f augment.Family) bool {
		return e.Augment.Role(f) == augment.RoleOrdered
	})
	if e.Loss.Invariance.Kind == loss.KindNone && len(e.Loss.Terms) == 0 && !ordered {
		faults = append(faults, errors.New("loss.invariance.kind: is none, there are no loss.terms, "+
			"and no family of augment.ordered has the role ordered: nothing would be learnt"))
	}
	return faults
}

// checkBest returns what is wrong with train.keep_best.
func (e Experiment) checkBest() error {
	name := e.Train.KeepBest
	if name == "" {
		return nil
	}
	if e.Eval.EveryEpochs == 0 {
		return fmt.Errorf("train.keep_best: is %s, but eval.every_epochs is 0: nothing is evaluated before the end", name)
	}
	names := []string{"knn." + models.Features, "knn." + models.Embedding}
	for _, f := range e.Augment.Ordered {
		for _, output := range []string{models.Features, models.Embedding} {
			names = append(names, f.Name()+".order_accuracy."+output)
		}
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("train.keep_best: must be one of %s, got %q", strings.Join(names, ", "), name)
	}
	return nil
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// YAML returns the resolved experiment file: every key, in the order of the structs. Loading it gives an equal
// Experiment.
func (e Experiment) YAML() ([]byte, error) { return e.yaml(func(*yaml.Node) {}) }

// yaml is YAML of a tree to which something was done before.
func (e Experiment) yaml(do func(root *yaml.Node)) ([]byte, error) {
	var node yaml.Node
	if err := node.Encode(e); err != nil {
		return nil, fmt.Errorf("config: write YAML: %w", err)
	}
	flow(&node)
	do(&node)
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&node), encoder.Close()); err != nil {
		return nil, fmt.Errorf("config: write YAML: %w", err)
	}
	return text.Bytes(), nil
}

// flow puts lists of scalars on one line, as people write them, and reports whether n is a scalar.
func flow(n *yaml.Node) bool {
	flat := true
	for _, c := range n.Content {
		if !flow(c) {
			flat = false
		}
	}
	if n.Kind == yaml.SequenceNode && flat {
		n.Style = yaml.FlowStyle
	}
	return n.Kind == yaml.ScalarNode
}

// hashDigits is the length of Hash: 40 bits, so that a thousand runs of one name share no folder.
const hashDigits = 10

// laterKeys are the keys that came after the first release. At their defaults they are left out of the hash, so that an
// experiment from before such a key keeps its hash.
var laterKeys = []string{
	"data.per_class", "data.test_per_class", "data.fold", "loss.invariance.query_weight", "loss.invariance.slices",
	"loss.invariance.standardise", "train.from_checkpoint", "train.from_schedule",
}

// laterTermKeys are those of the entries of loss.terms, with their defaults.
var laterTermKeys = map[string]any{"standardise": false}

// notHashed are the keys and sections that the hash has no part of, but for those that Hash sets to zero.
var notHashed = []string{
	"model.execution", "model.kernels", "train.guard_images", "train.stop_on_collapse", "data.cache.kind",
	"data.cache.dir", "eval", "train.checkpoint_minutes", "train.keep_checkpoints", "train.keep_best",
	"train.from", "track",
}

// Hash returns 10 hexadecimal digits that name the trained network: the SHA-256 of all keys but name, train.workers,
// train.guard_images, train.stop_on_collapse, model.threads, model.execution, model.kernels, data.cache.kind,
// data.cache.dir, those of eval and track, train.from, for which train.from_checkpoint stands, and which checkpoints
// are made and kept. Workers change nothing, nor does where images are kept, how the network is evaluated (evaluations
// have hashes of their own), or who is told. A guard only looks on, and where it stops a run, the run is not finished:
// without stop_on_collapse it goes on to the same weights. Threads and kernels change the last bits of sums, but they
// belong to the machine and not to the experiment: 0 threads stand for another number on every machine. The seed is
// part of the hash.
func (e Experiment) Hash() string {
	e.Name, e.Train.Workers, e.Model.Threads, e.Loss = "", 0, 0, e.Loss.Resolved()
	unset := Default()
	unset.Loss = unset.Loss.Resolved()
	tree := e.tree()
	for _, key := range notHashed {
		at(tree, key, true)
	}
	dropUnset(tree, unset.tree(), laterKeys)
	terms, _ := at(tree, "loss.terms", false).([]any)
	for _, t := range terms {
		term, _ := t.(map[string]any)
		maps.DeleteFunc(term, func(key string, value any) bool {
			unset, later := laterTermKeys[key]
			return later && value == unset
		})
	}
	canonical, err := json.Marshal(tree) // sorts the keys
	if err != nil {
		panic(fmt.Errorf("config: Hash of an experiment that Validate refuses: %w", err)) // NaN
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// dropUnset removes those of the keys that have the same value in tree and in unset from tree.
func dropUnset(tree, unset map[string]any, keys []string) {
	for _, key := range keys {
		if reflect.DeepEqual(at(tree, key, false), at(unset, key, false)) {
			at(tree, key, true)
		}
	}
}

// tree returns the resolved file's content.
func (e Experiment) tree() map[string]any {
	text, err := e.YAML()
	if err != nil {
		panic(err) // plain structs of numbers and text
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		panic(err)
	}
	return tree
}

// at returns the value at a path, and removes it if that is asked for.
func at(tree map[string]any, path string, remove bool) any {
	section, key, below := strings.Cut(path, ".")
	if below {
		inner, _ := tree[section].(map[string]any)
		return at(inner, key, remove)
	}
	value := tree[path]
	if remove {
		delete(tree, path)
	}
	return value
}
