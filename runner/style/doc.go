// Package style is how the pages look that ordo writes: one sheet of CSS, for bright and dark surroundings, at any
// width.
//
// A page follows what its reader's system asks for (prefers-color-scheme), and an attribute data-theme of the root
// element, light or dark, before that. Colours are variables:
//
//	--paper, --ink, --soft, --line   ground, text, small text, lines
//	--raised, --warn                 ground of what stands out, text of warnings
//	--mark                           links, focus and single marks
//	--ordered, --invariant, --out    roles and verdicts
//	--c0 to --c7                     the lines of charts and the classes of maps
//	--grey                           reference lines
//
// The lines' colours are Okabe and Ito's, as those of package figure; darker on paper and brighter in the dark where
// the contrast with the ground would be below 3.
package style
