// Package figure draws what evaluations found, as SVG and PNG: one picture of panels, each with lines over a family's
// scale.
//
// A picture is read at a glance: panels of one row share their y axis, every line has its name above the
// panels, and bands show an interval where there is one. The background is white, so that a picture can stand in
// any document; colours are those of Okabe and Ito, which people with colour blindness can tell apart. The same
// picture gives the same bytes.
//
// The plotting is done by gonum.org/v1/plot.
package figure
