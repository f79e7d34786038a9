package augment

import (
	"fmt"
	"slices"
	"strings"
)

// Member is a further family of a joint one: views have it at the scale of the entry that it belongs to.
type Member struct {
	Family string  `yaml:"family"` // name of the further family, none that is nominal
	Max    float64 `yaml:"max"`    // strength at scale 1, as that of the first family
}

// JointSeparator stands between the members' names in the name of a joint family, see Family.Name.
const JointSeparator = "+"

// Name is what the entry is called in roles, options of losses and results: the family's name, or of a joint family its
// members' names in their order, as in rotate+blur+hue.
func (f Family) Name() string {
	name := f.Family
	for _, m := range f.With {
		name += JointSeparator + m.Family
	}
	return name
}

// IsFamilyName says whether an entry can have the name: one of FamilyNames, or several of them that can be joined.
func IsFamilyName(name string) bool {
	parts := strings.Split(name, JointSeparator)
	for i, part := range parts {
		spec := findFamily(part)
		if spec == nil || len(parts) > 1 && spec.classes > 0 || slices.Contains(parts[:i], part) {
			return false
		}
	}
	return true
}

// has says whether a family is among the members.
func (f Family) has(name string) bool {
	return f.Family == name || slices.ContainsFunc(f.With, func(m Member) bool { return m.Family == name })
}

// members are all families of the entry.
func (f Family) members() []Member {
	return append([]Member{{f.Family, f.Max}}, f.With...)
}

// validateMembers reports what is wrong with the families and their strengths.
func (f Family) validateMembers(path string) []error {
	var faults []error
	all := f.members()
	for i, m := range all {
		at := path
		if i > 0 {
			at = fmt.Sprintf("%s.with[%d]", path, i-1)
		}
		spec := findFamily(m.Family)
		switch {
		case spec == nil:
			faults = append(faults,
				fmt.Errorf("%s.family: must be one of %s, got %q", at, strings.Join(FamilyNames(), ", "), m.Family))
			continue
		case spec.classes > 0 && len(all) > 1:
			faults = append(faults,
				fmt.Errorf("%s.family: %s is nominal, its scales have no order, so it can't be joined with others", at, m.Family))
		case slices.ContainsFunc(all[:i], func(o Member) bool { return o.Family == m.Family }):
			faults = append(faults, fmt.Errorf("%s.family: %s is joined with itself, keep one", at, m.Family))
		}
		if !spec.check(m.Max) {
			faults = append(faults, fmt.Errorf("%s.max: %s, got %v", at, spec.limits, m.Max))
		}
	}
	return faults
}

// info is what a loss has to know of a valid entry. A joint family is one-sided: its members have signs of their own,
// so that two views have no side in common, and none reaches beyond half a turn.
func (f Family) info() FamilyInfo {
	if len(f.With) > 0 {
		return FamilyInfo{Kind: KindOneSided, Unit: findFamily(f.Family).unit}
	}
	spec := findFamily(f.Family)
	info := FamilyInfo{Kind: spec.kind, Classes: spec.classes, Unit: spec.unit}
	if spec.kind == KindCyclic {
		info.Period = spec.period / f.Max
	}
	return info
}

// family is a valid Family, ready to be applied.
type family struct {
	FamilyInfo
	parts []part
}

// part is a member of a family.
type part struct {
	*familySpec
	max   float64
	signs bool // whether its sign is its aspect's, and not the scale's
}

func (f Family) compile() family {
	c := family{FamilyInfo: f.info()}
	for _, m := range f.members() {
		spec := findFamily(m.Family)
		c.parts = append(c.parts, part{spec, m.Max, len(f.With) > 0 && twoSided(spec.kind)})
	}
	return c
}

func twoSided(kind string) bool { return kind == KindTwoSided || kind == KindCyclic }

// of is the aspect of part i, independent of the others'.
func (a aspect) of(i int) aspect {
	if a.fixed || i == 0 {
		return a
	}
	return aspect{key: fold(a.key, uint64(i))}
}

// at is what the part makes of its family's scale.
func (p *part) at(s float64, a aspect) float64 {
	if p.signs {
		return s * a.sign()
	}
	return s
}

// place composes the geometric parts into the view's geometry, in their order. Scale 0 is the identity, exactly.
func (f *family) place(g *geometry, s float64, a aspect) {
	for i := range f.parts {
		if p := &f.parts[i]; p.geometry != nil && s != 0 {
			own := a.of(i)
			p.geometry(g, p.max, p.at(s, own), own)
		}
	}
}

// paint applies the other parts to the view's pixels, in their order. Scale 0 is the identity, exactly.
func (f *family) paint(c *canvas, s float64, a aspect) {
	for i := range f.parts {
		if p := &f.parts[i]; p.pixels != nil && s != 0 {
			own := a.of(i)
			p.pixels(c, p.max, p.at(s, own), own)
		}
	}
}
